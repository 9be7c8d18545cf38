import type { Json } from '../../machinery/json.ts'
import type { FieldFacts, SchemaFacts, TypeExpression } from '../../machinery/schema.ts'
import type { Descriptions } from '../descriptions.ts'
import { compare } from '../groups.ts'
import { type GroupVersionKind, META } from './operation-parts.ts'

/** A schema object; keys in the order in which Go prints them, which is by name. */
export interface Schema {
  $ref?: string
  additionalProperties?: Schema | boolean
  allOf?: Schema[]
  anyOf?: Schema[]
  default?: Json
  description?: string
  enum?: Json[]
  exclusiveMaximum?: boolean
  exclusiveMinimum?: boolean
  format?: string
  items?: Schema
  maxItems?: number
  maxLength?: number
  maxProperties?: number
  maximum?: number
  minItems?: number
  minLength?: number
  minProperties?: number
  minimum?: number
  multipleOf?: number
  not?: Schema
  nullable?: boolean
  oneOf?: Schema[]
  pattern?: string
  properties?: Record<string, Schema>
  required?: string[]
  title?: string
  type?: string
  uniqueItems?: boolean
  'x-kubernetes-group-version-kind'?: GroupVersionKind[]
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-map-type'?: string
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-unions'?: Json
}

/** What the OpenAPI versions say differently. */
export interface Dialect {
  /** `#/components/schemas/` or `#/definitions/`. */
  refs: string
  /** Version 2 knows neither `oneOf` nor defaults, and lets `$ref` stand beside other keys. */
  version: 2 | 3
}

export const SCALE_TYPE = 'io.k8s.api.autoscaling.v1.Scale'
const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'

/** Scalars of the facts that are types of their own in OpenAPI. */
const NAMED_SCALARS: Record<string, string> = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intorstring: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  time: `${META}.Time`,
  microtime: `${META}.MicroTime`,
  duration: `${META}.Duration`,
  fields: `${META}.FieldsV1`,
  raw: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  json: `${APIEXTENSIONS}.JSON`,
  propsorarray: `${APIEXTENSIONS}.JSONSchemaPropsOrArray`,
  propsorbool: `${APIEXTENSIONS}.JSONSchemaPropsOrBool`,
  propsorstrings: `${APIEXTENSIONS}.JSONSchemaPropsOrStringArray`,
}

const DATE_TIME: Schema = { format: 'date-time', type: 'string' }

/** Types without facts of their own. */
const FIXED: Record<string, Schema> = {
  [NAMED_SCALARS.quantity as string]: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  [NAMED_SCALARS.intorstring as string]: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  [NAMED_SCALARS.time as string]: DATE_TIME,
  [NAMED_SCALARS.microtime as string]: DATE_TIME,
  [NAMED_SCALARS.duration as string]: { type: 'string' },
  [NAMED_SCALARS.fields as string]: { type: 'object' },
  [NAMED_SCALARS.raw as string]: { type: 'object' },
  [`${META}.Patch`]: { type: 'object' },
  [NAMED_SCALARS.json as string]: {},
  [NAMED_SCALARS.propsorarray as string]: {},
  [NAMED_SCALARS.propsorbool as string]: {},
  [NAMED_SCALARS.propsorstrings as string]: {},
}

const PLAIN_SCALARS: Record<string, Schema> = {
  string: { type: 'string' },
  bytes: { format: 'byte', type: 'string' },
  boolean: { type: 'boolean' },
  int32: { format: 'int32', type: 'integer' },
  int64: { format: 'int64', type: 'integer' },
  double: { format: 'double', type: 'number' },
}

/** Structs of which one field may be set: the field that says which, if any, and the names of the choices. */
const UNIONS: Record<string, { discriminator?: string; choices: string[] }> = {
  'io.k8s.api.core.v1.AppArmorProfile': { discriminator: 'type', choices: ['localhostProfile'] },
  'io.k8s.api.core.v1.PodSchedulingGroup': { choices: ['podGroupName'] },
  'io.k8s.api.core.v1.SeccompProfile': { discriminator: 'type', choices: ['localhostProfile'] },
  'io.k8s.api.flowcontrol.v1.LimitResponse': { discriminator: 'type', choices: ['queuing'] },
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec': { discriminator: 'type', choices: ['exempt', 'limited'] },
  'io.k8s.api.flowcontrol.v1.Subject': { discriminator: 'kind', choices: ['group', 'serviceAccount', 'user'] },
}

/** Defaults that go unsaid in encoded objects, for which reason the facts leave them out. */
const SILENT_DEFAULTS: Record<string, Json> = {
  'io.k8s.api.autoscaling.v1.ScaleSpec.replicas': 0,
  'io.k8s.api.core.v1.ReplicationControllerSpec.minReadySeconds': 0,
  'io.k8s.api.core.v1.LocalObjectReference.name': '',
  'io.k8s.api.core.v1.ConfigMapEnvSource.name': '',
  'io.k8s.api.core.v1.SecretEnvSource.name': '',
  'io.k8s.api.core.v1.ConfigMapKeySelector.name': '',
  'io.k8s.api.core.v1.SecretKeySelector.name': '',
  'io.k8s.api.core.v1.ConfigMapProjection.name': '',
  'io.k8s.api.core.v1.SecretProjection.name': '',
  'io.k8s.api.core.v1.ConfigMapVolumeSource.name': '',
}

/** Structs and maps said to be granular, though they would be anyway. */
const GRANULAR = new Set([
  'io.k8s.api.core.v1.PersistentVolumeSpec.claimRef',
  'io.k8s.api.core.v1.PersistentVolumeClaimStatus.allocatedResourceStatuses',
])

