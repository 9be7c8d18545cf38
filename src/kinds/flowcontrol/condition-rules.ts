import { duplicate, type FieldError, required } from '../../machinery/field-errors.ts'

/** Conditions of flow control's kinds: one of each type. */
export function conditionErrors(conditions: readonly { type?: string }[] | undefined): FieldError[] {
  const seen = new Set<string>()
  return (conditions ?? []).flatMap(({ type = '' }, i) => {
    const field = `status.conditions[${i}].type`
    const errors = seen.has(type) ? [duplicate(field, type)] : []
    seen.add(type)
    return type ? errors : [...errors, required(field, 'must not be empty')]
  })
}
