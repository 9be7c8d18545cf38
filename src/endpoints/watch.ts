import type { BodyStream, Transport } from '../machinery/exchange.ts'
import { badRequest, expired, notAcceptable, StatusError } from '../machinery/status.ts'
import { afterPrefix } from '../registry/resource.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import {
  type CacheEvent,
  type CacheWatcher,
  CacheEvent as Event,
  WatchEndedError,
  type WatchEventType,
} from '../storage/cache-watch.ts'
import { CompactedError } from '../storage/storage.ts'
import { firstUnreadable } from '../storage/unreadable.ts'
import { type Call, namespaceOf } from './deps.ts'
import { type ListOptions, listOptions } from './list-options.ts'
import { PROTOBUF } from './messages.ts'
import { type Form, negotiate } from './negotiation.ts'
import { preparing } from './prepared-events.ts'
import { prepareAll } from './read.ts'
import { includeObject } from './table.ts'
import { parseVersion, unreadableInList } from './versions.ts'
import { Framer } from './watch-frames.ts'

const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' }
const BOOKMARK_INTERVAL = 60_000
/** A last bookmark goes out this long before a watch's deadline, so that clients resume from near the end. */
const LAST_BOOKMARK_BEFORE = 2_000

/** GET with `watch`, and the old `/watch/` paths. Resolves once the stream has ended. */
export async function watch(call: Call): Promise<void> {
  const { exchange, endpoint } = call
  const form = watchForm(exchange.header('accept'))
  const options = listOptions(exchange.query, endpoint.served, true)
  const include = form.as === 'Table' ? includeObject(exchange.query.get('includeObject')) : 'Metadata'
  const { store } = endpoint.resource
  const name = watchedName(call, options)
  const version = parseVersion(options.resourceVersion, 'other')
  await store.cache.ready()
  const namespace = namespaceOf(call)
  const exact = name !== undefined && (namespace !== '' || endpoint.served.kind.scope === 'Cluster')
  const prefix = exact ? store.key(namespace, name) : store.prefix(namespace)
  const matches =
    name !== undefined && !exact
      ? both(options.matches, (entry) => entry.selectable.field('metadata.name') === name)
      : options.matches
  const stream = exchange.stream(200, form.stream ? `${form.mediaType};stream=watch` : form.mediaType)
  const framer = new Framer(call, form, include)
  const session = new WatchSession(call, stream, framer, form)
  const { cache } = store

  const { custom } = endpoint.served.kind
  // What has yet to be prepared is selected then.
  const watched: Watched = { prefix, exact, matches: custom?.prepare ? undefined : matches, selected: matches }
  const onFail = (error: Error) => {
    if (error instanceof WatchEndedError) session.end()
    else session.fail(watchError(error, version, cache.revision))
  }
  const tell = (type: WatchEventType, event: CacheEvent) => session.send(framer.event(type, event))
  const onEvent = custom?.prepare
    ? preparing(
        custom.prepare,
        matches,
        (next) => session.after(next),
        tell,
        (error) => session.fail(watchError(error, version, cache.revision)),
      )
    : tell
  let watcher: CacheWatcher | undefined
  try {
    if (wantsInitialEvents(options, version)) {
      watcher = await sendInitialEvents(call, options, watched, session, framer, { onEvent, onFail })
    } else {
      const from = options.resourceVersion === '' ? (await cache.consistentSnapshot()).revision : version
      watcher = await cache.watch(from, {
        ...watched,
        // A version in the future: nothing up to it is told.
        onEvent: (type, event) => {
          if (event.entry.revision > version) onEvent(type, event)
        },
        onFail,
      })
    }
  } catch (error) {
    session.fail(watchError(error, version, cache.revision))
  }
  // From here on it costs next to nothing: others may have its share of the server.
  exchange.held?.release()
  const { use } = endpoint.served
  use.openWatches++
  try {
    await session.run(call, options, watcher, async () => (await cache.consistentSnapshot()).revision)
  } finally {
    use.openWatches--
  }
}

interface Watched {
  prefix: string
  exact: boolean
  /** What the cache asks of each event. */
  matches: ((entry: CacheEntry) => boolean) | undefined
  /** What the client asked for. */
  selected: ((entry: CacheEntry) => boolean) | undefined
}

