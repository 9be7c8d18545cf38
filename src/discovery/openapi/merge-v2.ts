import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'
import type { DocumentV2 } from './v2.ts'

/** What another server's document says of what it serves. */
export interface RemoteV2 {
  readonly paths: JsonObject
  readonly definitions: JsonObject
  readonly parameters: JsonObject
}

/** New names change what refers to them; documents that aren't sane might go on like that for ever. */
const MAX_ROUNDS = 10
const SECTIONS = ['definitions', 'parameters'] as const
/** What may differ without its being another type. */
const ASIDE = new Set(['description', 'x-kubernetes-group-version-kind'])

/** Adds what others serve to our document. Of two paths ours stays; of two types of one name, but not alike, theirs gets another. */
export function mergeV2(own: DocumentV2, remotes: readonly RemoteV2[]): DocumentV2 {
  const merged = { ...own, paths: { ...own.paths } as JsonObject, definitions: { ...own.definitions } as JsonObject }
  const all = { ...merged, parameters: { ...own.parameters } as unknown as JsonObject }
  for (const remote of remotes) {
    const names = newNames(all, remote)
    const renamed = (value: Json): Json => (names.size ? withNames(value, names) : value)
    for (const section of SECTIONS) {
      for (const [name, value] of Object.entries(remote[section])) {
        const target = names.get(`#/${section}/${name}`)?.slice(section.length + 3) ?? name
        all[section][target] ??= renamed(value as Json)
      }
    }
    for (const [path, item] of Object.entries(remote.paths)) all.paths[path] ??= filled(renamed(item as Json))
  }
  return all as unknown as DocumentV2
}

/** What is to be renamed, by references. A type whose parts get other names is another type. */
function newNames(taken: Readonly<Record<(typeof SECTIONS)[number], JsonObject>>, remote: RemoteV2): Map<string, string> {
  const names = new Map<string, string>()
  let before = ''
  for (let round = 0; round < MAX_ROUNDS; round++) {
    for (const section of SECTIONS) {
      for (const [name, value] of Object.entries(remote[section])) {
        const free = freeName(taken[section], name, withNames(value as Json, names))
        if (free !== name) names.set(`#/${section}/${name}`, `#/${section}/${free}`)
      }
    }
    const now = [...names].join(' ')
    if (now === before) break
    before = now
  }
  return names
}

function freeName(taken: JsonObject, name: string, value: Json): string {
  let free = name
  for (let i = 2; Object.hasOwn(taken, free) && essence(taken[free] as Json) !== essence(value); i++) free = `${name}_v${i}`
  return free
}

/** Others may leave out of their operations what ours always have. */
function filled(item: Json): Json {
  if (!isObject(item)) return {}
  const operations = Object.entries(item).map(([method, operation]): [string, Json] => [
    method,
    isObject(operation) ? { operationId: '', responses: {}, schemes: [], tags: [], ...operation } : (operation as Json),
  ])
  return Object.fromEntries(operations)
}

const essence = (value: Json): string =>
  JSON.stringify(value, (name, inner: unknown) => {
    if (ASIDE.has(name)) return undefined
    if (!inner || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })

function withNames(value: Json, names: ReadonlyMap<string, string>): Json {
  if (Array.isArray(value)) return value.map((one) => withNames(one, names))
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([name, inner]): [string, Json] => [
    name,
    name === '$ref' && typeof inner === 'string' ? (names.get(inner) ?? inner) : withNames(inner as Json, names),
  ])
  return Object.fromEntries(entries)
}
