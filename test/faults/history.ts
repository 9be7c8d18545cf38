import { openEtcd } from '../../src/storage/etcd/etcd.ts'
import type { Storage } from '../../src/storage/storage.ts'

/** One change as etcd knows it. */
export interface Change {
  readonly type: 'put' | 'delete'
  readonly name: string
  /** What the object holds; for a deletion what it held last. */
  readonly value: string
  readonly revision: number
}

const prefix = '/registry/configmaps/default/'
/** Names of the workload's objects; servers have some of their own. */
const ours = /^w\d/

/** Everything that happens to the workload's objects, watched past the servers. */
export class History implements AsyncDisposable {
  readonly storage: Storage
  readonly changes: Change[] = []
  readonly start: number
  #error: Error | undefined

  private constructor(storage: Storage, start: number) {
    this.storage = storage
    this.start = start
  }

  static async follow(endpoints: readonly string[]): Promise<History> {
    const storage = await openEtcd({ endpoints })
    const history = new History(storage, await storage.currentRevision())
    await storage.watch(prefix, history.start, {
      onEvents: (events) => {
        for (const { type, key, value, revision } of events) {
          const name = key.slice(prefix.length)
          if (ours.test(name)) history.changes.push({ type, name, value: valueIn(value), revision })
        }
      },
      onError: (error) => {
        history.#error = error
      },
    })
    return history
  }

  /** Resolves once all that has happened is here. Nobody may write any more. */
  async complete(): Promise<void> {
    const { items } = await this.storage.list(prefix)
    const last = Math.max(this.start, ...items.map(({ revision }) => revision))
    for (let i = 0; i < 100 && (this.changes.at(-1)?.revision ?? 0) < last; i++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    if (this.#error) throw this.#error
  }

  /** The objects as of a revision: their values by name. */
  stateAt(revision: number): Map<string, string> {
    const state = new Map<string, string>()
    for (const change of this.changes) {
      if (change.revision > revision) break
      if (change.type === 'put') state.set(change.name, change.value)
      else state.delete(change.name)
    }
    return state
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage.close()
  }
}

function valueIn(stored: Buffer): string {
  return (JSON.parse(stored.toString()) as { data?: { value?: string } }).data?.value ?? ''
}
