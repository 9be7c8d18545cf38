import type { TypeDecoder } from '../machinery/decode.ts'
import { DecodeError } from '../machinery/decode-error.ts'
import { clone, isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { applyDefaults } from '../machinery/json-schema/defaulting.ts'
import { prune } from '../machinery/json-schema/pruning.ts'
import { itemsOf, propertyOf, type Schema, someSchema, valuesOf } from '../machinery/json-schema/schema.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { ObjectCodec } from '../registry/codec.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

export interface SchemaCodecInit {
  group: string
  kind: string
  /** Those of all versions, by name; undefined for one without a schema. */
  schemas: ReadonlyMap<string, Schema | undefined>
  /** What the schemas don't know stays. */
  preservesUnknown: boolean
  decoder: TypeDecoder
}

/**
 * Reads and writes custom resources: metadata is the same as everywhere, all else is as its version's schema has it, pruned and defaulted.
 * Objects that say to be another kind or version stay what they are, for validation to refuse.
 */
export class SchemaCodec implements ObjectCodec {
  readonly #init: SchemaCodecInit
  /** Those with resources in them. */
  readonly #embedding = new Set<Schema>()

  constructor(init: SchemaCodecInit) {
    this.#init = init
    for (const schema of init.schemas.values())
      if (schema && someSchema(schema, (one) => one['x-kubernetes-embedded-resource'] === true)) this.#embedding.add(schema)
  }

  request(raw: JsonObject, unknown?: string[], own = false): KubeObject {
    return this.#read(own ? raw : clone(raw), unknown)
  }

  decode(raw: JsonObject): KubeObject {
    return this.#read(clone(raw))
  }

  /**
   * Reads an object that was stored before, whatever rules there were then.
   * @param object is changed
   */
  stored(object: JsonObject): KubeObject {
    try {
      return this.#read(object)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return this.#read({ ...object, metadata: this.#wellFormed(object.metadata) })
    }
  }

  canonical(object: KubeObject): KubeObject {
    const metadata = this.#init.decoder.canonical(OBJECT_META, (object.metadata ?? {}) as JsonObject)
    return { ...object, metadata }
  }

  written(object: KubeObject): KubeObject {
    return this.canonical(object)
  }

  #read(object: JsonObject, unknown?: string[]): KubeObject {
    const { group, kind, schemas, preservesUnknown } = this.#init
    const { apiVersion, kind: given } = object
    const metadata = this.#metadata(object.metadata, 'metadata', unknown)
    const [ofGroup, version] = typeof apiVersion === 'string' ? splitVersion(apiVersion) : []
    if (ofGroup === group && given === kind && version !== undefined) {
      const schema = schemas.get(version)
      if (!preservesUnknown) prune(object, schema, true, unknown)
      if (schema) {
        if (this.#embedding.has(schema)) this.#embedded(object, schema, '', unknown)
        applyDefaults(object, schema)
      }
      object.apiVersion = apiVersion
      object.kind = given
    }
    object.metadata = metadata
    return object as KubeObject
  }

  /** @throws DecodeError */
  #metadata(raw: Json | undefined, path: string, unknown: string[] | undefined): JsonObject {
    if (raw === undefined || raw === null) return {}
    const found: string[] | undefined = unknown && []
    const metadata = this.#init.decoder.decode(OBJECT_META, raw, found)
    if (found) unknown?.push(...found.map((field) => `${path}.${field}`))
    return metadata
  }

  /** Metadata of the resources within an object, which has the same fields as its own. */
  #embedded(value: Json | undefined, schema: Schema, path: string, unknown: string[] | undefined): void {
    if (Array.isArray(value)) {
      const items = itemsOf(schema)
      if (items) for (const [i, item] of value.entries()) this.#embedded(item, items, `${path}[${i}]`, unknown)
      return
    }
    if (!isObject(value)) return
    const isResource = schema['x-kubernetes-embedded-resource'] === true
    const values = valuesOf(schema)
    for (const name of Object.keys(value)) {
      const at = path ? `${path}.${name}` : name
      if (isResource && name === 'metadata' && isObject(value.metadata)) {
        value.metadata = this.#metadata(value.metadata, at, unknown)
        continue
      }
      const below = propertyOf(schema, name) ?? values
      if (below) this.#embedded(value[name], below, at, unknown)
    }
  }

  /** What of stored metadata is as it should be. */
  #wellFormed(metadata: Json | undefined): JsonObject {
    const kept: JsonObject = {}
    if (!isObject(metadata)) return kept
    for (const [name, value] of Object.entries(metadata)) {
      try {
        this.#init.decoder.decode(OBJECT_META, { [name]: value })
        kept[name] = value
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
    }
    return kept
  }
}

function splitVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}
