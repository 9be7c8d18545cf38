import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AdminClient, configMaps } from '../support/client.ts'
import type { Change, History } from './history.ts'

interface Seen {
  readonly type: string
  readonly name: string
  readonly value: string
  readonly revision: number
}

/** What happened between a list and the moment when a watch couldn't go on from it. */
interface Span {
  readonly listed: { readonly revision: number; readonly objects: ReadonlyMap<string, string> }
  readonly events: Seen[]
  /** The revision that it ended at. */
  end: number
}

interface ListedObject {
  metadata: { name: string; resourceVersion: string }
  data?: { value?: string }
}

/** A client that keeps up with the workload's objects as clients should: lists, watches, resumes, and lists again when told to (410). */
export class Watcher {
  readonly spans: Span[] = []
  /** How often it resumed, and how often it had to list again. */
  resumed = 0
  readonly #client: () => AdminClient
  readonly #patience: () => number
  #running: Promise<void> | undefined
  #stopped = false
  #hangUp: (() => void) | undefined

  /**
   * @param client which server the next request goes to
   * @param patience milliseconds after which it hangs up and resumes
   */
  constructor(client: () => AdminClient, patience: () => number = () => 60_000) {
    this.#client = client
    this.#patience = patience
  }

  get revision(): number {
    return this.spans.at(-1)?.end ?? 0
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#hangUp?.()
    await this.#running
  }

  async #run(): Promise<void> {
    let span: Span | undefined
    while (!this.#stopped) {
      try {
        if (!span) span = await this.#list()
        else if (await this.#watch(span)) span = undefined
        else this.resumed++
      } catch {
        // The server or the network is away.
      }
      await sleep(20)
    }
  }

  async #list(): Promise<Span | undefined> {
    const { code, json } = await this.#client().call('GET', configMaps)
    if (code !== 200) return undefined
    const items = (json.items as ListedObject[]).filter(({ metadata }) => /^w\d/.test(metadata.name))
    const objects = new Map(items.map(({ metadata, data }) => [metadata.name, data?.value ?? '']))
    const revision = Number(json.metadata.resourceVersion)
    const span = { listed: { revision, objects }, events: [], end: revision }
    this.spans.push(span)
    return span
  }

  /** @returns whether it must list again */
  async #watch(span: Span): Promise<boolean> {
    const answer = await this.#client().open('GET', `${configMaps}?watch=1&allowWatchBookmarks=true&resourceVersion=${span.end}`)
    const hangUp = () => answer.destroy()
    this.#hangUp = hangUp
    const timer = setTimeout(hangUp, this.#patience())
    const lines = createInterface({ input: answer })
    // Broken off, the stream ends without an end.
    answer.on('error', () => {}).once('close', () => lines.close())
    try {
      for await (const line of lines) {
        const { type, object } = JSON.parse(line) as { type: string; object: ListedObject & { code?: number } }
        if (type === 'ERROR' || answer.statusCode !== 200) return object?.code === 410
        span.end = Number(object.metadata.resourceVersion)
        if (type !== 'BOOKMARK' && /^w\d/.test(object.metadata.name)) {
          span.events.push({ type, name: object.metadata.name, value: object.data?.value ?? '', revision: span.end })
        }
        if (this.#stopped) break
      }
    } finally {
      clearTimeout(timer)
      answer.destroy()
    }
    return false
  }

  /** That it saw every change once and in order, and at each list what was there. */
  check(history: History): void {
    for (const { listed, events, end } of this.spans) {
      assert.deepEqual(listed.objects, history.stateAt(listed.revision), `listed at ${listed.revision}`)
      const expected = history.changes.filter(({ revision }) => revision > listed.revision && revision <= end)
      assert.deepEqual(events.map(brief), expected.map(briefChange), `after ${listed.revision} up to ${end}`)
    }
  }
}

const brief = ({ type, name, value, revision }: Seen) => `${revision} ${type === 'DELETED' ? 'delete' : 'put'} ${name}=${value}`
const briefChange = ({ type, name, value, revision }: Change) => `${revision} ${type} ${name}=${value}`
