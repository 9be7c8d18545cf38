import { updateDangling } from '../registry/bootstrap/flow-control.ts'
import type { Registry } from '../registry/registry.ts'
import { CacheFollower } from './cache-follower.ts'

const GROUP = 'flowcontrol.apiserver.k8s.io'

export interface FlowSchemaStatusDeps {
  registry: Registry
  /** ms since the epoch */
  clock(): number
  onError(error: unknown): void
}

/** Keeps telling in the status of each flow schema whether its priority level is there. */
export class FlowSchemaStatus {
  readonly #deps: FlowSchemaStatusDeps
  readonly #followers: readonly CacheFollower[]
  #running: Promise<void> | undefined
  #dirty = false
  #closed = false

  constructor(deps: FlowSchemaStatusDeps) {
    this.#deps = deps
    const changed = (): void => this.#wake()
    this.#followers = ['flowschemas', 'prioritylevelconfigurations'].map((resource) => {
      const { store } = deps.registry.resource(resource, GROUP)
      return new CacheFollower(store, { put: changed, remove: changed }, deps.onError)
    })
  }

  async start(): Promise<void> {
    await Promise.all(this.#followers.map((follower) => follower.start()))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const follower of this.#followers) follower.close()
    await this.#running
  }

  #wake(): void {
    this.#dirty = true
    if (!this.#closed) this.#running ??= this.#run()
  }

  /** One write after the other; what changes meanwhile is looked at afterwards. */
  async #run(): Promise<void> {
    const { registry, clock, onError } = this.#deps
    try {
      // The change is told of before its write is acknowledged, which shouldn't wait for this.
      await new Promise<void>((resolve) => setImmediate(resolve))
      while (this.#dirty && !this.#closed) {
        this.#dirty = false
        await updateDangling((resource, group) => registry.objects(resource, group), clock)
      }
    } catch (error) {
      onError(error)
    } finally {
      this.#running = undefined
    }
  }
}
