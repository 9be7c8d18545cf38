import { type FieldError, forbiddenField, tooLong } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'

/** The most that a ConfigMap or Secret may hold. */
export const MAX_DATA_BYTES = 1024 * 1024

/** The number of bytes that base64 text stands for. */
export function base64Length(text: string): number {
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)
}

export function sizeOf(map: Readonly<Record<string, string>>, length: (text: string) => number): number {
  let size = 0
  for (const key in map) size += length(map[key]!)
  return size
}

export const tooLarge = (field: string): FieldError => tooLong(field, MAX_DATA_BYTES)

/** What may not change once an object is `immutable`, which can't be taken back. */
export function immutableData<T extends { immutable?: boolean }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (!old.immutable) return []
  const errors: FieldError[] = []
  if (!object.immutable) errors.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'))
  for (const field of fields) {
    if (!equal(object[field] ?? {}, old[field] ?? {})) {
      errors.push(forbiddenField(field, 'field is immutable when `immutable` is set'))
    }
  }
  return errors
}
