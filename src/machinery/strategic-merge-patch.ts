import { isObject, type Json, type JsonObject } from './json.ts'
import { kindOf, type PatchField, type PatchType, patchFailed, patchField, patchList } from './patch-fields.ts'
import { copyOf, getOwn, goType, printGo, put } from './patch-values.ts'
import type { SchemaFacts } from './schema.ts'
import { badRequest } from './status.ts'
import {
  badListOrder,
  checkPatchOrder,
  comparable,
  inOrder,
  itemKind,
  noMergeKey,
  partition,
  wrongType,
} from './strategic-lists.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList'
const SET_ORDER = '$setElementOrder'

/**
 * Applies a strategic merge patch: objects are merged, lists as their fields' patch strategies say, null removes a
 * member, and directives (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`) do
 * the rest. Specified by https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 *
 * @param original the object in the request's version; not changed, and shared with the result where it isn't touched
 * @param patch not changed
 * @param typeName such as `io.k8s.api.core.v1.Pod`
 * @throws StatusError 400 for malformed directives, 422 for lists of lists, 500 for other nonsense, as the reference does
 */
export function applyStrategicMergePatch(
  original: JsonObject,
  patch: JsonObject,
  facts: SchemaFacts,
  typeName: string,
): JsonObject {
  return mergeObject(facts, original, copyOf(patch), { type: `#${typeName}`, pointer: false })
}

/**
 * The patch as the reference echoes it when the result doesn't decode: what merging has used up is gone from it.
 * The parameters are those of the {@link applyStrategicMergePatch} that went before.
 */
export function printStrategicMergePatch(original: JsonObject, patch: JsonObject, facts: SchemaFacts, typeName: string): string {
  const used = copyOf(patch)
  mergeObject(facts, original, used, { type: `#${typeName}`, pointer: false })
  return printGo(used)
}

/** `patch` is ours: directives are taken out of it, and its values end up in the result. */
function mergeObject(facts: SchemaFacts, original: JsonObject, patch: JsonObject, owner: PatchType): JsonObject {
  const directive = getOwn(patch, DIRECTIVE)
  if (directive !== undefined) return applyDirective(directive, patch)

  const merged = retainedKeys(original, patch)
  for (const key of Object.keys(patch)) if (key.startsWith(SET_ORDER)) mergeInOrder(facts, merged, patch, key, owner)

  const removed = new Set<string>()
  const set = (name: string, value: Json | undefined) => {
    if (value === undefined) removed.add(name)
    else {
      put(merged, name, value)
      removed.delete(name)
    }
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === undefined) continue
    const deletes = key.startsWith(DELETE_FROM)
    const name = (deletes && fieldOfDirective(key, DELETE_FROM)) || key
    if (value === null) {
      removed.add(name)
      continue
    }
    const current = removed.has(name) ? undefined : getOwn(merged, name)
    if (current === undefined || goType(current) !== goType(value)) {
      if (!deletes) set(name, newValue(value))
    } else if (Array.isArray(value)) {
      const field = patchList(facts, owner, name)
      set(name, mergeList(facts, current as Json[], value, field, deletes).merged)
    } else if (isObject(value)) {
      const { of, strategy } = patchField(facts, owner, name)
      set(name, strategy === 'replace' ? value : mergeObject(facts, current as JsonObject, value, of))
    } else set(name, value)
  }
  return removed.size === 0 ? merged : without(merged, removed)
}

function applyDirective(directive: Json, patch: JsonObject): JsonObject {
  if (directive === 'delete') return {}
  if (directive !== 'replace') throw unknownDirective(directive, patch)
  delete patch[DIRECTIVE]
  return patch
}

const unknownDirective = (directive: Json, patch: JsonObject) =>
  patchFailed(`unknown patch type: ${printGo(directive, 's')} in map: ${printGo(patch)}`)

/** @throws StatusError 400 when the directive names no field (`$deleteFromPrimitiveListfoo`) */
function fieldOfDirective(key: string, prefix: string): string {
  if (key[prefix.length] === '/') return key.slice(prefix.length + 1)
  throw prefix === SET_ORDER ? badListOrder() : badRequest('invalid patch format of primitive list')
}

/** A copy of what `$retainKeys`, if there, leaves of an object. */
function retainedKeys(original: JsonObject, patch: JsonObject): JsonObject {
  const retain = getOwn(patch, RETAIN_KEYS)
  if (retain === undefined) return { ...original }
  delete patch[RETAIN_KEYS]
  const malformed = () => badRequest('invalid patch format of retainKeys')
  if (!Array.isArray(retain)) throw malformed()
  const keys = new Set<Json>(retain.map(comparable))
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)) continue
    if (!keys.has(key)) throw malformed()
  }
  return without(original, new Set(Object.keys(original).filter((key) => !keys.has(key))))
}

/** A copy without some members: deleting from a copy would make a slow object of it. */
function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  const kept: JsonObject = {}
  for (const key of Object.keys(object)) if (!names.has(key)) put(kept, key, object[key])
  return kept
}

