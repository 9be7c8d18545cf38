/**
 * Turns the reference's OpenAPI v3 documents and protobuf table into compact facts under src/generated/.
 *
 *     npm run generate -- FOLDER      a folder with openapi-v3/*.json and protobuf.json
 *     npm run generate -- URL         a running server (protobuf.json stays as it is); TOKEN in the environment
 *
 * What comes out: schemas/<package>.json (one per Go package, loaded when first asked for), types.ts (the same as TypeScript types)
 * and wire/<package>.json (protobuf field numbers). Descriptions are left out: the build takes them from elsewhere.
 */
import fs from 'node:fs'
import path from 'node:path'
import type { WirePackage } from '../src/machinery/protobuf/wire-facts.ts'
import type { FieldFacts, PackageFacts, TypeExpression, TypeFacts } from '../src/machinery/schema.ts'
import { jsonName, split, tableOf, type WireTable, wireName, wirePackages } from './wire.ts'

interface OpenApiSchema {
  type?: string
  format?: string
  default?: unknown
  items?: OpenApiSchema
  properties?: Record<string, OpenApiSchema>
  required?: string[]
  additionalProperties?: OpenApiSchema
  allOf?: OpenApiSchema[]
  oneOf?: OpenApiSchema[]
  $ref?: string
  'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: 'atomic' | 'granular'
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

/** Schemas whose JSON form OpenAPI can't say: they become a scalar of their own. */
const SCALARS: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'fields',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'microtime',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Duration': 'duration',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'raw',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'intorstring',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'json',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'propsorarray',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'propsorbool',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': 'propsorstrings',
}

const REF = '#/components/schemas/'

const source = process.argv[2]
if (!source) throw new Error('usage: npm run generate -- FOLDER-OR-URL')
const out = path.join(import.meta.dirname, '../src/generated')
const pointers = readJson<Record<'pointers' | 'values' | 'nulls' | 'omitted', Record<string, string[]>>>(
  path.join(import.meta.dirname, 'facts/pointers.json'),
)
/** Go's types of fields that are named strings, lists or maps, which OpenAPI doesn't tell: by full type name and field. */
const namedTypes = readJson<Record<string, Record<string, string>>>(path.join(import.meta.dirname, 'facts/named-types.json'))

function readJson<T>(file: string): T {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as T
}

async function documents(): Promise<{ components?: { schemas?: Record<string, OpenApiSchema> } }[]> {
  if (!/^https?:/.test(source as string)) {
    const dir = path.join(source as string, 'openapi-v3')
    return fs
      .readdirSync(dir)
      .sort()
      .map((name) => readJson(path.join(dir, name)))
  }
  const headers = process.env.TOKEN ? { authorization: `Bearer ${process.env.TOKEN}` } : undefined
  const get = async (where: string) => (await fetch(new URL(where, source), { headers })).json()
  const index = (await get('/openapi/v3')) as { paths: Record<string, { serverRelativeURL: string }> }
  const result = []
  for (const entry of Object.values(index.paths)) result.push((await get(entry.serverRelativeURL)) as { components?: object })
  return result
}

function wireTable(): WireTable {
  if (!/^https?:/.test(source as string)) return readJson(path.join(source as string, 'protobuf.json'))
  const dir = path.join(out, 'wire')
  const files = fs.readdirSync(dir)
  return tableOf(files.map((file) => [path.basename(file, '.json'), readJson<WirePackage>(path.join(dir, file))]))
}

function expression(schema: OpenApiSchema): TypeExpression {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref
  if (ref) {
    const name = ref.slice(REF.length)
    return SCALARS[name] ?? `#${name}`
  }
  if (schema.type === 'array') return { list: expression(schema.items ?? {}) }
  if (schema.type === 'object' && schema.additionalProperties) return { map: expression(schema.additionalProperties) }
  if (schema.type === 'string') return schema.format === 'byte' ? 'bytes' : 'string'
  if (schema.type === 'integer') return schema.format === 'int64' ? 'int64' : 'int32'
  if (schema.type === 'number') return 'double'
  if (schema.type === 'boolean') return 'boolean'
  return 'json'
}

/**
 * Field names in the order of the Go struct, which is the order of the protobuf table with embedded structs laid open; each with the
 * names of the structs that it is embedded by, as decoding errors print them (`ProbeHandler.`).
 */
function goOrder(name: string, wire: WireTable, properties: Set<string>): Map<string, string> {
  const order = new Map<string, string>()
  const walk = (message: string, embedded: string) => {
    for (const [field, , type] of wire[message] ?? []) {
      const json = jsonName(field, properties)
      if (json) order.set(json, embedded)
      else if (wire[type] && embedded.split('.').length < 4) walk(type, `${embedded}${split(type)[1]}.`)
    }
  }
  // TypeMeta isn't in the message; where `kind` is a field of its own, it has its place there.
  const typeMeta = properties.has('kind') && !(wire[wireName(name)] ?? []).some(([field]) => field === 'kind')
  if (typeMeta) for (const field of ['kind', 'apiVersion']) if (properties.has(field)) order.set(field, '')
  walk(wireName(name), '')
  for (const field of properties) if (!order.has(field)) order.set(field, '')
  return order
}

