import { type Quantity, quantityFromJson, ZERO_QUANTITY } from '../../machinery/quantity.ts'

/** How much of each resource, by the names that quotas have for them. */
export type Amounts = ReadonlyMap<string, Quantity>

export type ResourceList = Readonly<Record<string, string>>

export function amountsOf(list: ResourceList | undefined): Map<string, Quantity> {
  const amounts = new Map<string, Quantity>()
  for (const name in list) amounts.set(name, quantityFromJson(list[name]))
  return amounts
}

/** In the order of names, as maps are written. */
export function listOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries(sorted(amounts).map(([name, quantity]) => [name, quantity.toString()]))
}

/** Only those of these names. */
export function only(amounts: Amounts, names: Iterable<string>): Amounts {
  const some = new Map<string, Quantity>()
  for (const name of names) {
    const quantity = amounts.get(name)
    if (quantity) some.set(name, quantity)
  }
  return some
}

export function sum(a: Amounts, b: Amounts): Map<string, Quantity> {
  const total = new Map(a)
  for (const [name, quantity] of b) total.set(name, total.get(name)?.add(quantity) ?? quantity)
  return total
}

/** How much more `a` is than `b`; nothing where it is less. */
export function increase(a: Amounts, b: Amounts): Amounts {
  const more = new Map<string, Quantity>()
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const difference = (a.get(name) ?? ZERO_QUANTITY).sub(b.get(name) ?? ZERO_QUANTITY)
    more.set(name, difference.sign > 0 ? difference : ZERO_QUANTITY)
  }
  return more
}

/** The largest amount of each resource. */
export function largest(...all: readonly Amounts[]): Map<string, Quantity> {
  const result = new Map<string, Quantity>()
  for (const amounts of all)
    for (const [name, quantity] of amounts) {
      const known = result.get(name)
      if (!known || quantity.compare(known) > 0) result.set(name, quantity)
    }
  return result
}

export function isZero(amounts: Amounts): boolean {
  for (const quantity of amounts.values()) if (!quantity.isZero) return false
  return true
}

export function equals(a: Amounts, b: Amounts): boolean {
  if (a.size !== b.size) return false
  for (const [name, quantity] of a) if (!b.get(name)?.equals(quantity)) return false
  return true
}

/** `cpu=1,memory=2Gi` */
export function printed(amounts: Amounts): string {
  return sorted(amounts)
    .map(([name, quantity]) => `${name}=${quantity}`)
    .join(',')
}

const sorted = (amounts: Amounts): [string, Quantity][] => [...amounts].sort(([a], [b]) => (a < b ? -1 : 1))
