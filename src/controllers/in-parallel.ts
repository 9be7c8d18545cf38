import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'

/** How long work that never waits for anything may keep the event loop, in milliseconds. */
const SLICE_MS = 5

/** Lets requests in between long work. */
export class Breather {
  #since = 0
  #turn: Promise<void> | undefined

  /** Await it between two steps: it takes a turn of the event loop when the last one is some milliseconds ago. */
  async pause(): Promise<void> {
    if (performance.now() - this.#since < SLICE_MS) return
    // All who work at the same time wait for one turn and share the next slice.
    this.#turn ??= this.#take()
    await this.#turn
  }

  async #take(): Promise<void> {
    await setImmediate()
    this.#since = performance.now()
    this.#turn = undefined
  }
}

/**
 * Runs something for each item, a few at a time, all of them even if some fail.
 * @throws the first failure, after the last item
 */
export async function inParallel<T>(items: Iterable<T>, limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const breather = new Breather()
  let failed: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      try {
        await run(next.value)
      } catch (error) {
        failed ??= { error }
      }
      await breather.pause()
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (failed) throw failed.error
}