/** Merges the list that a `$setElementOrder` is for and puts it into that order. Takes both out of the patch. */
function mergeInOrder(facts: SchemaFacts, merged: JsonObject, patch: JsonObject, key: string, owner: PatchType): void {
  const order = patch[key]
  delete patch[key]
  if (!Array.isArray(order)) throw wrongType('list', order)
  const name = fieldOfDirective(key, SET_ORDER)
  const current = getOwn(merged, name)
  const change = getOwn(patch, name)
  if (current !== undefined && !Array.isArray(current)) throw wrongType('list', current)
  if (change !== undefined && !Array.isArray(change)) throw wrongType('list', change)
  const field = patchList(facts, owner, name)
  const { mergeKey } = field
  checkPatchOrder(change ?? [], order, mergeKey)

  let list = current
  let live = current ?? []
  if (change && !current) list = withoutDirectives(change) as Json[]
  if (change && current) ({ merged: list, live } = mergeList(facts, current, change, field, false))
  if (!list) return
  const [ordered, others] = partition(list, order, mergeKey)
  const kind = itemKind(current ?? [], change ?? [])
  put(merged, name, inOrder(ordered, others, { mergeKey, kind, patch: order, live }))
  delete patch[name]
}

interface MergedList {
  merged: Json[]
  /**
   * What the live list's array holds afterwards in Go, where merging works in place: the places of deleted items are
   * taken by what follows them, and then by new items. A `$setElementOrder` goes by that order.
   */
  live: Json[]
}

function mergeList(facts: SchemaFacts, original: Json[], patch: Json[], field: PatchField, deletes: boolean): MergedList {
  const { mergeKey, strategy, of } = field
  if (strategy !== 'merge' && !deletes) return { merged: patch, live: original }
  if (original.length === 0 && patch.length === 0) return { merged: original, live: original }
  const kind = itemKind(original, patch)
  if (kind === 'scalar') {
    const named = new Set(patch)
    if (deletes) return { merged: original.filter((item) => !named.has(item)), live: original }
    const [ordered, others] = partition([...new Set([...original, ...patch])], patch, mergeKey)
    return { merged: inOrder(ordered, others, { mergeKey, kind, patch, live: original }), live: original }
  }
  if (!mergeKey) throw patchFailed(`cannot merge lists without merge key for ${kindOf(of)}`)

  const { replace, kept, items } = applyItemDirectives(original as JsonObject[], patch as JsonObject[], mergeKey)
  const base = replace ? items : kept
  const changes = replace ? [] : items
  const all = mergeItems(facts, base, changes, mergeKey, of)
  const [ordered, others] = partition(all, changes, mergeKey)
  return {
    merged: inOrder(ordered, others, { mergeKey, kind, patch: changes, live: base }),
    live: replace ? kept : all.slice(0, original.length),
  }
}

/** Carries out `$patch` in a list's items: what remains of the list, and of the patch. */
function applyItemDirectives(original: JsonObject[], patch: JsonObject[], mergeKey: string) {
  const items: JsonObject[] = []
  const deleted = new Set<Json>()
  let replace = false
  for (const item of patch) {
    const directive = getOwn(item, DIRECTIVE)
    if (directive === undefined) items.push(item)
    else if (directive === 'replace') replace = true
    else if (directive === 'merge') throw patchFailed('merging lists cannot yet be specified in the patch')
    else if (directive === 'delete') {
      const key = getOwn(item, mergeKey)
      if (key === undefined) throw noMergeKey(item, mergeKey)
      deleted.add(key)
    } else throw unknownDirective(directive, item)
  }
  const isKept = (item: JsonObject) => {
    const key = getOwn(item, mergeKey)
    return key === undefined || !deleted.has(key)
  }
  return { replace, items, kept: deleted.size ? original.filter(isKept) : original }
}

/** Merges each change into the item with its key, or appends it. */
function mergeItems(
  facts: SchemaFacts,
  base: JsonObject[],
  changes: JsonObject[],
  mergeKey: string,
  of: PatchType,
): JsonObject[] {
  const all = base.slice()
  const places = new Map<Json, number>()
  for (const [i, item] of all.entries()) {
    const key = getOwn(item, mergeKey)
    if (key !== undefined && !places.has(key)) places.set(key, i)
  }
  for (const change of changes) {
    const key = getOwn(change, mergeKey)
    if (key === undefined) throw noMergeKey(change, mergeKey)
    const place = places.get(key)
    if (place === undefined) {
      places.set(key, all.length)
      all.push(change)
    } else all[place] = mergeObject(facts, all[place] as JsonObject, change, of)
  }
  return all
}

/** A value that wasn't there before, without its nulls and directives; undefined when it is a directive itself. */
function newValue(value: Json): Json | undefined {
  discardNulls(value)
  return withoutDirectives(value)
}

function discardNulls(value: Json): void {
  if (Array.isArray(value)) for (const item of value) discardNulls(item)
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const member = value[key]
      if (member === null) delete value[key]
      else if (member !== undefined) discardNulls(member)
    }
  }
}

/** Leaves the objects that are `$patch` directives out; changes objects in place but not lists. */
function withoutDirectives(value: Json): Json | undefined {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if (getOwn(value, DIRECTIVE) !== undefined) return undefined
  for (const key of Object.keys(value)) {
    const member = withoutDirectives(value[key] ?? null)
    if (member === undefined) delete value[key]
    else put(value, key, member)
  }
  return value
}
