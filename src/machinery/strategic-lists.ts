import { isObject, type Json, type JsonObject } from './json.ts'
import { patchFailed } from './patch-fields.ts'
import { getOwn, goType, patchDoesNotApply, patchUnsupported, printGo } from './patch-values.ts'
import { badRequest, type StatusError } from './status.ts'

const MAP = 'map[string]interface {}'
const LIST = '[]interface {}'

/** A list on which Go's stable sort is a plain insertion sort. */
const INSERTION_SORTED = 20

export const badListOrder = (): StatusError => badRequest('invalid patch format of setElementOrder list')

export const wrongType = (expected: 'map' | 'list', value: Json | undefined): StatusError =>
  patchFailed(`expected a ${expected === 'map' ? MAP : LIST}, but received a ${goType(value)}`)

export const noMergeKey = (item: JsonObject, mergeKey: string): StatusError =>
  patchFailed(`map: ${printGo(item)} does not contain declared merge key: ${mergeKey}`)

/**
 * Whether the lists hold objects or scalars.
 *
 * @throws StatusError when they are empty, hold lists, or not all items are of one type
 */
export function itemKind(...lists: Json[][]): 'map' | 'scalar' {
  let first: string | undefined
  for (const list of lists) {
    for (const item of list) {
      const type = goType(item)
      if (first === undefined) {
        if (item === null) throw patchUnsupported('a strategic merge patch has null in a list that is merged')
        if (type === LIST) throw patchDoesNotApply()
        first = type
      } else if (type !== first) throw patchFailed(`list element types are not identical: ${printGo(lists)}`)
    }
  }
  if (first === undefined) throw patchFailed('no elements in any of the given slices')
  return first === MAP ? 'map' : 'scalar'
}

/** Splits `list` into the items that `by` has too and the others; objects are the same when their merge keys are. */
export function partition(list: readonly Json[], by: readonly Json[], mergeKey: string): [common: Json[], others: Json[]] {
  const contains = mergeKey ? keyFinder(by, mergeKey) : valueFinder(by)
  const common: Json[] = []
  const others: Json[] = []
  for (const item of list) (contains(item) ? common : others).push(item)
  return [common, others]
}

function valueFinder(list: readonly Json[]): (item: Json) => boolean {
  const values = new Set(list.map(comparable))
  return (item) => values.has(comparable(item))
}

/** Scalars only: the reference can't look objects up. */
export function comparable(item: Json): Json {
  if (typeof item === 'object' && item !== null) throw patchUnsupported('a strategic merge patch compares objects by value')
  return item
}

function keyFinder(list: readonly Json[], mergeKey: string): (item: Json) => boolean {
  const keys = new Set<Json>()
  let wrong = -1
  for (const [i, item] of list.entries()) {
    if (!isObject(item)) {
      wrong = i
      break
    }
    const key = getOwn(item, mergeKey)
    if (key !== undefined) keys.add(key)
  }
  return (item) => {
    if (!isObject(item)) throw wrongType('map', item)
    const key = getOwn(item, mergeKey)
    if (key === undefined) throw noMergeKey(item, mergeKey)
    if (keys.has(key)) return true
    if (wrong >= 0) throw patchFailed(`value for key ${wrong} is not a map.`)
    return false
  }
}

/** What decides the order of a merged list. */
export interface ListOrder {
  mergeKey: string
  kind: 'map' | 'scalar'
  /** The order of the items that the patch names. */
  patch: readonly Json[]
  /** The order of the live list's other items, and of these among the patch's. */
  live: readonly Json[]
}

/**
 * Puts a merged list into order: the patch's items as the patch has them, the others as they were, and each of these
 * before the first patch item that it stood before.
 */