/** Types that every group version registers as its own. */
const COMMON_KINDS = new Set([`${META}.DeleteOptions`, `${META}.WatchEvent`])

export interface CustomSchemas {
  schema(type: string, ref: (type: string) => Schema): Schema | undefined
}

/** Builds schemas from type facts, and remembers which types they refer to. */
export class SchemaBuilder {
  readonly #facts: SchemaFacts
  readonly #descriptions: Descriptions
  readonly #dialect: Dialect
  readonly #commonVersions: readonly { group: string; version: string }[]
  readonly #custom: CustomSchemas | undefined
  readonly #wanted = new Set<string>()

  /**
   * @param commonVersions the group versions that common kinds such as DeleteOptions are said to be of
   * @param custom knows the types that have no facts
   */
  constructor(
    facts: SchemaFacts,
    descriptions: Descriptions,
    dialect: Dialect,
    commonVersions: readonly { group: string; version: string }[],
    custom?: CustomSchemas,
  ) {
    this.#facts = facts
    this.#descriptions = descriptions
    this.#dialect = dialect
    this.#commonVersions = commonVersions
    this.#custom = custom
  }

  /** A reference to a type, which `all()` then includes. */
  ref(type: string): Schema {
    this.#wanted.add(type)
    return { $ref: this.#dialect.refs + type }
  }

  /** The schemas of every type that was referred to, and of those that they refer to. */
  all(): Record<string, Schema> {
    const built = new Map<string, Schema>()
    // A set's iterator goes on with what is added meanwhile.
    for (const type of this.#wanted) built.set(type, this.#schema(type))
    return Object.fromEntries([...built].sort(([a], [b]) => compare(a, b)))
  }

  #schema(type: string): Schema {
    const custom = this.#custom?.schema(type, (of) => this.ref(of))
    if (custom) return custom
    const texts = this.#descriptions.fields(type)
    const description = texts[''] ? { description: texts[''] } : {}
    const fixed = FIXED[type]
    if (fixed) return { ...description, ...(this.#dialect.version === 2 && fixed.oneOf ? withoutChoice(fixed) : fixed) }
    const facts = this.#facts.type(type)
    const properties: Record<string, Schema> = {}
    for (const field of [...facts.fields].sort((a, b) => compare(a.name, b.name))) {
      properties[field.name] = this.#field(type, field, texts[field.name])
    }
    const required = facts.fields.filter((f) => f.required).map((f) => f.name)
    const gvks = COMMON_KINDS.has(type)
      ? this.#commonVersions.map(({ group, version }) => ({ group, kind: type.slice(META.length + 1), version }))
      : facts.gvk
        ? [{ group: facts.gvk.group, kind: facts.gvk.kind, version: facts.gvk.version }]
        : []
    const union = UNIONS[type]
    return {
      ...description,
      ...(facts.fields.length ? { properties } : {}),
      ...(required.length ? { required } : {}),
      type: 'object',
      ...(gvks.length ? { 'x-kubernetes-group-version-kind': gvks } : {}),
      ...(facts.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...(union ? { 'x-kubernetes-unions': unionExtension(union) } : {}),
    }
  }

  #field(owner: string, field: FieldFacts, description: string | undefined): Schema {
    const schema = this.#expression(field.type)
    const v3 = this.#dialect.version === 3
    const value = field.default ?? SILENT_DEFAULTS[`${owner}.${field.name}`]
    const result: Schema = {}
    if (schema.$ref) {
      // In version 3 nothing may stand beside a reference. These have no description that would.
      const alone = (owner.endsWith('.JSONSchemaProps') && field.name !== 'default') || owner.endsWith('.IngressRule')
      if (alone || !v3) Object.assign(result, schema)
      else result.allOf = [schema]
    } else {
      Object.assign(result, schema)
    }
    if (v3 && value !== undefined) result.default = value
    if (description) result.description = description
    if (field.keys) result['x-kubernetes-list-map-keys'] = field.keys
    if (field.listType) result['x-kubernetes-list-type'] = field.listType
    if (field.atomic) result['x-kubernetes-map-type'] = 'atomic'
    else if (GRANULAR.has(`${owner}.${field.name}`)) result['x-kubernetes-map-type'] = 'granular'
    if (field.mergeKey) result['x-kubernetes-patch-merge-key'] = field.mergeKey
    if (field.patchStrategy) result['x-kubernetes-patch-strategy'] = field.patchStrategy
    return result
  }

  #expression(type: TypeExpression): Schema {
    if (typeof type !== 'string') {
      if ('list' in type) return { items: this.#expression(type.list), type: 'array' }
      return { additionalProperties: this.#expression(type.map), type: 'object' }
    }
    if (type.startsWith('#')) return this.ref(type.slice(1))
    const plain = PLAIN_SCALARS[type]
    if (plain) return { ...plain }
    return this.ref(NAMED_SCALARS[type] as string)
  }
}

function withoutChoice({ oneOf: _oneOf, ...rest }: Schema): Schema {
  return { ...rest, type: 'string' }
}

function unionExtension(union: { discriminator?: string; choices: string[] }): Json {
  const names = union.choices.map((field) => [field, field.charAt(0).toUpperCase() + field.slice(1)])
  return [
    {
      ...(union.discriminator ? { discriminator: union.discriminator } : {}),
      'fields-to-discriminateBy': Object.fromEntries(names),
    },
  ]
}
