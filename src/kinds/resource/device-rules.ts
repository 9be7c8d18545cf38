import type {
  ResourceV1Device,
  ResourceV1DeviceAttribute,
  ResourceV1DeviceCounterConsumption,
  ResourceV1DeviceTaint,
} from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, required, tooLong } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { byteLength, isDns1123Subdomain } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateNodeSelector } from '../core/node-selector-rules.ts'
import { checked, labelName, mustChoose } from '../core/pod-field-rules.ts'
import { printed } from '../core/rules.ts'
import { capacityRules } from './capacity-rules.ts'
import { eachEntry, eachOf, eachOnce, labelErrors, labelValue, MAX_QUALIFIED_NAME, qualifiedName } from './field-rules.ts'
import { EFFECTS } from './request-rules.ts'

const MAX_PROPERTIES = 32
const MAX_ATTRIBUTE_VALUES = 48
const MAX_TAINTS = 16
const MAX_COUNTER_SETS = 2
const MAX_CONDITIONS = 4
const MAX_TEXT = 64

/**
 * A device of a slice.
 * @param old the device of this name before, whose taints aren't looked at again when they stay
 * @param hasNodes whether each device of the slice says for itself which nodes reach it
 */
export function validateDevice(
  device: ResourceV1Device,
  old: ResourceV1Device | undefined,
  path: string,
  hasNodes: boolean,
  context: WriteContext,
): FieldError[] {
  const { name, attributes = {}, capacity = {}, taints, consumesCounters } = device
  const errors = labelErrors(name, `${path}.name`)
  const properties = Object.keys(attributes).length + Object.keys(capacity).length
  if (properties > MAX_PROPERTIES) {
    const detail = `the total number of attributes and capacities must not exceed ${MAX_PROPERTIES}`
    errors.push(invalid(path, properties, detail))
  }
  const values = Object.values(attributes).reduce((sum, attribute) => sum + (countItems(attribute) || 1), 0)
  if (values > MAX_ATTRIBUTE_VALUES) {
    errors.push(invalid(path, values, `the total number of attribute values must not exceed ${MAX_ATTRIBUTE_VALUES}`))
  }
  const checkAttribute = (attribute: ResourceV1DeviceAttribute, at: string): FieldError[] =>
    validateAttribute(attribute, at, context)
  errors.push(...eachEntry(attributes, Infinity, MAX_QUALIFIED_NAME, `${path}.attributes`, qualifiedName, checkAttribute))
  const checkCapacity = capacityRules(device.allowMultipleAllocations ?? false)
  errors.push(...eachEntry(capacity, Infinity, MAX_QUALIFIED_NAME, `${path}.capacity`, qualifiedName, checkCapacity))
  if (!old || !equal(old.taints ?? [], taints ?? [])) {
    errors.push(...eachOf(taints, MAX_TAINTS, `${path}.taints`, validateTaint))
  }
  return [
    ...errors,
    ...eachOnce(
      consumesCounters,
      MAX_COUNTER_SETS,
      `${path}.consumesCounters`,
      validateConsumption,
      ({ counterSet = '' }) => counterSet,
    ),
    ...validateNodes(device, path, hasNodes),
    ...validateBinding(device, path),
  ]
}

const LISTS = ['ints', 'bools', 'strings', 'versions'] as const

const countItems = (attribute: ResourceV1DeviceAttribute): number =>
  LISTS.reduce((sum, list) => sum + (attribute[list]?.length ?? 0), 0)

