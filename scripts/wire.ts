import type { WireField as CompactField, WirePackage } from '../src/machinery/protobuf/wire-facts.ts'
import type { FieldFacts, TypeFacts } from '../src/machinery/schema.ts'

/** A field of the reference's protobuf table. */
export type WireField = [name: string, number: number, type: string, repeated?: 'repeated']

export type WireTable = Record<string, WireField[]>

/** `io.k8s.api.core.v1.Pod` → [`io.k8s.api.core.v1`, `Pod`]. */
export function split(name: string): [string, string] {
  const dot = name.lastIndexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}

/** The name in the protobuf table for an OpenAPI name. */
export function wireName(name: string): string {
  return name
    .replace(/^io\.k8s\.kube-aggregator/, 'k8s.io.kube_aggregator')
    .replace(/^io\.k8s\.apiextensions-apiserver/, 'k8s.io.apiextensions_apiserver')
    .replace(/^io\.k8s/, 'k8s.io')
}

/** The OpenAPI name for a name in the protobuf table. */
function apiName(name: string): string {
  return name
    .replace(/^k8s\.io\.kube_aggregator/, 'io.k8s.kube-aggregator')
    .replace(/^k8s\.io\.apiextensions_apiserver/, 'io.k8s.apiextensions-apiserver')
    .replace(/^k8s\.io/, 'io.k8s')
}

/** The property of `properties` that a field of the protobuf table is; some differ in case, JSON schema's have names of their own. */
export function jsonName(field: string, properties: Iterable<string>): string | undefined {
  const all = [...properties]
  if (all.includes(field)) return field
  const kebab = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return all.find((p) => p.toLowerCase() === field.toLowerCase()) ?? all.find((p) => p === kebab || p === `$${field}`)
}

/** Messages whose JSON form isn't that of a struct. */
const SCALARS: Record<string, string> = {
  'k8s.io.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1': 'fields',
  'k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime': 'microtime',
  'k8s.io.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'k8s.io.apimachinery.pkg.apis.meta.v1.Duration': 'duration',
  'k8s.io.apimachinery.pkg.runtime.RawExtension': 'raw',
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': 'intorstring',
}
for (const version of ['v1', 'v1beta1']) {
  const pkg = `k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.${version}`
  SCALARS[`${pkg}.JSON`] = 'json'
  for (const part of ['Array', 'Bool', 'StringArray']) SCALARS[`${pkg}.JSONSchemaPropsOr${part}`] = `propsor${part.toLowerCase()}`
}

/** Structs that hold a plain RawExtension under a field that needn't be given: their schema looks the same as a pointer's. */
const RAW_VALUES = new Set(['ControllerRevision', 'AdmissionRequest', 'WatchEvent'])

/** Structs that the schema doesn't say to be written, but that Go's struct holds as values in types without a schema. */
const USUAL_VALUES = new Set(['metadata', 'spec', 'status', 'userInfo', 'kind', 'resource'])

/**
 * The protobuf table as the codec reads it: by package, with JSON names, and with what Go writes even when it is zero.
 *
 * @param types the schemas, which tell pointers from values; types without one are taken for like-named types of other versions
 */
export function wirePackages(table: WireTable, types: ReadonlyMap<string, TypeFacts>): Map<string, WirePackage> {
  const packages = new Map<string, WirePackage>()
  const twins = new Map<string, TypeFacts>()
  for (const [name, facts] of types) twins.set(split(name)[1], facts)
  const { embeddings, parents } = embeddedFields(table, types)
  for (const message of Object.keys(table).sort()) {
    if (SCALARS[message]) continue
    const name = apiName(message)
    const [pkg, short] = split(name)
    const facts = types.get(name) ?? parents.get(message) ?? twins.get(short)
    const names = new Set(facts?.fields.map((f) => f.name))
    const fields = (table[message] ?? []).map((field): CompactField => {
      const json = jsonName(field[0], names) ?? field[0]
      const fact = facts?.fields.find((f) => f.name === json)
      const mode = modeOf(short, field, fact, Boolean(facts), embeddings)
      const type = typeOf(field[2], pkg)
      return mode ? [json, field[1], type, mode] : [json, field[1], type]
    })
    const into = packages.get(pkg) ?? {}
    into[short] = fields
    packages.set(pkg, into)
  }
  return packages
}

