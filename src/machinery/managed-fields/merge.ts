import { isObject, type Json, type JsonObject } from '../json.ts'
import { put } from '../patch-values.ts'
import { type Atom, firstPart, type ListAtom, type MapAtom, partOf } from './atoms.ts'
import { isEmptyObject } from './field-set.ts'
import { indexItems } from './list-items.ts'

/**
 * The live object with an applied configuration laid over it: its leaves win, its list items come into the live ones in its order.
 * Nothing goes. Shares parts with both.
 * @throws TypingError
 */
export function mergeApplied(live: Json, config: Json, atom: Atom): Json {
  return merge(live, config, atom) ?? null
}

/** Undefined is absent on either side (though not on both), and a result that is. */
function merge(live: Json | undefined, config: Json | undefined, atom: Atom): Json | undefined {
  if (config === undefined) return live
  if (live === undefined) return config
  const part = partOf(config, atom)
  const other = partOf(live, atom)
  const as = part !== 'none' ? part : other !== 'none' ? other : firstPart(atom)
  if (as === 'map') return mergeMaps(live, config, atom.map as MapAtom)
  if (as === 'list') return mergeLists(live, config, atom.list as ListAtom)
  return config
}

function mergeMaps(live: Json, config: Json, map: MapAtom): Json {
  const left = isObject(live) && !isEmptyObject(live) ? live : undefined
  const right = isObject(config) && !isEmptyObject(config) ? config : undefined
  if (map.atomic || (!left && !right)) return config
  const merged: JsonObject = { ...left }
  for (const key in right) {
    const atom = map.byName.get(key)?.atom ?? map.element
    if (atom) put(merged, key, merge(left && Object.hasOwn(left, key) ? left[key] : undefined, right[key], atom))
  }
  return merged
}

function mergeLists(live: Json, config: Json, list: ListAtom): Json {
  const left = Array.isArray(live) ? live : []
  const right = Array.isArray(config) ? config : []
  if (list.relation === 'atomic' || (left.length === 0 && right.length === 0)) return config
  return mergeItems(left, right, list)
}

/**
 * Both orders are kept as far as they agree; where they don't, the configuration's counts. Live items that can't be told apart stay as
 * they are, unless the configuration has one of their kind.
 */
function mergeItems(left: readonly Json[], right: readonly Json[], list: ListAtom): Json[] {
  const live = indexItems(list, left)
  const config = indexItems(list, right)
  const leftOrder = live.repeated ? left.map((item) => elementOf(list, item)) : live.elements
  const rightOrder = config.elements
  const shared = rightOrder.filter((element) => live.items.has(element))
  let nextShared = 0
  const merged = new Set<string>()
  const out: Json[] = []
  const take = (element: string): void => {
    merged.add(element)
    const item = live.repeated?.has(element) ? undefined : live.items.get(element)
    out.push(merge(item, config.items.get(element), list.item) as Json)
    if (shared[nextShared] === element) nextShared++
  }
  for (let l = 0, r = 0; l < leftOrder.length || r < rightOrder.length; ) {
    const mine = leftOrder[l]
    const theirs = rightOrder[r]
    if (mine !== undefined && mine === theirs) {
      take(mine)
      l++
      r++
    } else if (mine !== undefined && theirs !== undefined && config.items.has(mine) && awaited(mine, shared[nextShared])) {
      // In both, but another of these comes first.
      l++
    } else if (mine !== undefined && !config.items.has(mine)) {
      out.push(left[live.repeated ? l : left.indexOf(live.items.get(mine) as Json)] as Json)
      l++
    } else {
      if (mine !== undefined && merged.has(mine)) l++
      if (theirs !== undefined) {
        take(theirs)
        r++
      } else if (mine !== undefined && !merged.has(mine)) l++
    }
  }
  return out
}

const awaited = (element: string, next: string | undefined): boolean => next !== undefined && next !== element

function elementOf(list: ListAtom, item: Json): string {
  return indexItems(list, [item]).elements[0] as string
}