function facts(name: string, schema: OpenApiSchema, wire: WireTable): TypeFacts {
  const properties = schema.properties ?? {}
  const isPointer = new Set(pointers.pointers[name] ?? [])
  const isValue = new Set(pointers.values[name] ?? [])
  const fields: FieldFacts[] = [...goOrder(name, wire, new Set(Object.keys(properties)))].map(([field, embedded]) => {
    const p = properties[field] as OpenApiSchema
    const type = expression(p)
    const fact: FieldFacts = { name: field, type }
    const goType = namedTypes[name]?.[field]
    if (goType) fact.goType = goType
    if (embedded) fact.embedded = embedded
    if (schema.required?.includes(field)) fact.required = true
    if (p.default !== undefined) fact.default = p.default as FieldFacts['default']
    if (isPointer.has(field)) fact.pointer = true
    if (isValue.has(field)) fact.value = true
    if (pointers.nulls[name]?.includes(field)) fact.nullable = true
    if (pointers.omitted[name]?.includes(field)) {
      delete fact.default
      if (fact.required) fact.omitted = true
    }
    if (p['x-kubernetes-list-type']) fact.listType = p['x-kubernetes-list-type']
    if (p['x-kubernetes-list-map-keys']) fact.keys = p['x-kubernetes-list-map-keys']
    if (p['x-kubernetes-map-type'] === 'atomic') fact.atomic = true
    if (p['x-kubernetes-patch-strategy']) fact.patchStrategy = p['x-kubernetes-patch-strategy']
    if (p['x-kubernetes-patch-merge-key']) fact.mergeKey = p['x-kubernetes-patch-merge-key']
    return fact
  })
  const gvk = schema['x-kubernetes-group-version-kind']
  return {
    fields,
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...(gvk?.length === 1 && gvk[0] ? { gvk: gvk[0] } : {}),
  }
}

/** One line per type keeps diffs readable without the size of indented JSON. */
function packageText(pkg: PackageFacts | WirePackage): string {
  return `{\n${Object.keys(pkg)
    .sort()
    .map((type) => `${JSON.stringify(type)}:${JSON.stringify(pkg[type])}`)
    .join(',\n')}\n}\n`
}

const TS_SCALARS: Record<string, string> = {
  string: 'string',
  bytes: 'string',
  int32: 'number',
  int64: 'number',
  double: 'number',
  boolean: 'boolean',
  quantity: 'string',
  time: 'string',
  microtime: 'string',
  duration: 'string',
  raw: 'JsonObject',
  fields: 'JsonObject',
  intorstring: 'number | string',
  json: 'Json',
}

/** `io.k8s.api.core.v1.Pod` → `CoreV1Pod`: unique over all packages, and what a reader expects. */
function tsName(name: string): string {
  const [pkg, type] = split(name)
  const parts = pkg.split('.')
  const version = parts.pop() ?? ''
  const upper = (s: string) => s.charAt(0).toUpperCase() + s.slice(1)
  return `${upper((parts.pop() ?? '').replace(/-./g, (m) => m.charAt(1).toUpperCase()))}${upper(version)}${type}`
}

function tsType(type: TypeExpression): string {
  if (typeof type !== 'string') return 'list' in type ? `Array<${tsType(type.list)}>` : `{ [key: string]: ${tsType(type.map)} }`
  if (type.startsWith('#')) return tsName(type.slice(1))
  if (type.startsWith('props')) return 'Json'
  return TS_SCALARS[type] ?? 'Json'
}

function typesText(all: Map<string, TypeFacts>): string {
  const lines = [
    '// Generated by `npm run generate`: the API types as JSON shapes.',
    "import type { Json, JsonObject } from '../machinery/json.ts'",
    '',
  ]
  for (const name of [...all.keys()].sort()) {
    const type = all.get(name) as TypeFacts
    lines.push(`export interface ${tsName(name)} {`)
    for (const f of type.fields)
      lines.push(`  ${/^[A-Za-z_]\w*$/.test(f.name) ? f.name : JSON.stringify(f.name)}?: ${tsType(f.type)}`)
    lines.push('}', '')
  }
  return lines.join('\n')
}

const wire = wireTable()
const all = new Map<string, TypeFacts>()
for (const doc of await documents()) {
  for (const [name, schema] of Object.entries(doc.components?.schemas ?? {})) {
    if (!SCALARS[name] && !all.has(name)) all.set(name, facts(name, schema, wire))
  }
}
const packages = new Map<string, PackageFacts>()
for (const [name, type] of all) {
  const [pkg, short] = split(name)
  const into = packages.get(pkg) ?? {}
  into[short] = type
  packages.set(pkg, into)
}
fs.mkdirSync(path.join(out, 'schemas'), { recursive: true })
for (const [pkg, types] of packages) fs.writeFileSync(path.join(out, 'schemas', `${pkg}.json`), packageText(types))
fs.writeFileSync(path.join(out, 'types.ts'), typesText(all))
fs.mkdirSync(path.join(out, 'wire'), { recursive: true })
for (const [pkg, messages] of wirePackages(wire, all))
  fs.writeFileSync(path.join(out, 'wire', `${pkg}.json`), packageText(messages))
console.log(`${all.size} types in ${packages.size} packages`)
