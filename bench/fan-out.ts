import http2, { type ClientHttp2Session } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'

export interface FanOut {
  url: string
  token: string
  namespace: string
  watchers: number
  connections: number
  writers: number
  /** How long it writes. */
  seconds: number
  /** Writes per second; 0: as many as the server takes. */
  rate: number
}

export interface FanOutResult {
  /** What arrived per second, at all watchers together. */
  eventsPerSecond: number
  events: number
  writesPerSecond: number
  dropped: number
  /** From the write's beginning to the event's arrival, in ms. */
  p50: number
  p99: number
}

/** Fills an event to about 2.5 kB. */
const PADDING = 'x'.repeat(2048)
const NEWLINE = 10
const MERGE_PATCH = 'application/merge-patch+json'
/** How long to wait for what is on its way once the writing is over. */
const DRAIN_WITHIN = 30_000

/**
 * Watches the config maps of one namespace many times over HTTP/2 while a few writers change them, and waits until every watcher has
 * seen every change.
 */
export async function fanOut(options: FanOut): Promise<FanOutResult> {
  const sessions: ClientHttp2Session[] = []
  const connect = () => {
    const session = http2.connect(options.url, { rejectUnauthorized: false, settings: { initialWindowSize: 4 << 20 } })
    session.once('connect', () => session.setLocalWindowSize(16 << 20))
    sessions.push(session)
    return session
  }
  try {
    const writer = new Writer(connect(), options)
    const version = await writer.prepare()
    const connections = Array.from({ length: options.connections }, connect)
    const target = `${writer.collection}?watch=1&resourceVersion=${version}`
    const watchers = Array.from(
      { length: options.watchers },
      (_, i) =>
        new Watcher(connections[i % connections.length] as ClientHttp2Session, target, options.token, i < connections.length),
    )
    await Promise.all(watchers.map((watcher) => watcher.opened))
    return await measure(writer, watchers)
  } finally {
    for (const session of sessions) session.destroy()
  }
}

async function measure(writer: Writer, watchers: readonly Watcher[]): Promise<FanOutResult> {
  const begun = performance.now()
  const written = await writer.run()
  const writing = (performance.now() - begun) / 1000
  const late = performance.now() + DRAIN_WITHIN
  const waiting = () => watchers.some((watcher) => !watcher.dropped && watcher.events < written)
  while (waiting() && performance.now() < late) await sleep(2)
  const seconds = (performance.now() - begun) / 1000
  const events = watchers.reduce((sum, watcher) => sum + watcher.events, 0)
  const latencies = watchers.flatMap((watcher) => watcher.latencies).sort((a, b) => a - b)
  const quantile = (q: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0
  return {
    eventsPerSecond: events / seconds,
    events,
    writesPerSecond: written / writing,
    dropped: watchers.filter((watcher) => watcher.dropped || watcher.events < written).length,
    p50: quantile(0.5),
    p99: quantile(0.99),
  }
}

/** Changes config maps, each writer its own. */
class Writer {
  readonly #session: ClientHttp2Session
  readonly #options: FanOut
  readonly collection: string

  constructor(session: ClientHttp2Session, options: FanOut) {
    this.#session = session
    this.#options = options
    this.collection = `/api/v1/namespaces/${options.namespace}/configmaps`
  }

  /** @returns the resource version to watch from */
  async prepare(): Promise<string> {
    await this.#call('DELETE', this.collection)
    let last = ''
    for (let i = 0; i < this.#options.writers; i++) {
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `map-${i}` }, data: { at: '0', padding: PADDING } }
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

/** One watch. It counts lines, and some also look when each event was sent: the client must not become what is measured. */
class Watcher {
  events = 0
  dropped = false
  readonly latencies: number[] = []
  readonly opened: Promise<void>

  constructor(session: ClientHttp2Session, path: string, token: string, timed: boolean) {
    const stream = session.request({ ':path': path, authorization: `Bearer ${token}` })
    const drop = () => {
      this.dropped = true
    }
    this.opened = new Promise((resolve, reject) => {
      stream.once('response', (headers) => {
        if (headers[':status'] === 200) resolve()
        else reject(new Error(`a watch was answered with ${headers[':status']}`))
      })
      stream.once('error', reject)
    })
    stream.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) this.events++
      if (timed) this.#time(chunk)
    })
    stream.on('end', drop)
    stream.on('close', drop)
    stream.on('error', drop)
    stream.end()
  }

  /** Data comes in frames that may cut an event in two: what is cut just there isn't timed. */
  #time(chunk: Buffer): void {
    const now = performance.now()
    for (const [, at] of chunk.toString('latin1').matchAll(/"at":"([\d.]+)"/g)) this.latencies.push(now - Number(at))
  }
}
