import type {
  ResourceV1AllocatedDeviceStatus,
  ResourceV1AllocationResult,
  ResourceV1DeviceAllocationConfiguration,
  ResourceV1DeviceRequestAllocationResult,
  ResourceV1NetworkDeviceData,
  ResourceV1ResourceClaim,
  ResourceV1ResourceClaimConsumerReference,
} from '../../generated/types.ts'
import { validateConditions } from '../../machinery/condition-validation.ts'
import { type FieldError, forbiddenField, invalid, tooLong, tooMany } from '../../machinery/field-errors.ts'
import { isValidInterfaceAddress } from '../../machinery/ip-address-validation.ts'
import { equal } from '../../machinery/json.ts'
import { byteLength } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateNodeSelector } from '../core/node-selector-rules.ts'
import { driverName, mustChoose, present } from '../core/pod-field-rules.ts'
import { printed } from '../core/rules.ts'
import { type RequestNames, requestNames, validateClaimConfiguration, validateReference } from './claim-rules.ts'
import { validateBinding } from './device-rules.ts'
import { eachOf, eachOnce, freeObject, labelErrors, poolName, uuid } from './field-rules.ts'
import { MAX_CONFIG, validateTolerations } from './request-rules.ts'

const MAX_CONSUMERS = 256
const MAX_RESULTS = 32
const MAX_CONDITIONS = 8
const MAX_DATA = 10 * 1024
const MAX_INTERFACE_NAME = 256
const MAX_HARDWARE_ADDRESS = 128
const MAX_IPS = 16

/** What allocation and the drivers may report of a claim. An allocation never changes; it can only go. */
export function validateClaimStatus(
  { metadata, spec, status = {} }: ResourceV1ResourceClaim,
  { status: before = {} }: ResourceV1ResourceClaim,
  context: WriteContext,
): FieldError[] {
  const { allocation, reservedFor = [], devices } = status
  const allocated = new Set(allocation?.devices?.results?.map(deviceId))
  const errors = [
    ...eachOnce(reservedFor, MAX_CONSUMERS, 'status.reservedFor', validateConsumer, ({ uid = '' }) => uid),
    ...eachOnce(
      devices,
      Infinity,
      'status.devices',
      (device, at) => validateDeviceStatus(device, at, allocated),
      (device) => deviceId(device),
    ),
  ]
  const path = 'status.reservedFor'
  if (reservedFor.length && !allocation) {
    errors.push(forbiddenField(path, 'may not be specified when `allocated` is not set'))
  } else if (metadata?.deletionTimestamp && reservedFor.some((added) => !before.reservedFor?.some((old) => equal(old, added)))) {
    const detail = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'
    errors.push(forbiddenField(path, detail))
  }
  if (!allocation) return errors
  if (!before.allocation) {
    return [...errors, ...validateAllocation(allocation, 'status.allocation', requestNames(spec?.devices ?? {}))]
  }
  if (equal(allocation, before.allocation)) return errors
  const shown = printed(allocation, 'io.k8s.api.resource.v1.AllocationResult', context)
  return [...errors, invalid('status.allocation', shown, 'field is immutable')]
}

type DeviceReference = Pick<ResourceV1AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>

/** A device, or the share of one. */
export const deviceId = ({ driver = '', pool = '', device = '', shareID }: DeviceReference): string =>
  `${driver}/${pool}/${device}${shareID ? `/${shareID}` : ''}`

/** What drivers told of devices goes with their allocation. */
export function dropDeallocated({ status }: ResourceV1ResourceClaim, old: ResourceV1ResourceClaim): void {
  if (!status?.devices) return
  const ids = (claim: { status?: typeof status }): Set<string> =>
    new Set(claim.status?.allocation?.devices?.results?.map((result) => deviceId({ ...result, shareID: undefined })))
  const [now, before] = [ids({ status }), ids(old)]
  const kept = status.devices.filter((device) => {
    const id = deviceId({ ...device, shareID: undefined })
    return now.has(id) || !before.has(id)
  })
  status.devices = kept.length ? kept : undefined
}

