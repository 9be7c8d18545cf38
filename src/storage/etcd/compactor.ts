import type { EtcdClient } from './client.ts'
import { isCompacted } from './errors.ts'
import { compact, txn } from './messages.ts'

/** The key by which servers, the reference among them, agree on who compacts. */
const agreedKey = 'compact_rev_key'

export interface CompactorDeps {
  readonly client: EtcdClient
  /** Milliseconds between rounds. */
  readonly interval: number
  readonly compacted: (revision: number) => void
  readonly log: (message: string, fields?: object) => void
}

/**
 * Compacts etcd every now and then, up to what was the newest revision one interval ago. Of several servers one does it: the key's version
 * counts the rounds, and whoever finds it as he left it has the next one, by raising it.
 */
export class Compactor {
  readonly #deps: CompactorDeps
  readonly #timer: NodeJS.Timeout
  /** The key's version as last seen. */
  #round = 0
  /** The revision of etcd at the last round. */
  #revision = 0
  #running = false
  #closed = false

  constructor(deps: CompactorDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => void this.#tick(), deps.interval).unref()
  }

  async #tick(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      await this.round()
    } catch (error) {
      if (!this.#closed) this.#deps.log('etcd was not compacted', { error: (error as Error).message })
    } finally {
      this.#running = false
    }
  }

  /** One round; the first one only looks. */
  async round(): Promise<void> {
    const { client, compacted } = this.#deps
    const revision = this.#revision
    const { header, succeeded, responses } = await client.call(
      txn,
      {
        compare: [{ target: 0, key: agreedKey, version: this.#round }],
        success: [{ put: { key: agreedKey, value: Buffer.from(String(revision)) } }],
        failure: [{ range: { key: agreedKey } }],
      },
      // Done twice it only fails to find its own round, and leaves this one to nobody.
      { repeatable: true },
    )
    this.#revision = header!.revision
    if (!succeeded) {
      this.#round = responses[0]?.range?.kvs[0]?.version ?? 0
      return
    }
    this.#round++
    if (revision === 0) return
    try {
      await client.call(compact, { revision }, { repeatable: true })
      compacted(revision)
    } catch (error) {
      if (!isCompacted(error)) throw error
    }
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }
}

/**
 * The oldest revision that can be read, which etcd tells only by refusing others.
 *
 * @param refused a revision below it
 * @param read a revision that can be read
 */
export async function findOldest(
  refused: number,
  read: number,
  readable: (revision: number) => Promise<boolean>,
): Promise<number> {
  let [low, high] = [refused, read]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (await readable(middle)) high = middle
    else low = middle
  }
  return high
}
