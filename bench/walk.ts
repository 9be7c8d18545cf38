import type { Client } from './client.ts'

/** How long pages took. */
export interface Walked {
  pages: number
  seconds: number
  /** Of each page, in ms. */
  latencies: number[]
}

/**
 * Walks through a whole collection page by page, over and over, with a few walkers side by side. A walk that has begun is finished.
 *
 * @param size objects in a page
 * @param total objects in the collection
 * @throws Error when a walk has more or fewer pages than it must have
 */
export async function walk(
  client: Client,
  collection: string,
  { walkers, size, total, seconds }: { walkers: number; size: number; total: number; seconds: number },
): Promise<Walked> {
  const latencies: number[] = []
  const begun = performance.now()
  const one = async () => {
    while (performance.now() - begun < seconds * 1000) {
      let pages = 0
      let next: string | undefined = ''
      while (next !== undefined) {
        const sent = performance.now()
        const page = await client.demand('GET', `${collection}?limit=${size}${next && `&continue=${next}`}`)
        latencies.push(performance.now() - sent)
        pages++
        next = /"continue":"([^"]+)"/.exec(page.slice(0, 500))?.[1]
      }
      if (pages !== Math.ceil(total / size)) throw new Error(`a walk through ${total} objects had ${pages} pages`)
    }
  }
  await Promise.all(Array.from({ length: walkers }, one))
  return { pages: latencies.length, seconds: (performance.now() - begun) / 1000, latencies }
}
