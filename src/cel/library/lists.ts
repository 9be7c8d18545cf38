import { traversal, traverses } from '../costs.ts'
import { CostError, EvaluationError } from '../errors.ts'
import { type CallCost, declare, type Overload } from '../functions.ts'
import { int, uint } from '../numbers.ts'
import { COST_PER_EXPRESSION } from '../program.ts'
import { runtimeName } from '../types.ts'
import { Duration, equal, typeOf, Uint, type Value } from '../values.ts'
import { compare, duration } from './operators.ts'

function add(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int(a + b)
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a instanceof Uint && b instanceof Uint) return uint(a.value + b.value)
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanoseconds + b.nanoseconds)
  throw new EvaluationError('no such overload')
}

const SUMMABLE: readonly (readonly [type: string, zero: Value])[] = [
  ['int', 0n],
  ['uint', new Uint(0n)],
  ['double', 0],
  ['duration', new Duration(0n)],
]

const COMPARABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']

/** @param sign 1 for the largest, -1 for the smallest */
function extreme(name: string, sign: number): (list: readonly Value[]) => Value {
  return (list) => {
    if (list.length === 0) throw new EvaluationError(`${name} called on empty list`)
    return list.reduce((best, item) => ((compare(item, best) ?? 0) * sign > 0 ? item : best))
  }
}

const isSorted = (list: readonly Value[]): boolean => list.every((item, i) => i === 0 || (compare(list[i - 1]!, item) ?? 0) <= 0)

function sortedBy(list: readonly Value[], keys: readonly Value[]): Value[] {
  if (list.length !== keys.length)
    throw new EvaluationError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.length} and ${keys.length} elements respectively`,
    )
  const first = keys[0]
  if (first === undefined) return []
  if (!COMPARABLE_NAMES.has(runtimeName(typeOf(first)))) throw new EvaluationError('list elements must be comparable')
  if (keys.some((key) => runtimeName(typeOf(key)) !== runtimeName(typeOf(first))))
    throw new EvaluationError('list elements must have the same type')
  return list
    .map((_, i) => i)
    .sort((a, b) => compare(keys[a]!, keys[b]!) ?? 0)
    .map((i) => list[i]!)
}

const COMPARABLE_NAMES = new Set([
  ...COMPARABLE.filter((type) => type !== 'duration' && type !== 'timestamp'),
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
])

function slice(list: readonly Value[], start: bigint, end: bigint): Value[] {
  const wrong = (why: string): EvaluationError => new EvaluationError(`cannot slice(${start}, ${end}), ${why}`)
  if (start < 0n || end < 0n) throw wrong('negative indexes not supported')
  if (start > end) throw wrong('start index must be less than or equal to end index')
  if (BigInt(list.length) < end) throw wrong(`list is length ${list.length}`)
  return list.slice(Number(start), Number(end))
}

function flatten(list: readonly Value[], depth = 1n): Value[] {
  if (depth < 0n) throw new EvaluationError('level must be non-negative')
  return list.flatMap((item) => (Array.isArray(item) && depth > 0n ? flatten(item, depth - 1n) : [item]))
}

/** More than the reference lets anybody make at once. */
const MAX_RANGE = 10_000_000n

function range(size: bigint): bigint[] {
  if (size > MAX_RANGE) throw new EvaluationError(`lists.range: size ${size} exceeds maximum allowed (${MAX_RANGE})`)
  // It would be too much afterwards; so it isn't made at all.
  if (size >= COST_PER_EXPRESSION) throw new CostError()
  return Array.from({ length: Math.max(Number(size), 0) }, (_, i) => BigInt(i))
}

function distinct(list: readonly Value[]): Value[] {
  const found: Value[] = []
  for (const item of list) if (!found.some((other) => equal(other, item))) found.push(item)
  return found
}

const made: CallCost = (_, result) => 1 + (result as readonly Value[]).length
const squared: CallCost = ([list]) => 1 + (list as readonly Value[]).length * traversal(list as readonly Value[])

/** Functions on lists: Kubernetes' own, and https://pkg.go.dev/github.com/google/cel-go/ext#Lists, version 3. */
export const lists: readonly Overload[] = [
  ...SUMMABLE.map(([type, zero]) =>
    declare(`list(${type})::sum(): ${type}`, (list: Value[]) => (list.length ? list.reduce(add) : zero), { cost: traverses }),
  ),
  ...COMPARABLE.flatMap((type) => [
    declare(`list(${type})::isSorted(): bool`, isSorted, { cost: traverses }),
    declare(`list(${type})::min(): ${type}`, extreme('min', -1), { cost: traverses }),
    declare(`list(${type})::max(): ${type}`, extreme('max', 1), { cost: traverses }),
    declare(`list(${type})::sort(): list(${type})`, (list: Value[]) => sortedBy(list, list), { cost: squared }),
    declare(`list(T)::@sortByAssociatedKeys(list(${type})): list(T)`, sortedBy, { cost: squared }),
  ]),
  declare('list(A)::indexOf(A): int', (list: Value[], value: Value) => BigInt(list.findIndex((item) => equal(item, value))), {
    cost: traverses,
  }),
  declare(
    'list(A)::lastIndexOf(A): int',
    (list: Value[], value: Value) => BigInt(list.findLastIndex((item) => equal(item, value))),
    { cost: traverses },
  ),
  declare('list(T)::slice(int, int): list(T)', slice, { cost: made }),
  declare('list(list(T))::flatten(): list(T)', (list: Value[]) => flatten(list), { cost: made }),
  declare('list(dyn)::flatten(int): list(dyn)', flatten, { cost: made }),
  declare('lists.range(int): list(int)', range, { cost: made }),
  declare('list(T)::reverse(): list(T)', (list: Value[]) => list.toReversed(), { cost: made }),
  declare('list(T)::distinct(): list(T)', distinct, { cost: squared }),
]
