import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import { History } from './history.ts'
import { Watcher } from './watcher.ts'
import { Writer } from './writer.ts'

export interface WorkloadOptions {
  writers?: number
  watchers?: number
  /** Milliseconds after which a watcher hangs up and resumes. */
  patience?: () => number
}

/** Writers and watchers on all servers of a cluster, and the truth to hold them to. */
export class Workload implements AsyncDisposable {
  readonly history: History
  readonly writers: Writer[]
  readonly watchers: Watcher[]

  private constructor(cluster: Cluster, history: History, { writers = 8, watchers = 4, patience }: WorkloadOptions) {
    this.history = history
    let turn = 0
    const next = () => cluster.clients[turn++ % cluster.clients.length]!
    this.writers = Array.from({ length: writers }, (_, i) => new Writer(i, next))
    this.watchers = Array.from({ length: watchers }, () => new Watcher(next, patience))
    for (const runner of [...this.watchers, ...this.writers]) runner.start()
  }

  static async start(cluster: Cluster, options: WorkloadOptions = {}): Promise<Workload> {
    return new Workload(cluster, await History.follow(cluster.etcd.endpoints), options)
  }

  get acknowledged(): number {
    return this.writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  }

  /** Waits until this many more writes were acknowledged, or fails. */
  async progress(writes: number, seconds = 30): Promise<void> {
    const enough = this.acknowledged + writes
    for (const end = performance.now() + seconds * 1000; this.acknowledged < enough; await sleep(20)) {
      assert.ok(performance.now() < end, `${writes} writes within ${seconds} s; ${this.acknowledged} in all`)
    }
  }

  /** Ends the writers, lets the watchers see the end, and checks everything. */
  async finish(t: TestContext): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop()))
    await this.history.complete()
    const last = this.history.changes.at(-1)!.revision
    for (let i = 0; i < 200 && this.watchers.some(({ revision }) => revision < last); i++) await sleep(50)
    const late = this.watchers.map(({ revision }) => last - revision).filter((behind) => behind > 0)
    await Promise.all(this.watchers.map((watcher) => watcher.stop()))
    assert.deepEqual(late, [], 'every watcher sees the end')
    const unknown = this.writers.reduce((sum, writer) => sum + writer.unknown, 0)
    const resumed = this.watchers.reduce((sum, watcher) => sum + watcher.resumed, 0)
    const relisted = this.watchers.reduce((sum, { spans }) => sum + spans.length - 1, 0)
    t.diagnostic(
      `${this.acknowledged} writes acknowledged, ${unknown} not, ${this.history.changes.length} changes; ` +
        `watches resumed ${resumed} times, began anew ${relisted} times`,
    )
    for (const writer of this.writers) writer.check(this.history)
    for (const watcher of this.watchers) watcher.check(this.history)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.writers, ...this.watchers].map((runner) => runner.stop()))
    await this.history[Symbol.asyncDispose]()
  }
}
