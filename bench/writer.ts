import http2, { type ClientHttp2Session } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a writer changes, and how fast. */
export interface Writing {
  token: string
  namespace: string
  /** Objects, each with one change under way at a time. */
  writers: number
  /** How long it writes. */
  seconds: number
  /** Writes per second; 0: as many as the server takes. */
  rate: number
  /** Fills an object to about this size, in bytes. */
  padding: number
}

const MERGE_PATCH = 'application/merge-patch+json'

/** Opens a connection with windows that no measurement should wait for. */
export function connect(url: string): ClientHttp2Session {
  const session = http2.connect(url, { rejectUnauthorized: false, settings: { initialWindowSize: 4 << 20 } })
  session.once('connect', () => session.setLocalWindowSize(16 << 20))
  return session
}

/** Changes config maps of one namespace, each writer its own. */
export class Writer {
  readonly #session: ClientHttp2Session
  readonly #options: Writing
  readonly collection: string
  /** Of each write, from the moment it was due to its answer, in ms. */
  readonly latencies: number[] = []

  constructor(session: ClientHttp2Session, options: Writing) {
    this.#session = session
    this.#options = options
    this.collection = `/api/v1/namespaces/${options.namespace}/configmaps`
  }

  /** @returns the resource version to watch from */
  async prepare(): Promise<string> {
    await this.#call('DELETE', this.collection)
    const padding = 'x'.repeat(this.#options.padding)
    let last = ''
    for (let i = 0; i < this.#options.writers; i++) {
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `map-${i}` }, data: { at: '0', padding } }
      last = await this.#call('POST', this.collection, map)
    }
    return (JSON.parse(last) as { metadata: { resourceVersion: string } }).metadata.resourceVersion
  }

  /** @returns how many writes it made */
  async run(): Promise<number> {
    const { writers, seconds, rate } = this.#options
    const begun = performance.now()
    const end = begun + seconds * 1000
    let written = 0
    const one = async (index: number) => {
      for (let i = 0; ; i++) {
        const due = rate ? begun + ((i * writers + index) / rate) * 1000 : performance.now()
        if (due >= end) return
        if (due > performance.now()) await sleep(due - performance.now())
        const at = performance.now().toFixed(3)
        await this.#call('PATCH', `${this.collection}/map-${index}`, { data: { at } }, MERGE_PATCH)
        this.latencies.push(performance.now() - due)
        written++
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, index) => one(index)))
    return written
  }

  #call(method: string, path: string, body?: object, type = 'application/json'): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { ':method': method, ':path': path, authorization: `Bearer ${this.#options.token}`, 'content-type': type }
      const stream = this.#session.request(headers)
      let status = 0
      let text = ''
      stream.setEncoding('utf8')
      stream.on('response', (answer) => {
        status = answer[':status'] ?? 0
      })
      stream.on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('error', reject)
      stream.on('end', () => (status < 300 ? resolve(text) : reject(new Error(`${method} ${path}: ${status} ${text}`))))
      stream.end(body && JSON.stringify(body))
    })
  }
}

/** @returns the value below which this share of them lies; 0 when there are none */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}
