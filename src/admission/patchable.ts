import { parseJson, stringifyJson } from '../machinery/go-json.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { JsonPatch } from '../machinery/json-patch.ts'

/** An object as a JSON patch can be applied to it: sets of managed fields, which may be kept as text, are read where it goes into them. */
export function patchable(object: JsonObject, operations: JsonPatch['operations']): JsonObject {
  const looksInside = operations.some((operation) =>
    [operation?.path, operation?.from].some((path) => typeof path === 'string' && path.includes('/managedFields')),
  )
  return looksInside ? (parseJson(Buffer.from(stringifyJson(object))) as JsonObject) : object
}
