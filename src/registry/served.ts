import type { TypeDecoder } from '../machinery/decode.ts'
import { parseJson } from '../machinery/go-json.ts'
import { clone, isObject, type JsonObject } from '../machinery/json.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { sortedJson } from '../machinery/strict-json.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { factCodec, type ObjectCodec } from './codec.ts'
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
  readonly #codec: ObjectCodec
  /** The storage version's. */
  readonly #stored: ObjectCodec
  readonly #other: ServedVersion<KubeObject> | undefined
  /** Of `"kind":"Pod","apiVersion":"v1",` at the head of every body: list items of built-in kinds go without it. */
  readonly #headLength: number

  /** @param other unset for the storage version */
  constructor(kind: KindDefinition, decoder: TypeDecoder, other?: ServedVersion<KubeObject>) {
    this.kind = kind
    this.group = other?.group ?? kind.group
    this.version = other?.version ?? kind.version
    this.apiVersion = apiVersionOf(this)
    this.schema = other?.schema ?? kind.schema
    this.columns = other?.columns ?? kind.columns
    this.#stored = kind.custom?.codec ?? factCodec(decoder, kind.schema)
    this.#codec = other ? factCodec(decoder, other.schema) : this.#stored
    this.#other = other
    // Items of custom resources are whole objects.
    this.#headLength = kind.custom ? 0 : `"kind":"${kind.kind}","apiVersion":"${this.apiVersion}",`.length
  }

  /** Selectable fields of this version besides name and namespace; undefined when the kind declares none. */
  get fields(): Readonly<Record<string, (object: KubeObject) => string>> | undefined {
    return this.#other?.fields ?? this.kind.fields
  }

  /** Selectable fields that only this version has; they are read off the decoded object. */
  get ownFields(): Readonly<Record<string, (object: KubeObject) => string>> | undefined {
    return this.kind.custom ? this.kind.fields : this.#other?.fields
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
    const decoded = this.#codec.request(raw, unknown, own)
    if (resets) metaOf(decoded).managedFields = []
    if (this.kind.custom) return decoded
    if (!this.#other) {
      decoded.kind = this.kind.kind
      decoded.apiVersion = this.apiVersion
      this.kind.defaults?.(decoded)
      return decoded
    }
    this.#other.defaults?.(decoded)
    return this.#converted(this.#other.toStorage(decoded))
  }

  #converted(object: KubeObject): KubeObject {
    const whole: JsonObject = { ...(object as JsonObject), kind: this.kind.kind, apiVersion: apiVersionOf(this.kind) }
    const decoded = this.#stored.request(whole)
    this.kind.defaults?.(decoded)
    return decoded
  }

  /** An object of the storage version as this version shows it. Shares parts with its input. */
  fromStorage(object: KubeObject): KubeObject {
    if (!this.#other) return this.#own(object)
    const converted = this.#other.fromStorage(object)
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = converted
    return this.#codec.decode({ kind: this.kind.kind, apiVersion: this.apiVersion, ...clone(rest as JsonObject) })
  }

  /** What the server's own parts read of a custom resource is of its storage version, else of this one. */
  #own(object: KubeObject): KubeObject {
    const { custom } = this.kind
    return custom && object.apiVersion !== this.apiVersion ? custom.fromOther(clone(object) as JsonObject) : object
  }

  /** What a stored object's tables, selectors and metadata are read from: a fresh copy. */
  object(entry: CacheEntry): KubeObject {
    return this.kind.custom ? (parseJson(this.bytes(entry)) as KubeObject) : entry.object<KubeObject>()
  }

  /** An object that answers a request without being stored, as this version writes it: what is empty may be left out. */
  written(object: KubeObject): KubeObject {
    return this.#codec.written(this.fromStorage(object))
  }

  /** A stored object's JSON in this version. */
  bytes(entry: CacheEntry): Buffer {
    const { custom } = this.kind
    if (custom) return custom.bytes(entry)
    if (!this.#other) return entry.body
    return entry.form(this.apiVersion, (e) => Buffer.from(JSON.stringify(this.fromStorage(e.object()))))
  }

  /** Where the item of a list starts in `bytes`, after a `{` of its own. */
  get itemOffset(): number {
    return 1 + this.#headLength
  }

  /** What comes before the items of a list, and after them. Go writes the members of a list of custom resources as those of a map. */
  listAround(metadata: JsonObject): { head: string; tail: string } {
    const { custom, kind } = this.kind
    if (!custom) {
      const text = JSON.stringify(metadata)
      return { head: `{"kind":"${kind}List","apiVersion":"${this.apiVersion}","metadata":${text},"items":[`, tail: ']}\n' }
    }
    const text = sortedJson({ continue: '', ...metadata })
    return { head: `{"apiVersion":"${this.apiVersion}","items":[`, tail: `],"kind":"${custom.listKind}","metadata":${text}}\n` }
  }

  /** The object that bookmarks carry: nothing but a resource version. */
  bookmark(revision: number, annotations?: Record<string, string>): JsonObject {
    const metadata: JsonObject = { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) }
    const blank = { kind: this.kind.kind, apiVersion: this.apiVersion, metadata }
    if (this.kind.custom) return JSON.parse(sortedJson(blank)) as JsonObject
    const empty = this.#codec.decode(blank) as JsonObject
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