/** Fields that are structs laid open in JSON, as `name Type`; and by those structs the types that show their fields. */
function embeddedFields(table: WireTable, types: ReadonlyMap<string, TypeFacts>) {
  const embeddings = new Set<string>()
  const parents = new Map<string, TypeFacts>()
  const walk = (message: string, facts: TypeFacts, properties: string[]) => {
    for (const [field, , type] of table[message] ?? []) {
      if (!table[type] || jsonName(field, properties)) continue
      embeddings.add(`${field} ${split(type)[1]}`)
      parents.set(type, facts)
      walk(type, facts, properties)
    }
  }
  for (const [name, facts] of types) {
    const properties = facts.fields.map((f) => f.name)
    walk(wireName(name), facts, properties)
  }
  return { embeddings, parents }
}

function modeOf(
  message: string,
  [name, , type, repeated]: WireField,
  fact: FieldFacts | undefined,
  known: boolean,
  embeddings: Set<string>,
): CompactField[3] {
  if (repeated) return 'r'
  if (type.startsWith('map<') || type === 'bytes') return undefined
  if (embeddings.has(`${name} ${split(type)[1]}`) && !fact) return 'e'
  const scalar = SCALARS[type]
  if (!type.includes('.')) return fact?.pointer ? undefined : 'v'
  if (scalar === 'raw') return fact?.required || RAW_VALUES.has(message) ? 'v' : undefined
  if (scalar === 'time' || scalar === 'microtime') return isValueTime(message, name, fact, known) ? 'v' : undefined
  if (scalar === 'quantity' || scalar === 'intorstring' || scalar === 'duration') return fact?.value ? 'v' : undefined
  if (scalar) return undefined
  if (!known) return USUAL_VALUES.has(name) ? 'v' : undefined
  return fact?.default !== undefined || fact?.value || !fact ? 'v' : undefined
}

/** Times that aren't pointers are those that JSON shows as null, and a few that JSON leaves out. */
function isValueTime(message: string, name: string, fact: FieldFacts | undefined, known: boolean): boolean {
  if (fact?.nullable || fact?.required) return true
  if (message === 'ObjectMeta') return name === 'creationTimestamp'
  if (message === 'TokenRequestStatus') return true
  return name === 'lastTransitionTime' || (!known && name === 'lastUpdateTime')
}

function typeOf(type: string, pkg: string): string {
  if (type.startsWith('map<')) return `{${typeOf(type.slice(type.indexOf(',') + 1, -1), pkg)}`
  if (SCALARS[type]) return SCALARS[type]
  if (!type.includes('.')) return type
  const [own, short] = split(apiName(type))
  return own === pkg ? `#${short}` : `#${own}.${short}`
}

/** The protobuf table again, from what was made of it. */
export function tableOf(packages: Iterable<[string, WirePackage]>): WireTable {
  const table: WireTable = {}
  const scalars = new Map(Object.entries(SCALARS).map(([message, type]) => [type, message]))
  for (const [pkg, messages] of packages) {
    const full = (type: string): string => {
      if (type.startsWith('{')) return `map<string,${full(type.slice(1))}>`
      if (!type.startsWith('#')) return scalars.get(type) ?? type
      return wireName(type.slice(1).includes('.') ? type.slice(1) : `${pkg}.${type.slice(1)}`)
    }
    for (const [short, fields] of Object.entries(messages)) {
      table[wireName(`${pkg}.${short}`)] = fields.map(([name, number, type, mode]) =>
        mode === 'r' ? [name, number, full(type), 'repeated'] : [name, number, full(type)],
      )
    }
  }
  return table
}
