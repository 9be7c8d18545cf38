import { EvaluationError } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { MapValue, NONE, Optional, Timestamp, typeOf, Uint, type Value } from '../values.ts'

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true
  if (value instanceof Uint) return value.value === 0n
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0
  if (value instanceof MapValue) return value.size === 0
  if (value instanceof Timestamp) return false
  return typeOf(value).kind === 'duration' && (value as { nanoseconds?: bigint }).nanoseconds === 0n
}

function held(optional: Optional): Value {
  if (optional.value === undefined) throw new EvaluationError('optional.none() dereference')
  return optional.value
}

const present = (values: readonly Value[]): Value[] =>
  values.flatMap((value) => (value instanceof Optional && value.value !== undefined ? [value.value] : []))

/** Values that may be none. https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes */
export const optionals: readonly Overload[] = [
  declare('optional.of(A): optional_type(A)', (value: Value) => new Optional(value)),
  declare('optional.ofNonZeroValue(A): optional_type(A)', (value: Value) => (isZero(value) ? NONE : new Optional(value))),
  declare('optional.none(): optional_type(A)', () => NONE),
  declare('optional.unwrap(list(optional_type(A))): list(A)', present),
  declare('list(optional_type(A))::unwrapOpt(): list(A)', present),
  declare('optional_type(A)::value(): A', held),
  declare('optional_type(A)::hasValue(): bool', (optional: Optional) => optional.value !== undefined),
  declare('optional_type(A)::or(optional_type(A)): optional_type(A)', (optional: Optional, other: Optional) =>
    optional.value === undefined ? other : optional,
  ),
  declare('optional_type(A)::orValue(A): A', (optional: Optional, other: Value) =>
    optional.value === undefined ? other : optional.value,
  ),
  declare('list(A)::first(): optional_type(A)', (list: Value[]) => new Optional(list[0])),
  declare('list(A)::last(): optional_type(A)', (list: Value[]) => new Optional(list.at(-1))),
]
