import { setTimeout as sleep } from 'node:timers/promises'
import type { Metrics } from '../observability/metrics.ts'
import type { Extent } from '../registry/store.ts'

export interface StoragePollsDeps {
  metrics: Metrics
  /** What is counted: each resource that is stored. */
  resources(): Iterable<{ readonly group: string; readonly resource: string; extent(): Promise<Extent> }>
  /** The bytes that each database takes. */
  sizes(): Promise<readonly (number | undefined)[]>
  /** Milliseconds between two counts of all resources; 0 for none. */
  countPeriod: number
  /** Milliseconds between two looks at the databases; 0 for none. */
  sizeInterval: number
}

/** What a metric says of a resource that couldn't be counted. */
const FAILED = -1
/** Milliseconds after the start until the first look: it must not delay what the server is there for. */
const FIRST_AFTER = 1_000

/** Asks the storage now and then how much there is, for metrics. */
export class StoragePolls {
  readonly #ended = new AbortController()

  constructor(deps: StoragePollsDeps) {
    const { metrics, countPeriod, sizeInterval } = deps
    if (countPeriod > 0) {
      const labels = ['group', 'resource']
      const objects = metrics.gauge('apiserver_resource_objects', 'Stored objects at the last count, by resource.', labels)
      const before = metrics.gauge('apiserver_storage_objects', 'Stored objects at the last count, by resource.', labels)
      const bytes = metrics.gauge('apiserver_resource_size_estimate_bytes', 'About how many bytes they take.', labels)
      void this.#every(countPeriod, async () => {
        for (const one of deps.resources()) {
          const found = await one.extent().catch(() => ({ objects: FAILED, bytes: FAILED }))
          const of = { group: one.group, resource: one.resource }
          objects.set(of, found.objects)
          before.set(of, found.objects)
          if (found.bytes !== undefined) bytes.set(of, found.bytes)
          if (this.#ended.signal.aborted) return
        }
      })
    }
    if (sizeInterval > 0) {
      const size = metrics.gauge('apiserver_storage_size_bytes', 'Size of the database.', ['storage_cluster_id'])
      void this.#every(sizeInterval, async () => {
        const sizes = await deps.sizes()
        size.reset()
        for (const [i, found] of sizes.entries()) if (found !== undefined) size.set({ storage_cluster_id: `etcd-${i}` }, found)
      })
    }
  }

  close(): void {
    this.#ended.abort()
  }

  async #every(period: number, look: () => Promise<void>): Promise<void> {
    const { signal } = this.#ended
    const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false }).catch(() => {})
    for (await pause(Math.min(FIRST_AFTER, period)); !signal.aborted; await pause(period)) await look()
  }
}
