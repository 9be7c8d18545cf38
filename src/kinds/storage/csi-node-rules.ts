import type { StorageV1CSINode, StorageV1CSINodeDriver } from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { byteLength } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { driverName, labelName } from '../core/pod-field-rules.ts'
import { immutableStruct, notNegative } from '../core/rules.ts'

const MAX_NODE_ID = 192
const DRIVER = 'io.k8s.api.storage.v1.CSINodeDriver'

export function validateNode({ spec }: StorageV1CSINode): FieldError[] {
  const names = new Set<string>()
  return (spec?.drivers ?? []).flatMap((driver, i) => {
    const path = `spec.drivers[${i}]`
    const { name = '' } = driver
    const errors = validateDriver(driver, path)
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name))
    names.add(name)
    return [...errors, ...validateTopologyKeys(driver.topologyKeys ?? [], path)]
  })
}

function validateDriver({ name = '', nodeID = '', allocatable }: StorageV1CSINodeDriver, path: string): FieldError[] {
  const errors = driverName(`${path}.name`, name)
  if (!nodeID) errors.push(required(`${path}.nodeID`))
  if (byteLength(nodeID) > MAX_NODE_ID) {
    errors.push(invalid(`${path}.nodeID`, nodeID, `must be ${MAX_NODE_ID} characters or less`))
  }
  return [...errors, ...notNegative(allocatable ?? {}, `${path}.allocatable`, ['count'])]
}

/** Errors name the driver, not the key. */
const validateTopologyKeys = (keys: readonly string[], path: string): FieldError[] =>
  keys.flatMap((key, i) => [
    ...(key ? [] : [required(path)]),
    ...(keys.indexOf(key) < i ? [duplicate(path, key)] : []),
    ...labelName(path, key),
  ])

/** A driver may go and come back otherwise; while it is there, only how many volumes it can attach may change. */
export function validateNodeUpdate(node: StorageV1CSINode, old: StorageV1CSINode, context: WriteContext): FieldError[] {
  const rest = (driver: StorageV1CSINodeDriver): StorageV1CSINodeDriver =>
    context.env.settings.feature('MutableCSINodeAllocatableCount') ? { ...driver, allocatable: undefined } : driver
  const errors = validateNode(node)
  for (const before of old.spec?.drivers ?? []) {
    for (const driver of node.spec?.drivers ?? []) {
      if (driver.name !== before.name) continue
      errors.push(...immutableStruct('spec.drivers', rest(driver), rest(before), DRIVER, context))
    }
  }
  return errors
}
