import {
  KeyExistsError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  RevisionConflictError,
  type Storage,
  type StorageEvent,
  type Subscription,
  type WatchHandler,
  type WriteOptions,
} from '../storage.ts'
import { UnreadableError } from '../unreadable.ts'
import type { Transformer } from './transformer.ts'

/** What became of a stored value. */
interface Content {
  readonly value: Buffer
  readonly unreadable?: UnreadableError
}

/**
 * A store that keeps one resource's values encrypted. What was written through it comes back in events as the very buffer that was
 * written, where the engine does so too. A value that can't be decrypted is handed on as it is stored, with the reason.
 */
export class TransformingStorage implements Storage {
  readonly #inner: Storage
  readonly #current: () => Transformer | undefined
  /** What this process wrote, by what it was turned into. */
  readonly #written = new WeakMap<Buffer, Buffer>()
  /** Events that wait for a key; each settles when its watch has got what it waits for. */
  readonly #waiting = new Set<Promise<void>>()

  /** @param current what values go through now; undefined to leave them as they are */
  constructor(inner: Storage, current: () => Transformer | undefined) {
    this.#inner = inner
    this.#current = current
  }

  get eager(): boolean {
    return this.#inner.eager
  }

  /** Whether what a key holds would be stored in another way now, though it is the same: it is to be written again then. */
  async stale(key: string): Promise<boolean> {
    const transformer = this.#current()
    const found = transformer && (await this.#inner.get(key))
    if (!found) return false
    await transformer.prepare?.(found.value)
    try {
      return transformer.fromStorage(found.value, key).stale
    } catch {
      return false
    }
  }

  async currentRevision(): Promise<number> {
    const revision = await this.#inner.currentRevision()
    await this.#delivered()
    return revision
  }

  async get(key: string, revision?: number): Promise<KeyValue | undefined> {
    const found = await this.#inner.get(key, revision)
    return found && (await this.#openItem(found))
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const result = await this.#inner.list(prefix, options)
    const transformer = this.#current()
    if (!transformer) return result
    if (transformer.prepare) await Promise.all(result.items.map(({ value }) => transformer.prepare?.(value)))
    return { ...result, items: result.items.map((item) => ({ ...item, ...this.#open(transformer, item.key, item.value) })) }
  }

  count(prefix: string): Promise<number> {
    return this.#inner.count(prefix)
  }

  size(): Promise<number> {
    return this.#inner.size()
  }

  async create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    return await this.#writing(this.#inner.create(key, this.#close(key, value), options))
  }

  async update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return await this.#writing(this.#inner.update(key, this.#close(key, value), expectedRevision, options))
  }

  async delete(key: string, expectedRevision: number): Promise<number> {
    return await this.#writing(this.#inner.delete(key, expectedRevision))
  }

  async watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    let closed = false
    const subscription = await this.#inner.watch(
      prefix,
      afterRevision,
      this.#decrypting(handler, () => closed),
    )
    return {
      close: () => {
        closed = true
        subscription.close()
      },
      hurry: (revision) => subscription.hurry?.(revision),
    }
  }

  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision)
  }

  compactedRevision(): Promise<number> {
    return this.#inner.compactedRevision()
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.close()
  }

