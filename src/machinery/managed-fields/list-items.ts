import { isObject, type Json } from '../json.ts'
import type { ListAtom } from './atoms.ts'
import { compareValues, type Element, elementJson } from './elements.ts'

/** A value that can't be seen by its type; the message is the reference's, without the path. */
export class TypingError extends Error {
  override name = 'TypingError'
}

/** The element of a list's item. @throws TypingError for items that have none */
export function itemElement(list: ListAtom, item: Json | undefined): Element {
  return list.relation === 'map' ? keyedElement(list, item) : valueElement(item)
}

function keyedElement(list: ListAtom, item: Json | undefined): Element {
  if (item === null || item === undefined) throw new TypingError('associative list with keys may not have a null element')
  if (!isObject(item)) throw new TypingError('associative list with keys may not have non-map elements')
  let text = ''
  for (const key of list.keys) {
    const value = item[key.name] ?? key.default
    // An item without one of several keys is another item than any that has it.
    if (value !== undefined) text += `${text ? ',' : 'k:{'}"${key.name}":${elementJson(value)}`
  }
  if (!text) {
    const names = list.keys.map((key) => JSON.stringify(key.name)).join(' ')
    throw new TypingError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    )
  }
  return `${text}}`
}

function valueElement(item: Json | undefined): Element {
  if (item === null || item === undefined)
    throw new TypingError("associative list without keys has an element that's an explicit null")
  if (typeof item === 'object') {
    throw new TypingError(
      Array.isArray(item)
        ? 'not supported: associative list with lists as elements'
        : "associative list without keys has an element that's a map type",
    )
  }
  return `v:${elementJson(item)}`
}

/** A set's or keyed list's items by their elements. */
export interface ItemIndex {
  /** In the order of the list, each once. */
  readonly elements: readonly Element[]
  /** The first item of each element. */
  readonly items: ReadonlyMap<Element, Json>
  /** All items of those elements that occur more than once. */
  readonly repeated: ReadonlyMap<Element, Json[]> | undefined
}

const NO_ITEMS: ItemIndex = { elements: [], items: new Map(), repeated: undefined }

/** @throws TypingError */
export function indexItems(list: ListAtom, values: readonly Json[] | undefined): ItemIndex {
  if (!values?.length) return NO_ITEMS
  const elements: Element[] = []
  const items = new Map<Element, Json>()
  let repeated: Map<Element, Json[]> | undefined
  for (const value of values) {
    const element = itemElement(list, value)
    const first = items.get(element)
    if (first === undefined) {
      elements.push(element)
      items.set(element, value)
      continue
    }
    repeated ??= new Map()
    const all = repeated.get(element)
    if (all) all.push(value)
    else repeated.set(element, [first, value])
  }
  return { elements, items, repeated }
}

/** The elements in the order of a set; compares the items' own keys, which costs less than reading the elements again. */
export function inSetOrder(list: ListAtom, index: ItemIndex): readonly Element[] {
  const { elements, items } = index
  const compare = (a: Element, b: Element): number => {
    const left = items.get(a)
    const right = items.get(b)
    if (list.relation !== 'map' || !isObject(left) || !isObject(right)) return compareValues(left, right)
    for (const key of list.keys) {
      const order = compareValues(left[key.name] ?? key.default, right[key.name] ?? key.default)
      if (order) return order
    }
    return 0
  }
  for (let i = 1; i < elements.length; i++) {
    if (compare(elements[i - 1] as Element, elements[i] as Element) > 0) return [...elements].sort(compare)
  }
  return elements
}
