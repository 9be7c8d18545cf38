import { isObject, type Json, type JsonObject } from './json.ts'
import { type FieldValidation, getOwn, jsonKind, put } from './patch-values.ts'
import { badRequest } from './status.ts'

/**
 * Applies a JSON merge patch (RFC 7386): objects are merged, null removes a member, everything else replaces.
 *
 * @param document is not changed; the result shares what the patch doesn't touch
 * @param patch the parsed body
 * @param opened receives the containers that the patch went into, for `printPatched`
 * @returns an object; a list when the patch is one, which only `Ignore` lets through
 * @throws StatusError 400 when the patch is no object
 */
export function applyMergePatch(
  document: JsonObject,
  patch: Json,
  validation: FieldValidation = 'Warn',
  opened?: Set<object>,
): Json {
  if (isObject(patch)) return mergeObject(document, patch, opened)
  if (patch !== null && validation !== 'Ignore')
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`,
    )
  if (!Array.isArray(patch)) throw badRequest('Invalid JSON Patch')
  return withoutNulls(patch, opened)
}

function mergeObject(current: JsonObject, patch: JsonObject, opened: Set<object> | undefined): JsonObject {
  const keys = Object.keys(patch)
  const merged = keys.some((key) => patch[key] === null && current[key] !== undefined)
    ? membersNotNulled(current, patch)
    : { ...current }
  opened?.add(merged)
  for (const key of keys) {
    const value = patch[key]
    if (value !== null && value !== undefined) put(merged, key, mergeValue(getOwn(current, key), value, opened))
  }
  return merged
}

/** A copy without what the patch removes: deleting from a copy would make a slow object of it. */
function membersNotNulled(current: JsonObject, patch: JsonObject): JsonObject {
  const kept: JsonObject = {}
  for (const key of Object.keys(current)) if (getOwn(patch, key) !== null) put(kept, key, current[key])
  return kept
}

function mergeValue(current: Json | undefined, value: Json, opened: Set<object> | undefined): Json {
  if (!isObject(current)) return withoutNulls(value, opened)
  return isObject(value) ? mergeObject(current, value, opened) : value
}

/** A new value without its null members. Items of lists stay, even nulls. */
function withoutNulls(value: Json, opened: Set<object> | undefined): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const list = value.map((item) => withoutNulls(item, opened))
    opened?.add(list)
    return list
  }
  const object: JsonObject = {}
  opened?.add(object)
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member !== null && member !== undefined) put(object, key, withoutNulls(member, opened))
  }
  return object
}
