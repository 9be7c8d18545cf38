import type { Json, JsonObject } from '../../machinery/json.ts'
import { equal, isObject } from '../../machinery/json.ts'
import { type Schema as Declared, itemsOf, propertiesOf, valuesOf } from '../../machinery/json-schema/schema.ts'
import type { Descriptions } from '../descriptions.ts'
import { compare, type ServedKind } from '../groups.ts'
import { META } from './operation-parts.ts'
import type { Schema } from './schemas.ts'

/** The types of custom resources and of their lists, which come from definitions instead of facts. */
export class CustomTypes {
  readonly #kinds = new Map<string, ServedKind>()
  readonly #lists = new Map<string, ServedKind>()
  readonly #descriptions: Descriptions
  readonly #version: 2 | 3

  /** @param version of OpenAPI: version 2 can't say much of what schemas say */
  constructor(kinds: readonly ServedKind[], descriptions: Descriptions, version: 2 | 3) {
    this.#descriptions = descriptions
    this.#version = version
    for (const served of kinds) {
      const { custom, kind } = served.definition
      if (!custom) continue
      this.#kinds.set(served.schema, served)
      this.#lists.set(`${served.schema.slice(0, -kind.length)}${custom.listKind}`, served)
    }
  }

  /**
   * @param ref makes a reference to a type
   * @returns undefined for types that aren't custom
   */
  schema(type: string, ref: (type: string) => Schema): Schema | undefined {
    const kind = this.#kinds.get(type)
    if (kind) return this.#kindSchema(kind, ref)
    const list = this.#lists.get(type)
    return list && this.#listSchema(list, ref)
  }

