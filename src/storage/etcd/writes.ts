import { KeyExistsError, type KeyValue, RevisionConflictError, StorageUnavailableError, type WriteOptions } from '../storage.ts'
import type { CallOptions, EtcdClient } from './client.ts'
import { isNoLease, RpcError, storageError } from './errors.ts'
import type { Leases } from './leases.ts'
import { type EtcdKeyValue, range, txn } from './messages.ts'

/** Milliseconds for each step of finding out what became of a write. */
const settleTimeout = 10_000

const ONCE: CallOptions = { repeatable: false }

/** etcd's names for what is compared. */
const target = { version: 0, modRevision: 2 } as const

interface Attempt {
  readonly key: string
  /** Unset to delete. */
  readonly value: Buffer | undefined
  /** 0 to create. */
  readonly expected: number
  readonly options: WriteOptions | undefined
}

interface Outcome {
  /** The revision of the write; unset when it was refused. */
  readonly revision: number | undefined
  /** What was there instead, when it was refused. */
  readonly current: KeyValue | undefined
}

/** Writes on condition, each as one transaction, which also brings what is there if the condition isn't met. */
export class Writes {
  readonly #client: EtcdClient
  readonly #leases: Leases
  /** Values on their way, until they come back in an event. */
  readonly #written = new Map<string, Buffer>()
  #running = 0
  #onIdle: (() => void) | undefined

  constructor(client: EtcdClient, leases: Leases) {
    this.#client = client
    this.#leases = leases
  }

  /** As `Storage.create`. */
  async create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    const { revision, current } = await this.#write({ key, value, expected: 0, options })
    if (revision === undefined) throw new KeyExistsError(key, current)
    return revision
  }

  /** As `Storage.update` with a value, and as `Storage.delete` without. */
  async replace(key: string, value: Buffer | undefined, expected: number, options?: WriteOptions): Promise<number> {
    // To etcd a key at revision 0 is one that doesn't exist.
    const outcome =
      expected > 0
        ? await this.#write({ key, value, expected, options })
        : { revision: undefined, current: await this.#read(key).catch(rethrow) }
    if (outcome.revision === undefined) throw new RevisionConflictError(key, outcome.current)
    return outcome.revision
  }

  /** The very buffer that was written, for the event that tells of it. */
  written(key: string, value: Buffer): Buffer {
    const own = this.#written.get(key)
    if (!own?.equals(value)) return value
    this.#written.delete(key)
    return own
  }

  async #write(attempt: Attempt): Promise<Outcome> {
    const { key, value } = attempt
    if (value) this.#written.set(key, value)
    this.#running++
    let outcome: Outcome | undefined
    try {
      outcome = await this.#transact(attempt)
    } catch (error) {
      outcome = await this.#recover(attempt, error)
    } finally {
      if (outcome?.revision === undefined) this.#forget(attempt)
      if (--this.#running === 0) this.#onIdle?.()
    }
    return outcome
  }

  /** Resolves when every write that was begun is over. */
  idle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => (this.#onIdle = resolve))
  }

  #forget({ key, value }: Attempt): void {
    if (this.#written.get(key) === value) this.#written.delete(key)
  }

  /** What becomes of a write that failed. @throws StorageError */
  async #recover(attempt: Attempt, error: unknown): Promise<Outcome> {
    try {
      if (isNoLease(error)) {
        this.#leases.forget()
        return await this.#transact(attempt)
      }
      if (!(error instanceof RpcError) || !error.inDoubt) throw error
      return await this.#settle(attempt, error)
    } catch (failure) {
      throw storageError(failure)
    }
  }

  async #transact({ key: name, value, expected, options }: Attempt, how: CallOptions = ONCE): Promise<Outcome> {
    const key = Buffer.from(name)
    const lease = options?.ttlSeconds ? await this.#leases.take(options.ttlSeconds) : 0n
    const condition =
      expected === 0 ? { target: target.version, key, version: 0 } : { target: target.modRevision, key, modRevision: expected }
    const { header, succeeded, responses } = await this.#client.call(
      txn,
      {
        compare: [condition],
        success: [value ? { put: { key, value, lease } } : { delete: { key } }],
        failure: [{ range: { key } }],
      },
      how,
    )
    if (succeeded) return { revision: header!.revision, current: undefined }
    const [found] = responses[0]?.range?.kvs ?? []
    return { revision: undefined, current: found && toKeyValue(found) }
  }

  /**
   * Finds out what became of a write whose answer was lost. A creation is known by its value, since a new object's uid makes it unlike any
   * other. A change on condition of a revision can be tried again, as it can't happen twice; but once the key has moved on, nobody can
   * tell by whose hand.
   */
  async #settle(attempt: Attempt, cause: RpcError): Promise<Outcome> {
    const { key, value, expected } = attempt
    const unknown = new StorageUnavailableError(`whether ${key} was written is not known: ${cause.message}`, { cause })
    try {
      const current = await this.#read(key, settleTimeout)
      if (expected === 0) {
        const own = current && current.createRevision === current.revision && current.value.equals(value!)
        if (own) return { revision: current.revision, current: undefined }
      } else if (current?.revision === expected) {
        const outcome = await this.#transact(attempt, { repeatable: true, timeout: settleTimeout })
        if (outcome.revision !== undefined) return outcome
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
    }
    throw unknown
  }

  async #read(key: string, timeout?: number): Promise<KeyValue | undefined> {
    const { kvs } = await this.#client.call(range, { key }, { repeatable: true, ...(timeout ? { timeout } : {}) })
    return kvs[0] && toKeyValue(kvs[0])
  }
}

export function toKeyValue({ key, value, modRevision, createRevision }: EtcdKeyValue): KeyValue {
  return { key, value, revision: modRevision, createRevision }
}

function rethrow(error: unknown): never {
  throw storageError(error)
}
