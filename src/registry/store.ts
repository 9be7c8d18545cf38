import { parseJson } from '../machinery/go-json.ts'
import type { JsonObject } from '../machinery/json.ts'
import { clone, equal } from '../machinery/json.ts'
import { encodeStored, expandManagedFields, FieldsPool, parseStored } from '../machinery/managed-fields/stored-text.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { alreadyExists, conflict, notFound, StatusError } from '../machinery/status.ts'
import { sortedJson } from '../machinery/strict-json.ts'
import { CacheEntry, type Describe, type Selectable } from '../storage/cache-entry.ts'
import type { Encryption } from '../storage/encryption/encryption.ts'
import { TransformingStorage } from '../storage/encryption/transforming-storage.ts'
import { MeteredStorage, type StorageMetrics } from '../storage/metered.ts'
import { lengthAtRevision, withRevision } from '../storage/object-bytes.ts'
import { KeyExistsError, type KeyValue, RevisionConflictError, type Storage } from '../storage/storage.ts'
import { UnreadableError } from '../storage/unreadable.ts'
import { WatchCache } from '../storage/watch-cache.ts'
import { RecentMap } from '../util/recent-map.ts'
import type { KindDefinition, Undo } from './kind.ts'
import { ordered } from './write-rules.ts'

export interface StoreDeps {
  storage: Storage
  /** The store of a resource, when not all are in one. */
  storageOf?: (resource: { group: string; resource: string }) => Storage
  /** `--etcd-prefix`, without a slash at the end. */
  rootPrefix: string
  onError: (error: Error) => void
  metrics?: StorageMetrics
  encryption?: Encryption | undefined
  /** Turns a stored protobuf message into the JSON that we store. @throws Error */
  fromProtobuf?: ((kind: KindDefinition, value: Buffer) => Buffer) | undefined
}

/** What one attempt of an update decides to do. */
export type Change =
  /** `again`: the attempt is asked once more after this was stored. */
  | { store: KubeObject; ttlSeconds?: number; undo?: Undo; again?: boolean }
  /** Remove the object; `as` is what the answer shows. */
  | { remove: KubeObject; undo?: Undo }
  /** Leave everything as it is. */
  | 'keep'

/** Result of a write: the entry as stored (or as it would be), and whether it was removed. */
export interface Written {
  entry: CacheEntry
  removed: boolean
}

/** How much is stored of one kind. */
export interface Extent {
  objects: number
  /** Unset where the objects themselves weren't looked at. */
  bytes: number | undefined
}

/** The stored objects of one kind: keys, the cache, and compare-and-swap writes. Knows nothing of requests. */
export class KindStore {
  readonly kind: KindDefinition
  readonly cache: WatchCache
  readonly #storage: Storage
  readonly #transforming: TransformingStorage | undefined
  readonly #prefix: string
  readonly #describe: Describe
  readonly #fields = new FieldsPool()

  /** @param shared a store of the same objects, of which this is another view: of another version, or by a later definition */
  constructor(kind: KindDefinition, deps: StoreDeps, shared?: KindStore) {
    this.kind = kind
    if (shared) {
      this.#storage = shared.#storage
      this.#transforming = shared.#transforming
      this.#prefix = shared.#prefix
      this.#describe = shared.#describe
      this.cache = shared.cache
      return
    }
    const { metrics } = deps
    const labels = { group: kind.group, resource: kind.resource }
    const own = deps.storageOf?.(labels) ?? deps.storage
    const metered = metrics ? new MeteredStorage(own, metrics, labels) : own
    const storage = deps.encryption?.storageFor(labels, metered) ?? metered
    this.#storage = storage
    this.#transforming = storage instanceof TransformingStorage ? storage : undefined
    this.#prefix = `${deps.rootPrefix}/${kind.storagePrefix}/`
    this.#describe = describeBy(kind)
    this.cache = new WatchCache({
      storage,
      prefix: this.#prefix,
      describe: this.#describe,
      ...(deps.fromProtobuf ? { fromProtobuf: (value) => deps.fromProtobuf!(kind, value) } : {}),
      onError: deps.onError,
      onLoaded: () => metrics?.cacheInitializations.inc(labels),
    })
  }

