import type { ResourceV1CounterSet, ResourceV1ResourcePool, ResourceV1ResourceSliceSpec } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateNodeSelector } from '../core/node-selector-rules.ts'
import { checked, driverName } from '../core/pod-field-rules.ts'
import { immutable, printed } from '../core/rules.ts'
import { validateCounters, validateDevice } from './device-rules.ts'
import { eachOnce, labelErrors, poolName } from './field-rules.ts'

const MAX_DEVICES = 128
const MAX_ADVANCED_DEVICES = 64
const MAX_COUNTER_SETS = 8

export function validateSlice(
  spec: ResourceV1ResourceSliceSpec,
  old: ResourceV1ResourceSliceSpec | undefined,
  context: WriteContext,
): FieldError[] {
  const { driver = '', pool = {}, devices, sharedCounters } = spec
  const errors = [...driverName('spec.driver', driver), ...validatePool(pool, 'spec.pool')]
  if (old) {
    errors.push(
      ...immutable('spec.pool.name', pool.name ?? '', old.pool?.name ?? ''),
      ...immutable('spec.driver', driver, old.driver ?? ''),
      ...immutable('spec.nodeName', spec.nodeName, old.nodeName),
    )
  }
  errors.push(...validateNodes(spec, context))
  if (sharedCounters && devices) {
    errors.push(invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'))
  }
  const hasNodes = spec.perDeviceNodeSelection ?? false
  errors.push(
    ...eachOnce(
      devices,
      isAdvanced(spec) ? MAX_ADVANCED_DEVICES : MAX_DEVICES,
      'spec.devices',
      (device, at) => {
        const before = old?.devices?.find(({ name = '' }) => name === (device.name ?? ''))
        return validateDevice(device, before, at, hasNodes, context)
      },
      ({ name = '' }) => name,
    ),
    ...eachOnce(sharedCounters, MAX_COUNTER_SETS, 'spec.sharedCounters', validateCounterSet, ({ name = '' }) => name),
  )
  return errors
}

/** What makes the devices of a slice large. */
const isAdvanced = ({ devices = [] }: ResourceV1ResourceSliceSpec): boolean =>
  devices.some(
    ({ taints, consumesCounters, attributes }) =>
      taints?.length ||
      consumesCounters?.length ||
      Object.values(attributes ?? {}).some(({ ints, bools, strings, versions }) => ints ?? bools ?? strings ?? versions),
  )

function validatePool({ name, resourceSliceCount = 0, generation = 0 }: ResourceV1ResourcePool, path: string): FieldError[] {
  const errors = poolName(name, `${path}.name`)
  if (resourceSliceCount <= 0) {
    errors.push(invalid(`${path}.resourceSliceCount`, resourceSliceCount, 'must be greater than zero'))
  }
  if (generation < 0) errors.push(invalid(`${path}.generation`, generation, 'must be greater than or equal to zero'))
  return errors
}

const ONE_WAY = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'

/** Which nodes reach the devices is said in exactly one way. */
function validateNodes(spec: ResourceV1ResourceSliceSpec, context: WriteContext): FieldError[] {
  const { nodeName, nodeSelector } = spec
  const errors: FieldError[] = []
  const given: string[] = []
  if (nodeName) {
    given.push('`nodeName`')
    errors.push(...checked('spec.nodeName', nodeName, isDns1123Subdomain))
  } else if (nodeName !== undefined) {
    errors.push(invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'))
  }
  if (nodeSelector) {
    given.push('`nodeSelector`')
    errors.push(...validateNodeSelector(nodeSelector, 'spec.nodeSelector'))
    const terms = nodeSelector.nodeSelectorTerms ?? []
    if (terms.length !== 1) {
      const shown = terms.map((term) => printed(term, 'io.k8s.api.core.v1.NodeSelectorTerm', context))
      errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', shown, 'must have exactly one node selector term'))
    }
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field]) given.push(`\`${field}\``)
    else if (spec[field] !== undefined) {
      errors.push(invalid(`spec.${field}`, spec[field], 'must be either unset or set to true'))
    }
  }
  if (given.length === 0) errors.push(required('spec', ONE_WAY))
  if (given.length > 1) errors.push(invalid('spec', `{${given.join(', ')}}`, `${ONE_WAY}, but multiple fields are set`))
  return errors
}

function validateCounterSet({ name, counters }: ResourceV1CounterSet, path: string): FieldError[] {
  return [
    ...(name ? labelErrors(name, `${path}.name`) : [required(`${path}.name`)]),
    ...validateCounters(counters, `${path}.counters`),
  ]
}