/** How many objects are looked at before other work gets a turn. */
const INITIAL_CHUNK = 256

/**
 * Tells of every object that is there, as fast as the client takes it, then of what changed meanwhile. The snapshot costs nothing to keep;
 * the changes that wait are bounded like any backlog.
 */
async function sendInitialEvents(
  call: Call,
  options: ListOptions,
  watched: Watched,
  session: WatchSession,
  framer: Framer,
  on: { onEvent(type: WatchEventType, event: CacheEvent): void; onFail(error: Error): void },
): Promise<CacheWatcher> {
  const { cache } = call.endpoint.resource.store
  const snapshot = options.resourceVersion === '0' ? cache.snapshot() : await cache.consistentSnapshot()
  const { prefix, exact, selected } = watched
  const end = exact ? `${prefix}\u0000` : afterPrefix(prefix)
  const bad = firstUnreadable(snapshot.unreadable, prefix, end)
  if (bad) throw unreadableInList(bad.error)
  await prepareAll(call, snapshot, prefix, end)
  const waiting: [WatchEventType, CacheEvent][] = []
  let waitingBytes = 0
  let caughtUp = false
  const watcher = cache.watchFrom(snapshot, {
    ...watched,
    onEvent: (type, event) => {
      if (caughtUp) {
        on.onEvent(type, event)
        return
      }
      waiting.push([type, event])
      waitingBytes += event.entry.body.length
      if (waitingBytes > call.deps.maxWatchBacklog) session.end()
    },
    onFail: on.onFail,
  })
  for (let start: string | undefined = prefix; start !== undefined && !session.ended; ) {
    let left = INITIAL_CHUNK
    let next: string | undefined
    snapshot.tree.forEach(start, end, (entry, key) => {
      if (left-- === 0 || session.full) {
        next = key
        return false
      }
      if (!selected || selected(entry)) session.send(framer.event('ADDED', new Event(entry, undefined, false)))
      return true
    })
    start = next
    if (start !== undefined) await session.drained()
  }
  if (endsInitialEvents(options)) session.send(framer.bookmark(snapshot.revision, INITIAL_EVENTS_END))
  for (const [type, event] of waiting) on.onEvent(type, event)
  caughtUp = true
  return watcher
}

/** With bookmarks and no version (or 0), a watch ends its initial events with a bookmark, as a streaming list does. */
function endsInitialEvents(options: ListOptions): boolean {
  return options.allowWatchBookmarks
}

function wantsInitialEvents(options: ListOptions, version: number): boolean {
  if (options.sendInitialEvents !== undefined) return options.sendInitialEvents
  return version === 0
}

function both(a: ((e: CacheEntry) => boolean) | undefined, b: (e: CacheEntry) => boolean): (e: CacheEntry) => boolean {
  return a ? (entry) => b(entry) && a(entry) : b
}

/** The one object that is watched, by path or by selector. */
function watchedName(call: Call, options: ListOptions): string | undefined {
  const path = call.exchange.info.parts[1]
  if (path && options.name !== undefined && options.name !== path)
    throw badRequest("fieldSelector metadata.name doesn't match requested name")
  return path || options.name
}

interface WatchForm extends Form {
  stream: boolean
}

function watchForm(accept: string | undefined): WatchForm {
  const form = negotiate(accept?.replaceAll(/;\s*stream=watch/g, ''), 'watch', false)
  if (form.mediaType === 'application/yaml') {
    throw notAcceptable(
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    )
  }
  return { ...form, stream: form.mediaType === PROTOBUF || /application\/json\s*;\s*stream=watch/.test(accept ?? '') }
}

/** What a broken watch tells its client before it ends. */
function watchError(error: unknown, version: number, current: number): StatusError {
  if (error instanceof StatusError) return error
  if (error instanceof CompactedError) return expired(`too old resource version: ${version} (${current})`)
  return new StatusError(500, 'InternalError', 'Internal error occurred: the watch was interrupted', {
    causes: [{ message: 'the watch was interrupted' }],
  })
}

