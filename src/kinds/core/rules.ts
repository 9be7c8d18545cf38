import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { internalForm, printIndented } from '../../machinery/internal-form.ts'
import { equal, type JsonObject, semanticallyEqual } from '../../machinery/json.ts'
import { unifiedDiff } from '../../machinery/unified-diff.ts'
import type { WriteContext } from '../../registry/context.ts'

export const NOT_NEGATIVE = 'must be greater than or equal to 0'

/** Numbers that must not be below zero; absent ones are fine. */
export function notNegative<T extends object>(object: T, path: string, fields: readonly (keyof T & string)[]): FieldError[] {
  const errors: FieldError[] = []
  checkNotNegative(errors, object, path, fields)
  return errors
}

/** The same for who collects errors of more kinds. */
export function checkNotNegative<T extends object>(
  errors: FieldError[],
  object: T,
  path: string,
  fields: readonly (keyof T & string)[],
): void {
  for (const field of fields) {
    const value = object[field]
    if (typeof value === 'number' && value < 0) errors.push(invalid(`${path}.${field}`, value, NOT_NEGATIVE))
  }
}

/** Counts that are part of another count of the same object. */
export function notMoreThan<T extends object>(
  object: T,
  path: string,
  whole: keyof T & string,
  parts: readonly (keyof T & string)[],
  message = `cannot be greater than ${path}.${whole}`,
): FieldError[] {
  const limit = Number(object[whole] ?? 0)
  return parts.flatMap((part) => {
    const value = Number(object[part] ?? 0)
    return value > limit ? [invalid(`${path}.${part}`, value, message)] : []
  })
}

/** A field that an update may not change. */
export function immutable(path: string, value: unknown, old: unknown): FieldError[] {
  return equal(value, old) ? [] : [invalid(path, value, 'field is immutable')]
}

/** A value as messages show it where the reference prints its internal type. */
export function printed(value: object | undefined, type: string, { env }: WriteContext): unknown {
  return env.facts && value ? internalForm(env.facts, type, value as JsonObject) : value
}

/** The same for a field whose value is shown in the reference's internal type. */
export function immutableStruct(
  path: string,
  value: object | undefined,
  old: object | undefined,
  type: string,
  context: WriteContext,
): FieldError[] {
  return semanticallyEqual(value ?? {}, old ?? {})
    ? []
    : [invalid(path, printed(value ?? {}, type, context), 'field is immutable')]
}

/** What differs between two objects of a type, as the reference prints it in errors. */
export function differences(type: string, before: object, after: object, { env }: WriteContext): string {
  const { facts } = env
  if (!facts) return ''
  const print = (object: object): string => printIndented(internalForm(facts, type, object as JsonObject))
  return unifiedDiff(print(before), print(after))
}