const NUMBER = '(?:0|[1-9][0-9]*)'
const PRERELEASE = '(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)'
const BUILD = '[0-9a-zA-Z-]+'
/** https://semver.org/spec/v2.0.0.html */
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${PRERELEASE}(?:\\.${PRERELEASE})*)?(?:\\+${BUILD}(?:\\.${BUILD})*)?$`,
)

/** An attribute has one value, or one list of values. */
function validateAttribute(attribute: ResourceV1DeviceAttribute, path: string, context: WriteContext): FieldError[] {
  const { int, bool, string, version, strings = [], versions = [] } = attribute
  const errors: FieldError[] = []
  if (string !== undefined) errors.push(...text(string, `${path}.string`))
  if (version !== undefined) errors.push(...versionText(version, `${path}.version`))
  for (const list of LISTS) {
    if (attribute[list]?.length === 0) errors.push(invalid(`${path}.${list}`, [], 'must not be empty if specified'))
  }
  strings.forEach((item, i) => {
    errors.push(...text(item, `${path}.strings[${i}]`))
  })
  versions.forEach((item, i) => {
    errors.push(...versionText(item, `${path}.versions[${i}]`))
  })
  const given = [int, bool, string, version, ...LISTS.map((list) => attribute[list])].filter((value) => value !== undefined)
  if (given.length === 1) return errors
  const shown = given.length ? printed(attribute, 'io.k8s.api.resource.v1.DeviceAttribute', context) : ''
  return [...errors, invalid(path, shown, 'exactly one value must be specified')]
}

const text = (value: string, path: string): FieldError[] => (byteLength(value) > MAX_TEXT ? [tooLong(path, MAX_TEXT)] : [])

const versionText = (value: string, path: string): FieldError[] => [
  ...(SEMVER.test(value) ? [] : [invalid(path, value, 'must be a string compatible with semver.org spec 2.0.0')]),
  ...text(value, path),
]

const validateTaint = ({ key = '', value, effect }: ResourceV1DeviceTaint, path: string): FieldError[] => [
  ...labelName(`${path}.key`, key),
  ...labelValue(value, `${path}.value`),
  ...mustChoose(`${path}.effect`, effect, EFFECTS),
]

function validateConsumption({ counterSet, counters }: ResourceV1DeviceCounterConsumption, path: string): FieldError[] {
  return [
    ...(counterSet ? labelErrors(counterSet, `${path}.counterSet`) : [required(`${path}.counterSet`)]),
    ...validateCounters(counters, `${path}.counters`),
  ]
}

const MAX_COUNTERS = 32
const MAX_COUNTER_NAME = 63

/** Counters by name; any amount will do. */
export function validateCounters(counters: ResourceV1DeviceCounterConsumption['counters'], path: string): FieldError[] {
  if (!Object.keys(counters ?? {}).length) return [required(path)]
  return eachEntry(counters, MAX_COUNTERS, MAX_COUNTER_NAME, path, labelErrors, () => [])
}

const NODES_NEEDED =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
const NODES_ELSEWHERE =
  '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec'

function validateNodes({ nodeName, nodeSelector, allNodes }: ResourceV1Device, path: string, hasNodes: boolean): FieldError[] {
  if (!hasNodes) {
    const isSet = nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined
    return isSet ? [invalid(path, undefined, NODES_ELSEWHERE)] : []
  }
  const errors: FieldError[] = []
  const given: string[] = []
  if (nodeName) {
    given.push('`nodeName`')
    errors.push(...checked(`${path}.nodeName`, nodeName, isDns1123Subdomain))
  } else if (nodeName !== undefined) errors.push(invalid(`${path}.nodeName`, nodeName, 'must not be empty'))
  if (nodeSelector) {
    given.push('`nodeSelector`')
    errors.push(...validateNodeSelector(nodeSelector, `${path}.nodeSelector`))
  }
  if (allNodes) given.push('`allNodes`')
  else if (allNodes !== undefined) errors.push(invalid(`${path}.allNodes`, allNodes, 'must be either unset or set to true'))
  if (given.length === 0) errors.push(required(path, NODES_NEEDED))
  else if (given.length > 1) errors.push(invalid(path, `{${given.join(', ')}}`, NODES_NEEDED))
  return errors
}

interface Binding {
  bindingConditions?: string[]
  bindingFailureConditions?: string[]
}

/** Conditions that a claim waits for when it gets the device, and those that end the waiting (KEP-5007). */
export function validateBinding(
  { bindingConditions: wanted = [], bindingFailureConditions: failures = [] }: Binding,
  path: string,
): FieldError[] {
  const wantedPath = `${path}.bindingConditions`
  const failuresPath = `${path}.bindingFailureConditions`
  const name = (condition: string, at: string): FieldError[] => labelName(at, condition)
  const errors = [
    ...eachOf(wanted, MAX_CONDITIONS, wantedPath, name),
    ...eachOf(failures, MAX_CONDITIONS, failuresPath, name),
    ...repeated(wanted, wantedPath),
    ...repeated(failures, failuresPath),
  ]
  failures.forEach((condition, i) => {
    if (!wanted.includes(condition)) return
    const detail = 'bindingFailureConditions must not overlap with bindingConditions'
    errors.push(invalid(`${failuresPath}[${i}]`, condition, detail))
  })
  if (!wanted.length && failures.length) {
    errors.push(invalid(wantedPath, wanted, 'bindingConditions are required to use bindingFailureConditions'))
  }
  if (!failures.length && wanted.length) {
    errors.push(invalid(failuresPath, failures, 'bindingFailureConditions are required to use bindingConditions'))
  }
  return errors
}

const repeated = (items: readonly string[], path: string): FieldError[] =>
  items.flatMap((item, i) => (items.indexOf(item) < i ? [duplicate(`${path}[${i}]`, item)] : []))
