import { Breather } from './in-parallel.ts'

export interface WorkQueueDeps {
  /** Brings what the key stands for to where it should be. Whatever was added meanwhile makes it run again. */
  work(key: string): Promise<void>
  /** Told of every failure, of which `failures` came in a row. The key is tried again. */
  onError(error: unknown, key: string, failures: number): void
  /** How many keys are worked on at a time. */
  workers: number
  /** Nothing is worked on before `start`. */
  paused?: boolean
}

const FIRST_RETRY_MS = 10
const LAST_RETRY_MS = 60_000

/**
 * Keys that something is to be done about. A key is there once however often it is added, and never worked on twice at a time; what
 * fails is tried again, later each time.
 */
export class WorkQueue {
  readonly #deps: WorkQueueDeps
  readonly #waiting = new Set<string>()
  readonly #running = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #settled: (() => void)[] = []
  readonly #breather = new Breather()
  #paused: boolean
  #closed = false

  constructor(deps: WorkQueueDeps) {
    this.#deps = deps
    this.#paused = deps.paused ?? false
  }

  /** Begins with the work at once, within this call, when a worker is free. */
  add(key: string): void {
    if (this.#closed) return
    this.#stopTimer(key)
    this.#waiting.add(key)
    this.#next()
  }

  /** @param ms milliseconds from now, unless the key is added before */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return
    this.#stopTimer(key)
    this.#timers.set(key, setTimeout(() => this.add(key), ms).unref())
  }

  start(): void {
    this.#paused = false
    this.#next()
  }

  /** Resolves once there is nothing left to do but what failed or was put off. */
  settled(): Promise<void> {
    if (this.#idle) return Promise.resolve()
    return new Promise((resolve) => this.#settled.push(resolve))
  }

  /** Begins nothing more. Resolves when what runs is done. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#waiting.clear()
    await this.settled()
  }

  get #idle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0
  }

  #stopTimer(key: string): void {
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
  }

  #next(): void {
    if (this.#paused) return
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#deps.workers) return
      // Its turn comes when the one that runs is done.
      if (this.#running.has(key)) continue
      this.#waiting.delete(key)
      this.#running.add(key)
      void this.#run(key)
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#deps.work(key)
      this.#failures.delete(key)
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      if (!this.#closed) this.#deps.onError(error, key, failures)
      if (!this.#waiting.has(key)) this.addAfter(key, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS))
    }
    await this.#breather.pause()
    this.#running.delete(key)
    this.#next()
    if (this.#idle) for (const resolve of this.#settled.splice(0)) resolve()
  }
}
