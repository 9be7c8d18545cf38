import { type CallCost, declare, type Overload } from '../functions.ts'
import { includes, type Value } from '../values.ts'

type List = readonly Value[]

const contains = (list: List, part: List): boolean => part.every((item) => includes(list, item))
const product: CallCost = ([a, b]) => 1 + (a as List).length * (b as List).length
const twice: CallCost = ([a, b]) => 1 + 2 * (a as List).length * (b as List).length

/** Lists as sets. https://pkg.go.dev/github.com/google/cel-go/ext#Sets */
export const sets: readonly Overload[] = [
  declare('sets.contains(list(T), list(T)): bool', contains, { cost: product }),
  declare('sets.equivalent(list(T), list(T)): bool', (a: List, b: List) => contains(a, b) && contains(b, a), { cost: twice }),
  declare('sets.intersects(list(T), list(T)): bool', (a: List, b: List) => a.some((item) => includes(b, item)), {
    cost: product,
  }),
]
