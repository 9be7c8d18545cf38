import { parseFieldSelector } from '../machinery/field-selector.ts'
import type { RequestInfo } from '../machinery/request-info.ts'

/** Counts open watches by what they are about, to tell how many clients a write is going to be told to. */
export class WatchCounts {
  readonly #counts = new Map<string, number>()

  /** @returns what is called once the watch has ended */
  add(info: RequestInfo): () => void {
    // Watches of one node's pods are found by an index: a write is told to few of them.
    if (info.resource === 'pods' && nodeOf(info.fieldSelector)) return () => {}
    const key = keyOf(info.apiGroup, info.resource, info.namespace, info.name)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    return () => {
      const left = (this.#counts.get(key) ?? 0) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
  }

  /** How many watches may be told of a write: those of all, of the namespace, and of the very object. */
  interestedIn({ apiGroup, resource, namespace, name }: RequestInfo): number {
    const counts = this.#counts
    if (counts.size === 0) return 0
    let count = counts.get(keyOf(apiGroup, resource, '', '')) ?? 0
    if (namespace) count += counts.get(keyOf(apiGroup, resource, namespace, '')) ?? 0
    if (name) count += counts.get(keyOf(apiGroup, resource, namespace, name)) ?? 0
    return count
  }
}

const keyOf = (group: string, resource: string, namespace: string, name: string): string =>
  `${resource}.${group}/${namespace}/${name}`

function nodeOf(selector: string): string | undefined {
  if (!selector) return undefined
  try {
    return parseFieldSelector(selector).exact('spec.nodeName')
  } catch {
    return undefined
  }
}