export function inOrder(patchItems: Json[], others: Json[], order: ListOrder): Json[] {
  const sortedPatch = sortBy(patchItems, order.patch, order)
  const sortedOthers = sortBy(others, order.live, order)
  const rank = ranker(order.live, order)
  const result: Json[] = []
  let i = 0
  for (const item of sortedPatch) {
    const end = rank(item)
    while (i < sortedOthers.length) {
      const at = rank(sortedOthers[i] as Json)
      if (at < 0 || at >= end) break
      result.push(sortedOthers[i++] as Json)
    }
    result.push(item)
  }
  while (i < sortedOthers.length) result.push(sortedOthers[i++] as Json)
  return result
}

function sortBy(list: Json[], order: readonly Json[], { mergeKey, kind }: ListOrder): Json[] {
  if (kind === 'map') for (const items of [list, order]) for (const item of items) requireKey(item, mergeKey)
  const rank = ranker(order, { mergeKey, kind })
  const ranked = list.map((item) => ({ item, rank: rank(item) }))
  if (ranked.every((entry) => entry.rank >= 0)) ranked.sort((a, b) => a.rank - b.rank)
  else if (ranked.length <= INSERTION_SORTED) insertionSort(ranked)
  else ranked.reverse().sort((a, b) => a.rank - b.rank)
  return ranked.map((entry) => entry.item)
}

function requireKey(item: Json, mergeKey: string): void {
  if (!isObject(item)) throw wrongType('map', item)
  if (getOwn(item, mergeKey) === undefined) throw noMergeKey(item, mergeKey)
}

/** Items without a rank go before whatever stands before them: the reference's comparison says so, consistently or not. */
function insertionSort(list: { rank: number }[]): void {
  for (let i = 1; i < list.length; i++) {
    const entry = list[i] as { rank: number }
    let at = i
    while (at > 0) {
      const before = (list[at - 1] as { rank: number }).rank
      if (entry.rank >= 0 && before >= 0 && before <= entry.rank) break
      list[at] = list[at - 1] as { rank: number }
      at--
    }
    list[at] = entry
  }
}

/** Looks up an item's first place in `list`; -1 when it isn't there. */
function ranker(list: readonly Json[], { mergeKey, kind }: Pick<ListOrder, 'mergeKey' | 'kind'>): (item: Json) => number {
  const identity = (item: Json): Json | undefined =>
    kind === 'scalar' ? item : isObject(item) ? getOwn(item, mergeKey) : undefined
  const ranks = new Map<Json | undefined, number>()
  for (const [i, item] of list.entries()) {
    const key = identity(item)
    if (!ranks.has(key)) ranks.set(key, i)
  }
  return (item) => ranks.get(identity(item)) ?? -1
}

/**
 * Checks that a patch's items stand in the order that its `$setElementOrder` gives.
 *
 * @throws StatusError 500 when they don't
 */
export function checkPatchOrder(patch: readonly Json[], order: readonly Json[], mergeKey: string): void {
  if (patch.length === 0 || order.length === 0) return
  const items = mergeKey ? patch.filter((item) => !isDeletion(item)) : patch
  let at = 0
  let i = 0
  while (at < items.length && i < order.length) {
    const item = items[at] as Json
    if (isObject(item) && getOwn(item, '$patch') !== undefined) {
      at++
      continue
    }
    if (sameItem(item, order[i] as Json, mergeKey)) at++
    i++
  }
  if (at < items.length && i >= order.length)
    throw patchFailed(
      `The order in patch list:\n${printGo([...patch])}\n doesn't match $setElementOrder list:\n${printGo([...order])}\n`,
    )
}

function isDeletion(item: Json): boolean {
  if (!isObject(item)) throw wrongType('map', item)
  return getOwn(item, '$patch') === 'delete'
}

function sameItem(a: Json, b: Json, mergeKey: string): boolean {
  if (!mergeKey) return comparable(a) === comparable(b)
  for (const item of [a, b]) if (!isObject(item)) throw wrongType('map', item)
  for (const item of [a, b]) requireKey(item, mergeKey)
  return getOwn(a as JsonObject, mergeKey) === getOwn(b as JsonObject, mergeKey)
}
