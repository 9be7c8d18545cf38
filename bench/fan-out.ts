import type { ClientHttp2Session } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, quantile, Writer, type Writing } from './writer.ts'

export interface FanOut extends Omit<Writing, 'padding'> {
  url: string
  watchers: number
  connections: number
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
const PADDING = 2048
const NEWLINE = 10
/** How long to wait for what is on its way once the writing is over. */
const DRAIN_WITHIN = 30_000

/**
 * Watches the config maps of one namespace many times over HTTP/2 while a few writers change them, and waits until every watcher has
 * seen every change.
 */
export async function fanOut(options: FanOut): Promise<FanOutResult> {
  const sessions: ClientHttp2Session[] = []
  const opened = () => {
    const session = connect(options.url)
    sessions.push(session)
    return session
  }
  try {
    const writer = new Writer(opened(), { ...options, padding: PADDING })
    const version = await writer.prepare()
    const connections = Array.from({ length: options.connections }, opened)
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
  const latencies = watchers.flatMap((watcher) => watcher.latencies)
  return {
    eventsPerSecond: events / seconds,
    events,
    writesPerSecond: written / writing,
    dropped: watchers.filter((watcher) => watcher.dropped || watcher.events < written).length,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
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