const validateConsumer = ({ resource, name, uid }: ResourceV1ResourceClaimConsumerReference, path: string): FieldError[] => [
  ...present(`${path}.resource`, resource),
  ...present(`${path}.name`, name),
  ...present(`${path}.uid`, uid),
]

/** The rules of new allocations. */
function validateAllocation(
  { devices, nodeSelector }: ResourceV1AllocationResult,
  path: string,
  names: RequestNames,
): FieldError[] {
  const { results, config } = devices ?? {}
  return [
    ...eachOf(results, MAX_RESULTS, `${path}.devices.results`, (result, at) => validateResult(result, at, names)),
    // As many as the class and the claim may have together.
    ...eachOf(config, 2 * MAX_CONFIG, `${path}.devices.config`, (one, at) => validateAllocatedConfig(one, at, names)),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, `${path}.nodeSelector`) : []),
  ]
}

const validateAllocatedConfig = (
  config: ResourceV1DeviceAllocationConfiguration,
  path: string,
  names: RequestNames,
): FieldError[] => [
  ...mustChoose(`${path}.source`, config.source, ['FromClaim', 'FromClass']),
  ...validateClaimConfiguration(config, path, names),
]

function validateResult(result: ResourceV1DeviceRequestAllocationResult, path: string, names: RequestNames): FieldError[] {
  return [
    ...validateReference(result.request ?? '', `${path}.request`, names),
    ...validateDeviceReference(result, path),
    ...validateBinding(result, path),
    ...validateTolerations(result.tolerations, `${path}.tolerations`),
  ]
}

const validateDeviceReference = ({ driver = '', pool, device, shareID }: DeviceReference, path: string): FieldError[] => [
  ...driverName(`${path}.driver`, driver),
  ...poolName(pool, `${path}.pool`),
  ...labelErrors(device, `${path}.device`),
  ...(shareID === undefined ? [] : uuid(shareID, `${path}.shareID`)),
]

function validateDeviceStatus(
  device: ResourceV1AllocatedDeviceStatus,
  path: string,
  allocated: ReadonlySet<string>,
): FieldError[] {
  const { conditions = [], data, networkData } = device
  const errors = validateDeviceReference(device, path)
  const id = deviceId(device)
  if (!allocated.has(id)) {
    const error = invalid(path, id)
    // The only value that isn't quoted though it is a text: it prints itself.
    errors.push({ ...error, message: `Invalid value: ${id}: must be an allocated device in the claim` })
  }
  if (conditions.length > MAX_CONDITIONS) errors.push(tooMany(`${path}.conditions`, conditions.length, MAX_CONDITIONS))
  errors.push(...validateConditions(conditions, `${path}.conditions`))
  if (data !== undefined) errors.push(...freeObject(data, `${path}.data`, MAX_DATA))
  return networkData ? [...errors, ...validateNetworkData(networkData, `${path}.networkData`)] : errors
}

function validateNetworkData(
  { interfaceName = '', hardwareAddress = '', ips }: ResourceV1NetworkDeviceData,
  path: string,
): FieldError[] {
  const errors: FieldError[] = []
  if (byteLength(interfaceName) > MAX_INTERFACE_NAME) errors.push(tooLong(`${path}.interfaceName`, MAX_INTERFACE_NAME))
  if (byteLength(hardwareAddress) > MAX_HARDWARE_ADDRESS) {
    errors.push(tooLong(`${path}.hardwareAddress`, MAX_HARDWARE_ADDRESS))
  }
  const addresses = eachOnce(
    ips,
    MAX_IPS,
    `${path}.ips`,
    (address, at) => isValidInterfaceAddress(at, address),
    (address) => address,
  )
  return [...errors, ...addresses]
}