  /** @throws UnreadableError when there is no key to write with */
  #close(key: string, value: Buffer): Buffer {
    const transformer = this.#current()
    if (!transformer) return value
    let stored: Buffer
    try {
      stored = transformer.toStorage(value, key)
    } catch (error) {
      throw new UnreadableError(key, (error as Error).message, 'transform', error)
    }
    if (stored !== value) this.#written.set(stored, value)
    return stored
  }

  #open(transformer: Transformer, key: string, stored: Buffer): Content {
    const own = this.#written.get(stored)
    if (own) return { value: own }
    try {
      return { value: transformer.fromStorage(stored, key).value }
    } catch (error) {
      return { value: stored, unreadable: new UnreadableError(key, (error as Error).message, 'transform', error) }
    }
  }

  async #openItem(item: KeyValue): Promise<KeyValue> {
    const transformer = this.#current()
    if (!transformer) return item
    if (!this.#written.has(item.value)) await transformer.prepare?.(item.value)
    return { ...item, ...this.#open(transformer, item.key, item.value) }
  }

  /** What is there instead of what a write expected is decrypted as well. */
  async #writing(write: Promise<number>): Promise<number> {
    let revision: number
    try {
      revision = await write
    } catch (error) {
      if (error instanceof RevisionConflictError && error.current)
        throw new RevisionConflictError(error.key, await this.#openItem(error.current))
      if (error instanceof KeyExistsError && error.current)
        throw new KeyExistsError(error.key, await this.#openItem(error.current))
      throw error
    }
    await this.#delivered()
    return revision
  }

  /** An eager store tells its watches of a write before the write resolves, which must stay so when an event waits for a key. */
  async #delivered(): Promise<void> {
    if (this.#waiting.size > 0 && this.eager) await Promise.all(this.#waiting)
  }

  /** Hands on what comes in order; only what waits for a key, and what comes after it, is late. */
  #decrypting(handler: WatchHandler, closed: () => boolean): WatchHandler {
    let last: Promise<void> | undefined
    const later = (run: () => void, ready: Promise<unknown> | undefined): void => {
      const turn: Promise<void> = Promise.all([last, ready])
        .then(() => {
          if (!closed()) run()
        })
        .finally(() => {
          this.#waiting.delete(turn)
          if (last === turn) last = undefined
        })
      last = turn
      this.#waiting.add(turn)
    }
    const inTurn = (run: () => void): void => {
      if (last) later(run, undefined)
      else run()
    }
    return {
      onEvents: (events) => {
        const transformer = this.#current()
        const open = transformer && ((key: string, stored: Buffer) => this.#open(transformer, key, stored))
        const deliver = () => handler.onEvents(open ? events.map((event) => new OpenedEvent(event, open)) : events)
        const ready = transformer?.prepare && this.#prepareAll(transformer, events)
        if (ready) later(deliver, ready)
        else inTurn(deliver)
      },
      onProgress: (revision) => inTurn(() => handler.onProgress?.(revision)),
      onError: (error) => inTurn(() => handler.onError(error)),
    }
  }

  #prepareAll(transformer: Transformer, events: readonly StorageEvent[]): Promise<unknown> | undefined {
    const fetching: Promise<void>[] = []
    for (const { value, previous } of events) {
      for (const stored of previous && previous.value !== value ? [value, previous.value] : [value]) {
        const pending = this.#written.has(stored) ? undefined : transformer.prepare?.(stored)
        if (pending) fetching.push(pending)
      }
    }
    return fetching.length > 0 ? Promise.all(fetching) : undefined
  }
}

/** An event whose values are decrypted when they are looked at: a cache has most of them already. */
class OpenedEvent implements StorageEvent {
  readonly type: StorageEvent['type']
  readonly key: string
  readonly revision: number
  readonly createRevision: number
  readonly #stored: StorageEvent
  readonly #open: (key: string, stored: Buffer) => Content
  #content: Content | undefined
  #previous: StorageEvent['previous']

  constructor(stored: StorageEvent, open: (key: string, stored: Buffer) => Content) {
    this.type = stored.type
    this.key = stored.key
    this.revision = stored.revision
    this.createRevision = stored.createRevision
    this.#stored = stored
    this.#open = open
  }

  get value(): Buffer {
    return this.#opened().value
  }

  get unreadable(): Error | undefined {
    return this.#opened().unreadable
  }

  get previous(): StorageEvent['previous'] {
    const { previous, value } = this.#stored
    if (!previous) return undefined
    // A deletion's value is what was there before.
    this.#previous ??= {
      ...(previous.value === value ? this.#opened() : this.#open(this.key, previous.value)),
      revision: previous.revision,
    }
    return this.#previous
  }

  #opened(): Content {
    this.#content ??= this.#open(this.key, this.#stored.value)
    return this.#content
  }
}
