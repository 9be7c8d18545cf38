import { declare, type Overload } from '../functions.ts'
import { DYN, objectType, STRING, type Type } from '../types.ts'

/** One step of a JSON patch, as mutating policies make them. */
export const JSON_PATCH: Type = objectType('JSONPatch', { op: STRING, path: STRING, from: STRING, value: DYN })

/** For policies that make JSON patches. */
export const jsonPatches: readonly Overload[] = [
  declare('jsonpatch.escapeKey(string): string', (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')),
]
