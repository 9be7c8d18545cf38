import type {
  ResourceV1DeviceClassConfiguration,
  ResourceV1DeviceSelector,
  ResourceV1DeviceToleration,
  ResourceV1ExactDeviceRequest,
} from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required, tooLong } from '../../machinery/field-errors.ts'
import { byteLength } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { choice, driverName, labelName, mustChoose, objectName } from '../core/pod-field-rules.ts'
import { eachOf, freeObject, labelValue } from './field-rules.ts'

export const MAX_REQUESTS = 32
export const MAX_CONFIG = 32
const MAX_SELECTORS = 32
const MAX_TOLERATIONS = 16
const MAX_EXPRESSION = 10 * 1024
const MAX_PARAMETERS = 10 * 1024

/** @param stored what is stored already was compiled then */
export function validateSelectors(
  selectors: readonly ResourceV1DeviceSelector[] | undefined,
  path: string,
  context: WriteContext,
  { stored = false }: { stored?: boolean } = {},
): FieldError[] {
  return eachOf(selectors, MAX_SELECTORS, path, ({ cel }, at) => {
    if (!cel) return [required(`${at}.cel`)]
    return stored ? [] : expressionErrors(cel.expression ?? '', `${at}.cel.expression`, context)
  })
}

function expressionErrors(expression: string, path: string, { env }: WriteContext): FieldError[] {
  if (byteLength(expression) > MAX_EXPRESSION) return [tooLong(path, MAX_EXPRESSION)]
  return env.expressions?.deviceSelector(expression, path) ?? []
}

/** What a driver is told: an object that only it understands. */
export function validateConfiguration({ opaque }: ResourceV1DeviceClassConfiguration, path: string): FieldError[] {
  if (!opaque) return [required(`${path}.opaque`)]
  return [
    ...driverName(`${path}.opaque.driver`, opaque.driver ?? ''),
    ...freeObject(opaque.parameters, `${path}.opaque.parameters`, MAX_PARAMETERS),
  ]
}

const MODES = ['All', 'ExactCount']

/** A request for devices of a class, whether it is the only one or one of several alternatives. */
export function validateRequest(request: ResourceV1ExactDeviceRequest, path: string, context: WriteContext): FieldError[] {
  const { deviceClassName, selectors, allocationMode = '', count = 0, tolerations } = request
  const errors = objectName(`${path}.deviceClassName`, deviceClassName)
  errors.push(...validateSelectors(selectors, `${path}.selectors`, context))
  if (!MODES.includes(allocationMode)) errors.push(notSupported(`${path}.allocationMode`, allocationMode, MODES))
  else if (allocationMode === 'All' && count) {
    errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"))
  } else if (allocationMode === 'ExactCount' && count <= 0) {
    errors.push(invalid(`${path}.count`, count, 'must be greater than zero'))
  }
  return [...errors, ...validateTolerations(tolerations, `${path}.tolerations`)]
}

export const validateTolerations = (list: readonly ResourceV1DeviceToleration[] | undefined, path: string): FieldError[] =>
  eachOf(list, MAX_TOLERATIONS, path, validateToleration)

export const EFFECTS: readonly string[] = ['NoExecute', 'NoSchedule', 'None']

function validateToleration(toleration: ResourceV1DeviceToleration, path: string): FieldError[] {
  const { key, operator, value, effect } = toleration
  const errors = key ? labelName(`${path}.key`, key) : []
  if (operator === 'Exists' && value) {
    errors.push(invalid(`${path}.value`, value, 'must be empty for operator `Exists`'))
  } else if (operator === 'Equal') errors.push(...labelValue(value, `${path}.value`))
  errors.push(...mustChoose(`${path}.operator`, operator, ['Equal', 'Exists']))
  return [...errors, ...choice(`${path}.effect`, effect || undefined, EFFECTS)]
}
