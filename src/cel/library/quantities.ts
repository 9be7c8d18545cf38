import { parseQuantity, Quantity, QuantityError } from '../../machinery/quantity.ts'
import { readsFirst } from '../costs.ts'
import { EvaluationError } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { opaqueType, type Type } from '../types.ts'
import { Special, type Value } from '../values.ts'

const TYPE: Type = opaqueType('kubernetes.Quantity')

class QuantityValue extends Special {
  readonly quantity: Quantity

  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }

  get type(): Type {
    return TYPE
  }

  equals(other: Value): boolean {
    return other instanceof QuantityValue && this.quantity.equals(other.quantity)
  }
}

function quantity(text: string): QuantityValue {
  try {
    return new QuantityValue(parseQuantity(text))
  } catch (error) {
    throw error instanceof QuantityError ? new EvaluationError(error.message) : error
  }
}

function isQuantity(text: string): boolean {
  try {
    quantity(text)
    return true
  } catch (error) {
    if (error instanceof EvaluationError) return false
    throw error
  }
}

/** The value when it is an integer of 64 bits. */
function integer({ mantissa, exponent }: Quantity): bigint | undefined {
  // Digits after the point count even if they are zeros, as in the reference.
  if (mantissa === 0n) return 0n
  if (exponent < 0 || exponent > 18) return undefined
  const value = mantissa * 10n ** BigInt(exponent)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function asInteger({ quantity }: QuantityValue): bigint {
  const value = integer(quantity)
  if (value === undefined) throw new EvaluationError('cannot convert value to integer')
  return value
}

const plain = (value: bigint): Quantity => Quantity.of(value, 'DecimalExponent')
const compare = (a: QuantityValue, b: QuantityValue): number => a.quantity.compare(b.quantity)

/** An amount, as capacities of devices hold them. @throws EvaluationError */
export const quantityValue = (text: string): Value => quantity(text)

/** Amounts as resources are given in: `500m`, `1Gi`. */
export const quantities: readonly Overload[] = [
  declare('quantity(string): kubernetes.Quantity', quantity, { cost: readsFirst }),
  declare('isQuantity(string): bool', isQuantity, { cost: readsFirst }),
  // Declared without an object in the reference, too.
  declare('sign(kubernetes.Quantity): int', (a: QuantityValue) => BigInt(a.quantity.sign)),
  declare('kubernetes.Quantity::isInteger(): bool', (a: QuantityValue) => integer(a.quantity) !== undefined),
  declare('kubernetes.Quantity::asInteger(): int', asInteger),
  declare('kubernetes.Quantity::asApproximateFloat(): double', (a: QuantityValue) => a.quantity.toNumber()),
  declare(
    'kubernetes.Quantity::isGreaterThan(kubernetes.Quantity): bool',
    (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0,
  ),
  declare(
    'kubernetes.Quantity::isLessThan(kubernetes.Quantity): bool',
    (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0,
  ),
  declare('kubernetes.Quantity::compareTo(kubernetes.Quantity): int', (a: QuantityValue, b: QuantityValue) =>
    BigInt(compare(a, b)),
  ),
  declare(
    'kubernetes.Quantity::add(kubernetes.Quantity): kubernetes.Quantity',
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.quantity.add(b.quantity)),
  ),
  declare(
    'kubernetes.Quantity::add(int): kubernetes.Quantity',
    (a: QuantityValue, b: bigint) => new QuantityValue(a.quantity.add(plain(b))),
  ),
  declare(
    'kubernetes.Quantity::sub(kubernetes.Quantity): kubernetes.Quantity',
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.quantity.sub(b.quantity)),
  ),
  declare(
    'kubernetes.Quantity::sub(int): kubernetes.Quantity',
    (a: QuantityValue, b: bigint) => new QuantityValue(a.quantity.sub(plain(b))),
  ),
]