/** One client's watch: frames go out as they come, within a bound on what the client hasn't taken yet. */
class WatchSession {
  readonly #stream: BodyStream
  readonly #framer: Framer
  readonly #maxBacklog: number
  readonly #use: { watchEvents: number }
  readonly #transport: Transport
  /** An event is never a list: a watch that asks for one ends at its first event. */
  readonly #asList: boolean
  #ended = false
  #full = false
  /** What has yet to be made, and goes before all else. */
  #queue: Promise<void> | undefined
  #inTurn = false
  #drained: (() => void) | undefined
  #finish: (() => void) | undefined

  constructor(call: Call, stream: BodyStream, framer: Framer, form: Form) {
    this.#asList = form.as === 'PartialObjectMetadataList'
    this.#stream = stream
    this.#framer = framer
    this.#maxBacklog = call.deps.maxWatchBacklog
    this.#use = call.endpoint.served.use
    this.#transport = call.exchange.transport
    const wake = () => {
      this.#full = false
      this.#drained?.()
      this.#drained = undefined
    }
    stream.onDrain(wake)
    call.exchange.transport.onClose(wake)
  }

  get ended(): boolean {
    return this.#ended || this.#stream.closed
  }

  /** Whether the client has yet to take what was sent. */
  get full(): boolean {
    return this.#full
  }

  /** The connection gathers the frames of one turn of the event loop; what waits is shared by all watchers, not copied. */
  send(frame: Buffer): void {
    if (this.#queue && !this.#inTurn) this.after(Promise.resolve(() => this.#write(frame)))
    else this.#write(frame)
  }

  /** Sends what it takes time to make, in its turn. @param next what sends it; never rejects */
  after(next: Promise<() => void>): void {
    const queue = (this.#queue ?? Promise.resolve()).then(async () => {
      const run = await next
      this.#inTurn = true
      run()
      this.#inTurn = false
      if (this.#queue === queue) this.#queue = undefined
    })
    this.#queue = queue
  }

  #write(frame: Buffer): void {
    if (this.#ended) return
    if (this.#asList) {
      this.end()
      return
    }
    this.#use.watchEvents++
    if (this.#stream.write(frame)) return
    this.#full = true
    if (this.#stream.pendingBytes <= this.#maxBacklog) return
    // This client can't follow: it is cut off, resumes from what it has seen, and no one else waits for it.
    this.end()
    this.#transport.destroy()
  }

  /** Resolves once the client has taken what was sent, or is gone; at the latest after the next turn when nothing waits. */
  drained(): Promise<void> {
    if (!this.#full || this.ended) return new Promise((resolve) => setImmediate(resolve))
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  fail(error: StatusError): void {
    this.send(this.#framer.error(error))
    this.end()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#stream.end()
    this.#drained?.()
    this.#finish?.()
  }

  /** Resolves when the watch is over: its time is up, the client is gone, or the server closes. */
  run(call: Call, options: ListOptions, watcher: CacheWatcher | undefined, revision: () => Promise<number>): Promise<void> {
    const { exchange, deps } = call
    const lifetime = options.timeoutSeconds
      ? options.timeoutSeconds * 1000
      : deps.minRequestTimeout + deps.random(Math.max(1, deps.minRequestTimeout))
    return new Promise((resolve) => {
      const timers: NodeJS.Timeout[] = []
      const finish = () => {
        for (const timer of timers) clearTimeout(timer)
        this.#ended = true
        watcher?.close()
        exchange.signal.removeEventListener('abort', close)
        resolve()
      }
      const close = () => this.end()
      this.#finish = finish
      if (this.#ended) return finish()
      exchange.transport.onClose(finish)
      exchange.signal.addEventListener('abort', close, { once: true })
      timers.push(setTimeout(close, Math.min(lifetime, 2 ** 31 - 1)))
      if (!options.allowWatchBookmarks) return
      const bookmark = () => {
        revision().then(
          (at) => this.send(this.#framer.bookmark(at)),
          () => {},
        )
      }
      timers.push(setInterval(bookmark, BOOKMARK_INTERVAL))
      if (lifetime > 2 * LAST_BOOKMARK_BEFORE)
        timers.push(setTimeout(bookmark, Math.min(lifetime - LAST_BOOKMARK_BEFORE, 2 ** 31 - 1)))
    })
  }
}
