import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { cpuSeconds, memory } from './processes.ts'
import type { BenchServer } from './server.ts'
import { LARGE, WATCHED } from './target.ts'
import { WatchConnection } from './watch-connection.ts'
import type { WatchCount, WatchOrder } from './watch-worker.ts'
import { connect, Writer } from './writer.ts'

/** Many watches of one collection, and a steady pace of changes. */
export interface Crowd {
  connections: number
  /** Watches on each connection. */
  streams: number
  /** How long it writes. */
  seconds: number
  /** Writes per second. */
  rate: number
  /** Whether a further watch never reads. */
  stalled?: boolean
}

export interface CrowdResult {
  events: number
  eventsPerSecond: number
  /** Of the wanted writes, per second. */
  writesPerSecond: number
  /** The server's processor time, as a share of one core. */
  cores: number
  /** Likewise of this process, which reads and writes. */
  clientCores: number
  /** From when a write was due to its answer, in ms. */
  latencies: readonly number[]
  /** Resident memory of the server before the writes, after each quarter of them, and at rest, in MB. */
  memory: number[]
  /** When the stalled watch was over, in seconds after the writes began. */
  cutOff?: number
}

/** As small as a config map is that says something. */
const PADDING = 16
const WRITERS = 50
/** What the stalled watch doesn't take is this large, or it would take minutes until its bound is reached. */
const LARGE_WRITING = { writers: 10, rate: 20, padding: 512 << 10 }
const DRAIN_WITHIN = 60_000
const SETTLE = 2000

/**
 * Has thousands of watches follow a collection for a while.
 *
 * @throws Error when one of them lost, repeated or confused an event, was closed, or when a stalled watch was left open
 */
export async function crowd(server: BenchServer, shape: Crowd): Promise<CrowdResult> {
  const { url, token } = server
  const { connections, streams, seconds, rate } = shape
  const session = connect(url)
  const writer = new Writer(session, { token, namespace: WATCHED, writers: WRITERS, seconds, rate, padding: PADDING })
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => session.destroy())
  const path = `${writer.collection}?watch=1&resourceVersion=${await writer.prepare()}`
  const watches = cleanup.use(await Watches.open({ url, token, path, connections, streams }))
  const stalled = shape.stalled ? await Stalled.begin(server, seconds) : undefined
  if (stalled) cleanup.use(stalled)
  await sleep(SETTLE)
  const resident = [(await memory(server.pid)).resident]
  const used = await cpuSeconds(server.pid)
  const usage = process.cpuUsage()
  const begun = performance.now()
  const sample = async () => {
    for (let quarter = 1; quarter <= 4; quarter++) {
      await sleep((seconds * 1000) / 4)
      resident.push((await memory(server.pid)).resident)
    }
  }
  const [written, cutOff] = await Promise.all([writer.run(), stalled?.run(begun), sample()])
  const writing = (performance.now() - begun) / 1000
  const count = await watches.complete(written)
  const whole = (performance.now() - begun) / 1000
  const cpu = (await cpuSeconds(server.pid)) - used
  const client = process.cpuUsage(usage)
  check(count, written)
  if (stalled && cutOff === undefined) throw new Error('the watch that never reads was left open')
  await sleep(SETTLE)
  resident.push((await memory(server.pid)).resident)
  return {
    events: count.events,
    eventsPerSecond: count.events / whole,
    writesPerSecond: written / writing,
    cores: cpu / whole,
    clientCores: (client.user + client.system) / 1e6 / whole,
    latencies: writer.latencies,
    memory: resident,
    ...(cutOff === undefined ? {} : { cutOff }),
  }
}

function check({ closed, disordered, least, most }: WatchCount, written: number): void {
  if (closed) throw new Error(`${closed} watches were closed`)
  if (disordered) throw new Error(`${disordered} events came out of order`)
  if (least !== written || most !== written) throw new Error(`of ${written} events, watches got ${least} to ${most}`)
}

/** Watches in a thread of their own. */
class Watches implements AsyncDisposable {
  readonly #thread: Worker

  private constructor(thread: Worker) {
    this.#thread = thread
  }

  static async open(order: WatchOrder): Promise<Watches> {
    const thread = new Worker(new URL('./watch-worker.ts', import.meta.url), { workerData: order })
    await once(thread, 'message')
    return new Watches(thread)
  }

  async #count(): Promise<WatchCount> {
    this.#thread.postMessage('count')
    const [count] = (await once(this.#thread, 'message')) as [WatchCount]
    return count
  }

  /** What they have seen when all have seen so many events, or don't any more. */
  async complete(events: number): Promise<WatchCount> {
    const late = performance.now() + DRAIN_WITHIN
    for (;;) {
      const count = await this.#count()
      if (count.closed || count.least >= events || performance.now() > late) return count
      await sleep(50)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }
}

/** A watch of large objects whose client stops reading after the headers. */
class Stalled implements Disposable {
  readonly #server: BenchServer
  readonly #writer: Writer
  readonly #session: ReturnType<typeof connect>
  readonly #watch: WatchConnection
  readonly #seconds: number
  readonly #watches: number

  private constructor(
    server: BenchServer,
    writer: Writer,
    session: ReturnType<typeof connect>,
    watch: WatchConnection,
    seconds: number,
    watches: number,
  ) {
    this.#server = server
    this.#writer = writer
    this.#session = session
    this.#watch = watch
    this.#seconds = seconds
    this.#watches = watches
  }

  static async begin(server: BenchServer, seconds: number): Promise<Stalled> {
    const { url, token } = server
    const session = connect(url)
    const large = { token, namespace: LARGE, seconds, ...LARGE_WRITING }
    const writer = new Writer(session, large)
    const path = `${writer.collection}?watch=1&resourceVersion=${await writer.prepare()}`
    const watch = await WatchConnection.open(new URL(url), token, path, 1)
    await watch.opened()
    watch.pause()
    return new Stalled(server, writer, session, watch, seconds, await openWatches(server))
  }

  /** Writes what it doesn't read. @returns after how many seconds the server gave up, if it did */
  async run(begun: number): Promise<number | undefined> {
    let cutOff: number | undefined
    const end = begun + this.#seconds * 1000
    const look = async () => {
      while (cutOff === undefined && performance.now() < end) {
        await sleep(250)
        if ((await openWatches(this.#server)) < this.#watches) cutOff = (performance.now() - begun) / 1000
      }
    }
    await Promise.all([this.#writer.run(), look()])
    return cutOff
  }

  [Symbol.dispose](): void {
    this.#watch.close()
    this.#session.destroy()
  }
}

/** Watches of config maps that the server knows of. */
async function openWatches({ client }: BenchServer): Promise<number> {
  const metrics = await client.demand('GET', '/metrics')
  let sum = 0
  for (const [, value] of metrics.matchAll(/^apiserver_longrunning_requests\{[^}]*resource="configmaps"[^}]*\} (\d+)/gm)) {
    sum += Number(value)
  }
  return sum
}
