import type { TypeDecoder } from '../machinery/decode.ts'
import { clone, isObject, type JsonObject } from '../machinery/json.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { Column } from './columns.ts'
import { apiVersionOf, type KindDefinition, type ServedVersion } from './kind.ts'

/** One kind in one of the group versions that serve it: decodes what clients send and encodes what they get. */
export class ServedResource {
  readonly kind: KindDefinition
  readonly group: string
  readonly version: string
  readonly apiVersion: string
  readonly schema: string
  readonly columns: readonly Column<KubeObject>[] | undefined
  /** What was read since the start: plain numbers, since they are added to on hot paths. */
  readonly use = { openWatches: 0, watchEvents: 0, lists: 0, fetched: 0, returned: 0 }
  readonly #decoder: TypeDecoder
  readonly #other: ServedVersion<KubeObject> | undefined
  /** `"kind":"Pod","apiVersion":"v1",` at the head of every body: list items of built-in kinds go without it. */
  readonly #headLength: number

  /** @param other unset for the storage version */
  constructor(kind: KindDefinition, decoder: TypeDecoder, other?: ServedVersion<KubeObject>) {
    this.kind = kind
    this.group = other?.group ?? kind.group
    this.version = other?.version ?? kind.version
    this.apiVersion = apiVersionOf(this)
    this.schema = other?.schema ?? kind.schema
    this.columns = other?.columns ?? kind.columns
    this.#decoder = decoder
    this.#other = other
    this.#headLength = `"kind":"${kind.kind}","apiVersion":"${this.apiVersion}",`.length
  }

  /** Selectable fields of this version besides name and namespace; undefined when the kind declares none. */
  get fields(): Readonly<Record<string, (object: KubeObject) => string>> | undefined {
    return this.#other?.fields ?? this.kind.fields
  }

  /** Selectable fields that only this version has; they are read off the decoded object. */
  get ownFields(): Readonly<Record<string, (object: KubeObject) => string>> | undefined {
    return this.#other?.fields
  }

  /** The text of the Warning that every answer of this version carries. */
  get deprecated(): string | undefined {
    return this.#other ? this.#other.deprecated : this.kind.deprecated
  }

  get groupResource(): { group: string; resource: string } {
    return { group: this.group, resource: this.kind.resource }
  }

  get isStorageVersion(): boolean {
    return this.#other === undefined
  }

  /**
   * Decodes by this version's schema and fills in its defaults; the result is of the storage version.
   * @param own whether `raw` may be changed, and become the result
   * @throws DecodeError
   */
  toStorage(raw: JsonObject, unknown?: string[], own = false): KubeObject {
    const resets = resetsManagedFields(raw)
    const decoded = this.#decoder.decodeRequest(this.schema, raw, unknown, own) as KubeObject
    if (resets) metaOf(decoded).managedFields = []
    if (!this.#other) {
      decoded.kind = this.kind.kind
      decoded.apiVersion = this.apiVersion
      this.kind.defaults?.(decoded)
      return decoded
    }
    this.#other.defaults?.(decoded)
    return this.#stored(this.#other.toStorage(decoded))
  }

  #stored(object: KubeObject): KubeObject {
    const whole: JsonObject = { ...(object as JsonObject), kind: this.kind.kind, apiVersion: apiVersionOf(this.kind) }
    const decoded = this.#decoder.decodeRequest(this.kind.schema, whole) as KubeObject
    this.kind.defaults?.(decoded)
    return decoded
  }

  /** An object of the storage version as this version shows it. Shares parts with its input. */
  fromStorage(object: KubeObject): KubeObject {
    if (!this.#other) return object
    const converted = this.#other.fromStorage(object)
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = converted
    return this.#decoder.decode(this.schema, {
      kind: this.kind.kind,
      apiVersion: this.apiVersion,
      ...clone(rest as JsonObject),
    }) as KubeObject
  }

  /** An object that answers a request without being stored, as this version writes it: what is empty may be left out. */
  written(object: KubeObject): KubeObject {
    return this.#decoder.decodeWritten(this.schema, this.fromStorage(object) as JsonObject) as KubeObject
  }

  /** A stored object's JSON in this version. */
  bytes(entry: CacheEntry): Buffer {
    if (!this.#other) return entry.body
    return entry.form(this.apiVersion, (e) => Buffer.from(JSON.stringify(this.fromStorage(e.object()))))
  }

  /** Where the item of a list starts in `bytes`, after a `{` of its own. */
  get itemOffset(): number {
    return 1 + this.#headLength
  }

  /** The object that bookmarks carry: nothing but a resource version. */
  bookmark(revision: number, annotations?: Record<string, string>): JsonObject {
    const empty = this.#decoder.decode(this.schema, {
      kind: this.kind.kind,
      apiVersion: this.apiVersion,
      metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) },
    })
    const { blankSpec } = this.kind
    if (blankSpec) empty.spec = { ...(empty.spec as JsonObject), ...blankSpec }
    return empty
  }
}

/** An empty list of managed fields, which decoding drops, asks for something else than none. */
function resetsManagedFields({ metadata }: JsonObject): boolean {
  if (!isObject(metadata)) return false
  const { managedFields } = metadata
  return Array.isArray(managedFields) && managedFields.length === 0
}