  /** The prefix of a namespace's keys; of all keys when it is empty. */
  prefix(namespace: string): string {
    return namespace ? `${this.#prefix}${namespace}/` : this.#prefix
  }

  key(namespace: string, name: string): string {
    return namespace ? `${this.#prefix}${namespace}/${name}` : this.#prefix + name
  }

  async get(namespace: string, name: string): Promise<CacheEntry | undefined> {
    const { cache } = this
    if (!cache.loaded) await cache.ready()
    const key = this.key(namespace, name)
    const entry = cache.eager ? await this.#cached(key) : await cache.newest(key)
    if (entry && this.kind.custom?.prepare) await this.kind.custom.prepare([entry])
    return entry
  }

  /** @throws StatusError 500 when the stored object can't be read */
  async #cached(key: string): Promise<CacheEntry | undefined> {
    try {
      return this.cache.get(key)
    } catch (error) {
      return await this.cache.healed(error)
    }
  }

  /** @throws StatusError 409 when the name is taken */
  async create(object: KubeObject, options: { dryRun: boolean; ttlSeconds?: number | undefined }): Promise<CacheEntry> {
    const meta = metaOf(object)
    const key = this.key(meta.namespace ?? '', meta.name ?? '')
    if (!this.cache.loaded) await this.cache.ready()
    let existing: CacheEntry | undefined
    try {
      existing = this.cache.get(key)
      if (!this.cache.eager && (existing || options.dryRun)) existing = await this.cache.newest(key)
    } catch (error) {
      // What can't be read is there all the same.
      if (error instanceof UnreadableError) throw this.#exists(undefined, meta.name ?? '')
      throw error
    }
    if (existing) throw this.#exists(existing, meta.name ?? '')
    const encoding = this.#encode(object)
    const value = encoding instanceof Promise ? await encoding : encoding
    if (options.dryRun) return new CacheEntry(key, value, 0, this.#describe)
    try {
      return await this.#write(key, value, object, () => this.#storage.create(key, value, ttl(options.ttlSeconds)))
    } catch (error) {
      if (!(error instanceof KeyExistsError)) throw error
      const { current } = error
      if (current?.unreadable) throw this.#exists(undefined, meta.name ?? '')
      throw this.#exists(this.#entryOf(current) ?? this.cache.get(key), meta.name ?? '')
    }
  }

  #write(key: string, value: Buffer, object: KubeObject, write: () => Promise<number>): Promise<CacheEntry> {
    const written = this.cache.write(key, value, this.#describe(object), write)
    return this.kind.custom ? this.#shown(written, object) : written
  }

  /** What was stored just now needn't be read to be shown. */
  async #shown(written: Promise<CacheEntry>, object: KubeObject): Promise<CacheEntry> {
    const entry = await written
    const { custom } = this.kind
    if (custom && !custom.prepare) entry.form(custom.tag, () => encodeSorted(object as JsonObject, entry.revision))
    return entry
  }

  #exists(existing: CacheEntry | undefined, name: string): StatusError {
    const error = alreadyExists(this.kind, name)
    if (!existing?.object<KubeObject>().metadata?.deletionTimestamp) return error
    return new StatusError(409, 'AlreadyExists', `object is being deleted: ${error.message}`, error.status.details)
  }

  /**
   * Reads an object, asks `attempt` what to do with it, and does it if the object is still the same then; otherwise asks again.
   * @param attempt must leave the object that it gets as it is; undefined when there is none (it may then throw, or return one to create)
   */
  async change(
    namespace: string,
    name: string,
    options: { dryRun: boolean },
    attempt: (current: KubeObject | undefined, revision: number) => Promise<Change>,
  ): Promise<Written> {
    const key = this.key(namespace, name)
    if (!this.cache.loaded) await this.cache.ready()
    let current = await this.#cached(key)
    // What a cache that may lag says is good enough to write on, as the storage then checks it. Any other outcome needs the newest.
    let certain = this.cache.eager
    if (!certain && options.dryRun) {
      current = await this.cache.newest(key)
      certain = true
    }
    const prepare = this.kind.custom?.prepare
    for (let tries = 0; ; tries++) {
      if (current && prepare) await prepare([current])
      const object = current && this.#objectOf(current)
      let change: Change
      try {
        change = await attempt(object, current?.revision ?? 0)
      } catch (error) {
        if (certain) throw error
        const before = current?.revision
        current = await this.cache.newest(key)
        certain = true
        if (current?.revision === before) throw error
        continue
      }
      if (change === 'keep' && certain) return { entry: current as CacheEntry, removed: false }
      try {
        const written = change === 'keep' ? 'nothing' : await this.#apply(key, current, object, change, options.dryRun)
        if (written === 'nothing') {
          const before = current as CacheEntry
          if (certain) return { entry: before, removed: false }
          current = await this.cache.newest(key)
          certain = true
          if (current?.revision === before.revision) return { entry: before, removed: false }
          continue
        }
        if (prepare) await prepare([written.entry])
        if (change === 'keep' || !('again' in change)) return written
        current = written.entry
      } catch (error) {
        if (change !== 'keep') await change.undo?.()
        if (!(error instanceof RevisionConflictError || error instanceof KeyExistsError) || tries > 200) throw error
        const now = error instanceof RevisionConflictError ? error.current : (error.current ?? (await this.#storage.get(key)))
        current = this.#entryOf(now)
      }
      certain = true
    }
  }

  /** A decoded copy for a write: the sets in its managed fields stay text until they are asked for. */
  #objectOf(entry: CacheEntry): KubeObject {
    if (this.kind.custom) return this.objectOf(entry)
    return (parseStored(entry.body.toString(), this.#fields) as KubeObject | undefined) ?? entry.object<KubeObject>()
  }

  /** A decoded copy, of the version that this kind is of. */
  objectOf(entry: CacheEntry): KubeObject {
    const { custom } = this.kind
    return custom ? (parseJson(custom.bytes(entry)) as KubeObject) : entry.object<KubeObject>()
  }

  #encode(object: KubeObject, revision?: number): Buffer | Promise<Buffer> {
    const { custom } = this.kind
    if (!custom) return encode(object, revision)
    const stored = custom.toStored(object)
    return stored instanceof Promise ? stored.then((made) => encodeSorted(made, revision)) : encodeSorted(stored, revision)
  }

  #entryOf(stored: KeyValue | undefined): CacheEntry | undefined {
    return stored && this.cache.entryOf(stored.key, stored.value, stored.revision, stored.unreadable)
  }

  async #apply(
    key: string,
    current: CacheEntry | undefined,
    before: KubeObject | undefined,
    change: Exclude<Change, 'keep'>,
    dryRun: boolean,
  ): Promise<Written | 'nothing'> {
    if ('remove' in change) {
      const last = current as CacheEntry
      if (dryRun)
        return {
          entry: new CacheEntry(key, await this.#encode(change.remove, last.revision), last.revision, this.#describe),
          removed: true,
        }
      const revision = await this.#storage.delete(key, last.revision)
      const shown = await this.#encode(change.remove, last.revision)
      return { entry: new CacheEntry(key, shown, revision, this.#describe), removed: true }
    }
    const object = change.store
    if (!current) {
      if (dryRun) return { entry: new CacheEntry(key, await this.#encode(object), 0, this.#describe), removed: false }
      const encoding = this.#encode(object)
      const value = encoding instanceof Promise ? await encoding : encoding
      const entry = await this.#write(key, value, object, () => this.#storage.create(key, value, ttl(change.ttlSeconds)))
      return { entry, removed: false }
    }
    const encoding = this.#encode(object)
    const value = encoding instanceof Promise ? await encoding : encoding
    // What is stored with an old key is written again, even if it is the same.
    if (before && unchanged(current, value, before, object) && !(this.#transforming && (await this.#transforming.stale(key)))) {
      await change.undo?.()
      return 'nothing'
    }
    if (dryRun) return { entry: this.cache.entryOf(key, value, current.revision), removed: false }
    const write = () => this.#storage.update(key, value, current.revision, ttl(change.ttlSeconds))
    return { entry: await this.#write(key, value, object, write), removed: false }
  }

  /**
   * Removes an object that can't be read, whatever it may hold.
   * @returns false when it can be read, and stays
   * @throws StatusError 404
   */
  async removeUnreadable(namespace: string, name: string): Promise<boolean> {
    const key = this.key(namespace, name)
    const stored = await this.#storage.get(key)
    if (!stored) throw this.notFound(name)
    try {
      this.#entryOf(stored)
      return false
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error
    }
    await this.#storage.delete(key, stored.revision)
    return true
  }

  /** How many objects there are, and about how many bytes they take. Doesn't fill a cache that nobody has used. */
  async extent(): Promise<Extent> {
    const { cache } = this
    if (!cache.loaded) return { objects: await this.#storage.count(this.#prefix), bytes: undefined }
    let bytes = 0
    cache.snapshot().tree.forEach('', undefined, ({ body }) => {
      bytes += body.length
      return true
    })
    return { objects: cache.size, bytes }
  }

  notFound(name: string): StatusError {
    return notFound(this.kind, name)
  }

  conflict(name: string, cause: string): StatusError {
    return conflict(this.kind, name, cause)
  }
}

/** Writing what is already there does nothing: no event, no new revision. The same in another order is as long. */
function unchanged(current: CacheEntry, value: Buffer, before: KubeObject, object: KubeObject): boolean {
  if (lengthAtRevision(value, current.revision) !== current.body.length) return false
  return withRevision(value, current.revision).equals(current.body) || sameObject(before, object)
}

function sameObject(before: KubeObject, object: KubeObject): boolean {
  const { resourceVersion: _before, ...was } = metaOf(before)
  const { resourceVersion: _now, ...is } = metaOf(object)
  return equal(was, is) && equal({ ...before, metadata: undefined }, { ...object, metadata: undefined })
}

const ttl = (seconds: number | undefined) => (seconds ? { ttlSeconds: seconds } : undefined)

/** The object's JSON as it is stored (without a resource version) or shown (with one). */
export function encode(object: KubeObject, revision?: number): Buffer {
  const whole = ordered(object)
  const meta = metaOf(whole)
  delete meta.resourceVersion
  if (revision === undefined) return encodeStored(whole)
  const { name, generateName, namespace, uid, ...rest } = meta
  whole.metadata = { name, generateName, namespace, uid, resourceVersion: String(revision), ...rest }
  return encodeStored(whole)
}

/** The same with sorted members, as Go writes what has no type of its own. */
function encodeSorted(object: JsonObject, revision?: number): Buffer {
  const { resourceVersion: _, ...metadata } = (object.metadata ?? {}) as JsonObject
  if (revision !== undefined) metadata.resourceVersion = String(revision)
  const whole: JsonObject = { ...object, metadata: clone(metadata) }
  expandManagedFields(whole)
  return Buffer.from(sortedJson(whole))
}

/** What selectors see of an object of this kind. */
function describeBy(kind: KindDefinition): Describe {
  // Versions of a custom resource have fields of their own, which are read off their own objects.
  const getters = kind.custom ? {} : (kind.fields ?? {})
  const names = Object.keys(getters)
  const indexes = new Map(['metadata.name', 'metadata.namespace', ...names].map((name, i) => [name, i]))
  const known = new RecentMap<Labels>(LABEL_SETS)
  return (given) => {
    const object = given as KubeObject & JsonObject
    const { name = '', namespace = '', labels } = object.metadata ?? {}
    const values = [name, namespace]
    for (const field of names) values.push(getters[field]?.(object) ?? '')
    return new Described(labels && shared(labels, known), values, indexes)
  }
}

/** What selectors see of one object: kept for each, and therefore small. */
class Described implements Selectable {
  readonly labels: Labels | undefined
  readonly #values: readonly string[]
  readonly #indexes: ReadonlyMap<string, number>

  /** @param indexes where in `values` each field is */
  constructor(labels: Labels | undefined, values: readonly string[], indexes: ReadonlyMap<string, number>) {
    this.labels = labels
    this.#values = values
    this.#indexes = indexes
  }

  field(name: string): string {
    return this.#values[this.#indexes.get(name) ?? -1] ?? ''
  }
}

type Labels = Readonly<Record<string, string>>

/** How many sets of labels a kind's store knows at least: objects made of one template have the same. */
const LABEL_SETS = 1000

/** The same labels are one object: it takes less memory, and a selector that has looked at it knows all who have it. */
function shared(labels: Labels, known: RecentMap<Labels>): Labels {
  const key = JSON.stringify(labels)
  const same = known.find(key)
  if (same) return same
  const own = { ...labels }
  known.keep(key, own)
  return own
}