  #kindSchema({ group, version, definition }: ServedKind, ref: (type: string) => Schema): Schema {
    const gvks = { 'x-kubernetes-group-version-kind': [{ group, kind: definition.kind, version }] }
    const declared = definition.jsonSchemas?.[version]
    const v2 = this.#version === 2
    // Who checks objects by version 2 takes what isn't declared for unknown: where there may be more, nothing is declared.
    if (!declared || (v2 && declared['x-kubernetes-preserve-unknown-fields'])) return { type: 'object', ...gvks }
    const metadata = this.#described(ref(`${META}.ObjectMeta`), this.#descriptions.describe('io.k8s.api.core.v1.Pod.metadata'))
    const published = publish(v2 ? toVersion2(declared) : declared, { v2, metadata })
    const properties = sorted({ ...published.properties, ...this.#typeMeta(), metadata })
    return sorted({ ...published, properties, ...gvks })
  }

  #listSchema({ group, version, schema, definition }: ServedKind, ref: (type: string) => Schema): Schema {
    const { kind, resource, custom } = definition
    const listKind = custom?.listKind ?? `${kind}List`
    const { apiVersion, kind: kindSchema } = this.#typeMeta()
    return {
      description: `${listKind} is a list of ${kind}`,
      properties: {
        apiVersion,
        items: {
          description: `List of ${resource}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
          items: ref(schema),
          type: 'array',
        },
        kind: kindSchema,
        metadata: this.#described(ref(`${META}.ListMeta`), this.#descriptions.describe('io.k8s.api.core.v1.PodList.metadata')),
      },
      required: ['items'],
      type: 'object',
      'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
    }
  }

  #typeMeta(): { apiVersion: Schema; kind: Schema } {
    const text = (name: string): Schema => described({ type: 'string' }, this.#descriptions.describe(`${META}.Status.${name}`))
    return { apiVersion: text('apiVersion'), kind: text('kind') }
  }

  /** In version 3 nothing may stand beside a reference. */
  #described(reference: Schema, description: string): Schema {
    return described(this.#version === 3 && description ? { allOf: [reference] } : reference, description)
  }
}

const described = (schema: Schema, description: string): Schema => ({ ...schema, ...(description ? { description } : {}) })

const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'

/** What every resource inside of another one has, besides metadata. */
const EMBEDDED: Record<string, Schema> = {
  apiVersion: {
    description: `apiVersion defines the versioned schema of this representation of an object. More info: ${CONVENTIONS}#resources`,
    type: 'string',
  },
  kind: {
    description: `kind is a string value representing the type of this object. In CamelCase. More info: ${CONVENTIONS}#types-kinds`,
    type: 'string',
  },
}

/** What is published of a schema besides its parts, unless it says nothing. */
const KEYWORDS = [
  ...['description', 'title', 'type', 'nullable', 'default', 'format', 'enum', 'pattern', 'required'],
  ...['maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'multipleOf', 'maxLength', 'minLength'],
  ...['maxItems', 'minItems', 'uniqueItems', 'maxProperties', 'minProperties'],
  ...['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'],
  ...['x-kubernetes-list-map-keys', 'x-kubernetes-list-type', 'x-kubernetes-map-type', 'x-kubernetes-validations'],
] as const

function saysNothing(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (name === 'default') return false
  return value === '' || value === false || (Array.isArray(value) && value.length === 0)
}

interface Publishing {
  readonly v2: boolean
  /** Of embedded resources. */
  readonly metadata: Schema
}

/** A declared schema as clients see it. */
function publish(declared: Declared, options: Publishing): Schema {
  const result: Record<string, unknown> = {}
  for (const name of KEYWORDS) {
    if (!saysNothing(name, declared[name]) && !(options.v2 && name === 'default')) result[name] = declared[name]
  }
  const below = (part: Declared): Schema => publish(part, options)
  const items = itemsOf(declared)
  const values = valuesOf(declared)
  if (items) result.items = below(items)
  if (values) result.additionalProperties = below(values)
  else if (typeof declared.additionalProperties === 'boolean') result.additionalProperties = declared.additionalProperties
  const properties = mapped(propertiesOf(declared), below)
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    if (declared[name]?.length) result[name] = declared[name].map(below)
  }
  if (declared.not) result.not = below(declared.not)
  if (declared['x-kubernetes-int-or-string'] && !options.v2) sayIntOrString(declared, result)
  if (declared['x-kubernetes-embedded-resource'] && !(options.v2 && declared['x-kubernetes-preserve-unknown-fields'])) {
    Object.assign(properties, EMBEDDED, { metadata: options.metadata })
    result.required = [...new Set([...(declared.required ?? []), 'kind', 'apiVersion'])]
  }
  if (Object.keys(properties).length) result.properties = sorted(properties)
  return sorted(result) as Schema
}

const INT_OR_STRING: readonly Schema[] = [{ type: 'integer' }, { type: 'string' }]

/** That it is an integer or a string is said for those, too, who don't know the extension. */
function sayIntOrString({ anyOf, allOf }: Declared, result: Record<string, unknown>): void {
  const choice = INT_OR_STRING as unknown as Json
  if (equal(anyOf as unknown as Json, choice) || equal(allOf?.[0]?.anyOf as unknown as Json, choice)) return
  if (!anyOf) result.anyOf = INT_OR_STRING
  else result.allOf = [{ anyOf: INT_OR_STRING }, ...((result.allOf as Schema[] | undefined) ?? [])]
}

/**
 * A schema without what version 2 can't say, or what kubectl misunderstands there: values that may be null have no type, and what keeps
 * unknown fields has no known ones.
 */
function toVersion2(declared: Declared): Declared {
  const { allOf: _, anyOf: __, oneOf: ___, not: ____, ...schema } = declared
  const nullable = schema.nullable === true
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true
  if (nullable) {
    delete schema.type
    delete schema.nullable
  }
  if (nullable || open) {
    delete schema.items
    delete schema.properties
  }
  if ((schema.type === 'array' && !schema.items) || (schema.type === 'object' && open)) delete schema.type
  const values = valuesOf(schema)
  if (values?.nullable) delete schema.required
  else if (schema.required) schema.required = schema.required.filter((name) => !propertiesOf(schema)[name]?.nullable)
  const items = itemsOf(schema)
  if (items) schema.items = toVersion2(items) as JsonObject
  if (values) schema.additionalProperties = toVersion2(values) as JsonObject
  if (schema.properties) schema.properties = mapped(schema.properties, toVersion2)
  return schema
}

const mapped = <T, R>(of: Readonly<Record<string, T>>, to: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, to(value)]))

const sorted = <T extends object>(of: T): T => Object.fromEntries(Object.entries(of).sort(([a], [b]) => compare(a, b))) as T

/** What is known of a kind's declared schema, for hashes. */
export function schemaText({ version, definition }: ServedKind): string {
  const declared = definition.jsonSchemas?.[version]
  return isObject(declared as Json | undefined) ? JSON.stringify(declared) : ''
}
