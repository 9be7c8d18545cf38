import { setTimeout } from 'node:timers/promises'

/**
 * Runs a check until it holds, and returns what it comes to.
 * @param ms how long it may take
 * @throws what it threw last
 */
export async function eventually<T>(check: () => Promise<T>, ms = 5_000): Promise<T> {
  const until = performance.now() + ms
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > until) throw error
    }
    await setTimeout(20)
  }
}
