import { comparesBoth, joinsBoth, sizeOfSecond } from '../costs.ts'
import { EvaluationError, noSuchKey, noSuchOverload } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { index, int, uint } from '../numbers.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../times.ts'
import {
  compareNumbers,
  compareStrings,
  Duration,
  equal,
  includes,
  isNumeric,
  KeyedList,
  MapValue,
  NONE,
  Optional,
  Timestamp,
  Uint,
  type Value,
} from '../values.ts'

/** -1, 0 or 1; undefined when the two can't be ordered. */
export function compare(a: Value, b: Value): number | undefined {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b)
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration))
    return a.nanoseconds < b.nanoseconds ? -1 : a.nanoseconds > b.nanoseconds ? 1 : 0
  throw noSuchOverload()
}

const ORDERED = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration']
const MIXED = ['int', 'uint', 'double']

/** Numbers compare with numbers of other types as well. */
function ordering(operator: string, decide: (order: number) => boolean): Overload[] {
  const pairs = [
    ...ORDERED.map((type) => [type, type]),
    ...MIXED.flatMap((left) => MIXED.filter((right) => right !== left).map((right) => [left, right])),
  ]
  return pairs.map(([left, right]) =>
    declare(
      `_${operator}_(${left}, ${right}): bool`,
      (a: Value, b: Value) => {
        const order = compare(a, b)
        return order !== undefined && decide(order)
      },
      left === 'string' || left === 'bytes' ? { cost: comparesBoth } : {},
    ),
  )
}

export function timestamp(nanoseconds: bigint): Timestamp {
  if (nanoseconds < MIN_TIMESTAMP || nanoseconds > MAX_TIMESTAMP) throw new EvaluationError('timestamp overflow')
  return new Timestamp(nanoseconds)
}

export function duration(nanoseconds: bigint): Duration {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new EvaluationError('integer overflow')
  return new Duration(nanoseconds)
}

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new EvaluationError('division by zero')
  return a / b
}

function remainder(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new EvaluationError('modulus by zero')
  return a % b
}

const arithmetic: Overload[] = [
  declare('_+_(int, int): int', (a: bigint, b: bigint) => int(a + b)),
  declare('_+_(uint, uint): uint', (a: Uint, b: Uint) => uint(a.value + b.value)),
  declare('_+_(double, double): double', (a: number, b: number) => a + b),
  declare('_+_(string, string): string', (a: string, b: string) => a + b, { cost: joinsBoth }),
  declare('_+_(bytes, bytes): bytes', (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b]), { cost: joinsBoth }),
  declare('_+_(list(A), list(A)): list(A)', (a: Value[], b: Value[]) => (a instanceof KeyedList ? a.merge(b) : [...a, ...b])),
  declare('_+_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => timestamp(a.nanoseconds + b.nanoseconds)),
  declare('_+_(duration, timestamp): timestamp', (a: Duration, b: Timestamp) => timestamp(a.nanoseconds + b.nanoseconds)),
  declare('_+_(duration, duration): duration', (a: Duration, b: Duration) => duration(a.nanoseconds + b.nanoseconds)),
  declare('_-_(int, int): int', (a: bigint, b: bigint) => int(a - b)),
  declare('_-_(uint, uint): uint', (a: Uint, b: Uint) => uint(a.value - b.value)),
  declare('_-_(double, double): double', (a: number, b: number) => a - b),
  declare('_-_(timestamp, timestamp): duration', (a: Timestamp, b: Timestamp) => duration(a.nanoseconds - b.nanoseconds)),
  declare('_-_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => timestamp(a.nanoseconds - b.nanoseconds)),
  declare('_-_(duration, duration): duration', (a: Duration, b: Duration) => duration(a.nanoseconds - b.nanoseconds)),
  declare('_*_(int, int): int', (a: bigint, b: bigint) => int(a * b)),
  declare('_*_(uint, uint): uint', (a: Uint, b: Uint) => uint(a.value * b.value)),
  declare('_*_(double, double): double', (a: number, b: number) => a * b),
  declare('_/_(int, int): int', (a: bigint, b: bigint) => int(divide(a, b))),
  declare('_/_(uint, uint): uint', (a: Uint, b: Uint) => uint(divide(a.value, b.value))),
  declare('_/_(double, double): double', (a: number, b: number) => a / b),
  declare('_%_(int, int): int', (a: bigint, b: bigint) => int(remainder(a, b))),
  declare('_%_(uint, uint): uint', (a: Uint, b: Uint) => uint(remainder(a.value, b.value))),
  declare('-_(int): int', (a: bigint) => int(-a)),
  declare('-_(double): double', (a: number) => -a),
  declare('!_(bool): bool', (a: boolean) => !a),
]

/** The planner knows these; here is only what the checker asks for. */
const special: Overload[] = [
  declare('_&&_(bool, bool): bool', unreachable),
  declare('_||_(bool, bool): bool', unreachable),
  declare('_?_:_(bool, A, A): A', unreachable),
]

function unreachable(): Value {
  throw new Error('this operator has a plan of its own')
}

function at(list: readonly Value[], position: Value): Value {
  return list[index(position, list.length)]!
}

function member(map: MapValue, key: Value): Value {
  const found = map.get(key)
  if (found === undefined) throw noSuchKey(keyText(key))
  return found
}

export const keyText = (key: Value): string => String(key instanceof Uint ? key.value : key)

/** One element, which may not be there. */
function optionally(collection: Value, key: Value): Value {
  const from = collection instanceof Optional ? collection.value : collection
  if (from === undefined) return NONE
  if (from instanceof MapValue) return new Optional(from.get(key))
  if (!Array.isArray(from)) throw noSuchOverload()
  const position = key instanceof Uint ? key.value : key
  if (typeof position !== 'bigint' || position < 0n || position >= BigInt(from.length)) return NONE
  return new Optional(from[Number(position)] as Value)
}

const access: Overload[] = [
  declare('_[_](list(A), int): A', at),
  declare('_[_](map(A, B), A): B', member),
  declare('_[_](optional_type(list(A)), int): optional_type(A)', optionally),
  declare('_[_](optional_type(map(A, B)), A): optional_type(B)', optionally),
  declare('_[?_](list(A), int): optional_type(A)', optionally),
  declare('_[?_](map(A, B), A): optional_type(B)', optionally),
  declare('_[?_](optional_type(list(A)), int): optional_type(A)', optionally),
  declare('_[?_](optional_type(map(A, B)), A): optional_type(B)', optionally),
  declare('@in(A, list(A)): bool', (a: Value, list: Value[]) => includes(list, a), { cost: sizeOfSecond }),
  declare('@in(A, map(A, B)): bool', (a: Value, map: MapValue) => map.has(a)),
]

export const operators: readonly Overload[] = [
  ...special,
  ...arithmetic,
  ...access,
  declare('_==_(A, A): bool', (a: Value, b: Value) => equal(a, b), { cost: comparesBoth }),
  declare('_!=_(A, A): bool', (a: Value, b: Value) => !equal(a, b), { cost: comparesBoth }),
  ...ordering('<', (order) => order < 0),
  ...ordering('<=', (order) => order <= 0),
  ...ordering('>', (order) => order > 0),
  ...ordering('>=', (order) => order >= 0),
]
