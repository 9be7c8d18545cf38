import type {
  ResourceV1CapacityRequestPolicy,
  ResourceV1CapacityRequestPolicyRange,
  ResourceV1DeviceCapacity,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { type Quantity, quantityFromJson } from '../../machinery/quantity.ts'
import { eachOnce } from './field-rules.ts'

const MAX_VALUES = 10

/** What a device has of something. Only devices that several claims can share may say how much of it each may ask for (KEP-5075). */
export const capacityRules =
  (isShared: boolean) =>
  ({ value, requestPolicy }: ResourceV1DeviceCapacity, path: string): FieldError[] => {
    if (!requestPolicy) return []
    const at = `${path}.requestPolicy`
    if (!isShared) return [forbiddenField(at, 'allowMultipleAllocations must be true')]
    return validatePolicy(quantityFromJson(value ?? '0'), requestPolicy, at)
  }

function validatePolicy(
  capacity: Quantity,
  { default: preset, validValues, validRange }: ResourceV1CapacityRequestPolicy,
  path: string,
): FieldError[] {
  if (validValues?.length && validRange) {
    const detail = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
    return [forbiddenField(path, detail)]
  }
  if (validValues?.length) {
    if (!preset) return [required(`${path}.default`, 'required when validValues is defined')]
    return validateValues(quantityFromJson(preset), capacity, validValues.map(quantityFromJson), `${path}.validValues`)
  }
  if (!validRange) return []
  if (!preset) return [required(`${path}.default`, 'required when validRange is defined')]
  return validateRange(quantityFromJson(preset), capacity, validRange, `${path}.validRange`)
}

function validateValues(preset: Quantity, capacity: Quantity, values: readonly Quantity[], path: string): FieldError[] {
  const errors: FieldError[] = []
  values.forEach((value, i) => {
    if ((values[i - 1]?.compare(value) ?? 0) > 0) {
      errors.push(invalid(`${path}[${i}]`, String(value), 'values must be sorted in ascending order'))
    }
  })
  const check = (value: Quantity, at: string): FieldError[] =>
    value.compare(capacity) > 0 ? [invalid(at, String(value), `option is larger than capacity value: ${capacity}`)] : []
  errors.push(...eachOnce(values, MAX_VALUES, path, check, (value) => String(value.value())))
  if (values.length > MAX_VALUES || !values.some((value) => value.equals(preset))) {
    errors.push(invalid(path, String(preset), 'default value is not valid according to the requestPolicy'))
  }
  return errors
}

function validateRange(
  preset: Quantity,
  capacity: Quantity,
  range: ResourceV1CapacityRequestPolicyRange,
  path: string,
): FieldError[] {
  if (!range.min) return [required(`${path}.min`, 'required when validRange is defined')]
  const errors: FieldError[] = []
  const refuse = (field: string, value: Quantity, detail: string): void => {
    errors.push(invalid(`${path}.${field}`, String(value), detail))
  }
  const min = quantityFromJson(range.min)
  const max = range.max ? quantityFromJson(range.max) : undefined
  if (min.compare(capacity) > 0) refuse('min', min, `min is larger than capacity value: ${capacity}`)
  if (preset.compare(min) < 0) refuse('default', preset, `default is less than min: ${min}`)
  if (max) {
    if (min.compare(max) > 0) refuse('max', min, `min is larger than max: ${max}`)
    if (max.compare(capacity) > 0) refuse('max', max, `max is larger than capacity value: ${capacity}`)
    if (preset.compare(max) > 0) refuse('default', preset, `default is more than max: ${max}`)
  }
  if (!range.step) return errors
  const step = quantityFromJson(range.step)
  const next = min.add(step)
  if (next.compare(capacity) > 0) refuse('step', step, `one step ${next} is larger than capacity value: ${capacity}`)
  // The reference divides by it without a look.
  if (step.value() === 0n) return errors
  for (const value of max ? [preset, max] : [preset]) {
    if ((value.value() - min.value()) % step.value() === 0n) continue
    refuse('step', value, `value is not a multiple of a given step (${step}) from (${min})`)
  }
  return errors
}
