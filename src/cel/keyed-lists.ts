import type { ListIdentity } from './types.ts'
import { equal, KeyedList, MapValue, type Value } from './values.ts'

/**
 * A list of a schema that says what its elements are told apart by, as `x-kubernetes-list-type` has it: then `==` doesn't mind the
 * order, and `+` replaces elements instead of repeating them.
 */
export function keyedList(items: readonly Value[], identity: ListIdentity): KeyedList {
  const list = identity === 'set' ? new SetList() : new MapList(identity)
  for (const item of items) list.push(item)
  return list
}

class SetList extends KeyedList {
  equals(other: readonly Value[]): boolean {
    return this.length === other.length && this.every((item) => other.some((there) => equal(item, there)))
  }

  merge(other: readonly Value[]): Value[] {
    return keyedList([...this, ...other.filter((item) => !this.some((own) => equal(own, item)))], 'set')
  }
}

class MapList extends KeyedList {
  readonly keyNames: readonly string[]

  constructor(keyNames: readonly string[]) {
    super()
    this.keyNames = keyNames
  }

  #same(a: Value, b: Value): boolean {
    if (!(a instanceof MapValue && b instanceof MapValue)) return false
    return this.keyNames.every((key) => {
      const [x, y] = [a.get(key), b.get(key)]
      return x === undefined || y === undefined ? x === y : equal(x, y)
    })
  }

  equals(other: readonly Value[]): boolean {
    if (this.length !== other.length) return false
    return this.every((item) => {
      const like = other.find((there) => this.#same(item, there))
      return like !== undefined && equal(item, like)
    })
  }

  merge(other: readonly Value[]): Value[] {
    const replaced = this.map((own) => other.find((item) => this.#same(own, item)) ?? own)
    const added = other.filter((item) => !this.some((own) => this.#same(own, item)))
    return keyedList([...replaced, ...added], this.keyNames)
  }
}
