import { setImmediate } from 'node:timers/promises'
import type { Exchange } from '../machinery/exchange.ts'
import type { JsonObject } from '../machinery/json.ts'
import { badRequest, expired, notAcceptable, type StatusError } from '../machinery/status.ts'
import { afterPrefix } from '../registry/resource.ts'
import type { ServedResource } from '../registry/served.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { CompactedError } from '../storage/storage.ts'
import { firstUnreadable, UnreadableError } from '../storage/unreadable.ts'
import type { Snapshot } from '../storage/watch-cache.ts'
import { decodeContinue } from './continue-token.ts'
import { type Call, namespaceOf } from './deps.ts'
import { answerValue, inForm, META, wantsPretty } from './encode.ts'
import { internalPackage } from './known-kinds.ts'
import { type ListOptions, listOptions } from './list-options.ts'
import { entryInProtobuf, listInProtobuf, type MessageParts, PROTOBUF } from './messages.ts'
import { type Form, negotiate } from './negotiation.ts'
import { includeObject, partial, type Tabled } from './table.ts'
import { encodeContinue, parseVersion, readError, tooLarge, unreadableInList } from './versions.ts'

/** GET of one object. */
export async function get(call: Call): Promise<void> {
  const { exchange, endpoint } = call
  const { info } = exchange
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const asked = exchange.rawQuery ? (exchange.query.get('resourceVersion') ?? '') : ''
  const version = parseVersion(asked, 'other')
  const { store } = endpoint.resource
  const { cache } = store
  if (!cache.loaded) await cache.ready()
  if (version > cache.revision) await reach(call, version)
  const key = store.key(namespaceOf(call), info.name)
  let entry: CacheEntry | undefined
  try {
    entry = asked === '' && !cache.eager ? await cache.newest(key) : cache.get(key)
  } catch (error) {
    entry = await cache.healed(error)
  }
  if (!entry) throw store.notFound(info.name)
  if (store.kind.custom?.prepare) await store.kind.custom.prepare([entry])
  answerObject(call, 200, entry, form)
}

/** Waits until the cache has reached a version, or answers that it is too large. */
async function reach(call: Call, version: number): Promise<void> {
  const { cache } = call.endpoint.resource.store
  await cache.consistentSnapshot()
  if (version > cache.revision) throw tooLarge(version, cache.revision)
}

/**
 * Sends one stored object in the form that the client wants.
 * @param of what tables and metadata of it are made of
 */
export function answerObject(call: Call, code: number, entry: CacheEntry, form: Form, of: Tabled = call.endpoint.served): void {
  const { exchange, endpoint } = call
  // Only metadata can be asked for in protobuf.
  if (form.as) answerValue(call, code, converted(call, entry, form, of), META.partial, form)
  else if (form.mediaType === PROTOBUF) exchange.respond(code, PROTOBUF, entryInProtobuf(call, entry))
  else exchange.respond(code, form.mediaType, inForm(endpoint.served.bytes(entry), form))
}

function converted(call: Call, entry: CacheEntry, form: Form, of: Tabled): JsonObject {
  const { exchange, deps } = call
  const version = form.asVersion ?? 'v1'
  if (form.as === 'PartialObjectMetadataList') throw notAList(call, form, false)
  if (form.as === 'PartialObjectMetadata') return partial(of.object(entry), version, of)
  const include = includeObject(exchange.query.get('includeObject'))
  const row = deps.tables.row(of, entry, include, version)
  const metadata = of.object(entry).metadata?.resourceVersion
  return deps.tables.table(of, [row], metadata ? { resourceVersion: metadata } : {}, version)
}

/** The 406 for a list form of an object, or the other way round. */
function notAList(call: Call, form: Form, list: boolean): StatusError {
  const { kind } = call.endpoint.served
  const type = `*${internalPackage(kind.group)}.${kind.kind}${list ? 'List' : ''}`
  return notAcceptable(`you requested ${form.as}, but the requested object is ${list ? 'a' : 'not a'} list (${type})`)
}

export interface Page {
  revision: number
  entries: CacheEntry[]
  continue: string
  remaining: number | undefined
  /** How many objects were looked at. */
  fetched: number
}

/** GET of a collection. */
export async function list(call: Call): Promise<void> {
  const { exchange, endpoint } = call
  const form = negotiate(exchange.header('accept'), 'list', wantsPretty(exchange))
  const options = listOptions(exchange.query, endpoint.served, false)
  if (form.as === 'Table') includeObject(exchange.query.get('includeObject'))
  const page = await readPage(call, options).catch((error: unknown) => healedPage(call, options, error))
  const { custom } = endpoint.served.kind
  if (custom?.prepare) await custom.prepare(page.entries)
  const { use } = endpoint.served
  use.lists++
  use.fetched += page.fetched
  use.returned += page.entries.length
  if (form.as) return answerConverted(call, page, form)
  if (form.mediaType === PROTOBUF) return answerListMessage(call, page)
  const whole = listBytes(endpoint.served, page)
  if (form.mediaType === 'application/json' && !form.pretty) {
    await sendParts(exchange, form.mediaType, whole)
    return
  }
  exchange.respond(200, form.mediaType, inForm(Buffer.concat([...whole.parts]), form))
}

async function readPage(call: Call, options: ListOptions): Promise<Page> {
  const { cache } = call.endpoint.resource.store
  await cache.ready()
  const prefix = call.endpoint.resource.store.prefix(namespaceOf(call))
  const version = parseVersion(options.resourceVersion, 'list')
  if (options.continue) return continued(call, options, prefix)
  const snapshot = await snapshotFor(call, options, version)
  if (options.matches) await prepareAll(call, snapshot, prefix)
  // A limit means nothing to a read of whatever the cache holds.
  const limit = options.resourceVersion === '0' && options.resourceVersionMatch !== 'Exact' ? 0 : options.limit
  return page(snapshot, prefix, prefix, options, limit)
}

/** Reads a page again when what made that impossible can be read by now. @throws StatusError 500 as long as something can't */
async function healedPage(call: Call, options: ListOptions, error: unknown): Promise<Page> {
  if (!(error instanceof UnreadableError)) throw error
  let last: unknown = error
  const tried = new Set<string>()
  while (last instanceof UnreadableError && !tried.has(last.key)) {
    tried.add(last.key)
    try {
      await call.endpoint.resource.store.cache.healed(last)
      return await readPage(call, options)
    } catch (next) {
      last = next
    }
  }
  throw last instanceof UnreadableError ? unreadableInList(last) : last
}

/** Selectors read objects in the version that is asked for. */
export async function prepareAll(call: Call, { tree }: Snapshot, prefix: string, end = afterPrefix(prefix)): Promise<void> {
  const { custom } = call.endpoint.served.kind
  if (!custom?.prepare) return
  const entries: CacheEntry[] = []
  tree.forEach(prefix, end, (entry) => {
    entries.push(entry)
    return true
  })
  await custom.prepare(entries)
}

async function snapshotFor(call: Call, options: ListOptions, version: number): Promise<Snapshot> {
  const { cache } = call.endpoint.resource.store
  const match = options.resourceVersionMatch || (options.limit > 0 && version > 0 ? 'Exact' : '')
  try {
    if (match === 'Exact') return await cache.snapshotAt(version)
    const snapshot = version === 0 && options.resourceVersion === '0' ? cache.snapshot() : await cache.consistentSnapshot()
    if (version > snapshot.revision) throw tooLarge(version, snapshot.revision)
    return snapshot
  } catch (error) {
    throw readError(error)
  }
}

async function continued(call: Call, options: ListOptions, prefix: string): Promise<Page> {
  const { cache } = call.endpoint.resource.store
  if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  const token = decodeContinue(options.continue)
  const start = prefix + token.start
  try {
    const snapshot = token.version < 0 ? await cache.consistentSnapshot() : await cache.snapshotAt(token.version)
    return await page(snapshot, prefix, start, options, options.limit)
  } catch (error) {
    if (!(error instanceof CompactedError)) throw readError(error)
    const { revision } = cache.snapshot()
    const next = encodeContinue({ version: -1, start: token.start })
    const answer = expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    )
    answer.status.metadata = { resourceVersion: String(revision), continue: next }
    throw answer
  }
}

/** How long a walk over a snapshot goes on without a break, in ms: selectors read objects that nobody has read since the start. */
const WALK_SLICE = 10
/** How many objects are looked at before the clock is, less one. */
const WALK_STRIDE = 127

/**
 * The objects of a snapshot that a list shows.
 * @param start the first key that may be in it, at or after `prefix`
 * @param limit 0 for none
 * @throws UnreadableError for an object that the page would cover
 */
export async function page(
  snapshot: Snapshot,
  prefix: string,
  start: string,
  options: ListOptions,
  limit: number,
): Promise<Page> {
  const { matches, name } = options
  const end = afterPrefix(prefix)
  const entries: CacheEntry[] = []
  let next = ''
  const bad = firstUnreadable(snapshot.unreadable, start, end)
  // The field selector on one name still goes over all namespaces, but a namespaced list is one look-up.
  const only = name !== undefined && start === prefix && !limit && !bad ? snapshot.tree.get(prefix + name) : undefined
  if (only) {
    if (!matches || matches(only)) entries.push(only)
    if (entries.length) return { revision: snapshot.revision, entries, continue: '', remaining: undefined, fetched: 1 }
  }
  let fetched = 0
  let pause = performance.now() + WALK_SLICE
  for (let from: string | undefined = start; from !== undefined; ) {
    let resume: string | undefined
    snapshot.tree.forEach(from, end, (entry, key) => {
      if (matches && (fetched & WALK_STRIDE) === WALK_STRIDE && performance.now() > pause) {
        resume = key
        return false
      }
      fetched++
      if (matches && !matches(entry)) return true
      if (limit > 0 && entries.length === limit) {
        next = key
        return false
      }
      entries.push(entry)
      return true
    })
    from = resume
    if (from === undefined) break
    await setImmediate()
    pause = performance.now() + WALK_SLICE
  }
  if (bad) {
    const { key } = bad.error
    // Nobody knows whether it would match; only a page that ends before it can be told.
    if (limit === 0 || entries.length < limit || key < (entries.at(-1) as CacheEntry).key) throw bad.error
    next ||= key
  }
  if (!next) return { revision: snapshot.revision, entries, continue: '', remaining: undefined, fetched }
  const last = entries.at(-1)?.key ?? ''
  const token = encodeContinue({ version: snapshot.revision, start: `${last.slice(prefix.length)}\u0000` })
  // With a selector nobody knows how many of the rest match.
  const remaining = matches ? undefined : snapshot.tree.count(next, end)
  return { revision: snapshot.revision, entries, continue: token, remaining, fetched }
}

export function listMetadata(page: Page): JsonObject {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  }
}

const CHUNK = 256 * 1024
const COMMA = 0x2c
const OPEN = 0x7b

/**
 * The list's JSON: a header, the objects' own bytes without kind and version, a tail. Put together chunk by chunk as the client takes
 * them, so that many slow readers of a large list don't hold a copy of it each.
 */
export function listBytes(served: ServedResource, page: Page): MessageParts {
  const { head, tail } = served.listAround(listMetadata(page))
  const offset = served.itemOffset
  const { entries } = page
  // A brace before each item, a comma between two; head and tail are ASCII.
  let length = head.length + tail.length + 2 * entries.length - (entries.length ? 1 : 0)
  for (let i = 0; i < entries.length; i++) length += served.bytes(entries[i] as CacheEntry).length - offset
  return { length, parts: listParts(served, entries, { head, tail }, length) }
}

function* listParts(
  served: ServedResource,
  entries: readonly CacheEntry[],
  { head, tail }: { head: string; tail: string },
  length: number,
): MessageParts['parts'] {
  const offset = served.itemOffset
  let left = length
  let chunk = Buffer.allocUnsafe(Math.max(head.length, Math.min(CHUNK, left)))
  let at = chunk.write(head)
  for (let i = 0; i < entries.length; i++) {
    const body = served.bytes(entries[i] as CacheEntry)
    const needed = body.length - offset + 2
    if (at + needed > chunk.length) {
      const free = yield chunk.subarray(0, at)
      left -= at
      if (!free || needed > chunk.length) chunk = Buffer.allocUnsafe(Math.max(needed, Math.min(CHUNK, left)))
      at = 0
    }
    if (i > 0) chunk[at++] = COMMA
    chunk[at++] = OPEN
    at += body.copy(chunk, at, offset)
  }
  if (at + tail.length > chunk.length) {
    yield chunk.subarray(0, at)
    chunk = Buffer.allocUnsafe(tail.length)
    at = 0
  }
  at += chunk.write(tail, at)
  yield chunk.subarray(0, at)
}

/** Writes a list with back-pressure: at most one chunk is ahead of what the client takes. */
async function sendParts(exchange: Exchange, mediaType: string, list: MessageParts): Promise<void> {
  if (list.length <= CHUNK) {
    const [first, ...more] = list.parts
    exchange.respond(200, mediaType, more.length ? Buffer.concat([first as Buffer, ...more]) : (first as Buffer))
    return
  }
  const stream = exchange.stream(200, mediaType, undefined, { length: list.length, compressible: true })
  let wake = (): void => {}
  stream.onDrain(() => wake())
  exchange.transport.onClose(() => wake())
  const { parts } = list
  for (let part = parts.next(); !part.done; ) {
    const full = !stream.write(part.value)
    if (stream.closed) return
    if (full) await new Promise<void>((resolve) => (wake = resolve))
    part = parts.next(full)
  }
  stream.end()
}

/** Sends a list in protobuf. */
export async function answerListMessage(call: Call, page: Page): Promise<void> {
  await sendParts(call.exchange, PROTOBUF, await listInProtobuf(call, page.entries, listMetadata(page)))
}

export function answerConverted(call: Call, page: Page, form: Form): void {
  if (form.as === 'PartialObjectMetadata') throw notAList(call, form, true)
  const { exchange, endpoint, deps } = call
  const version = form.asVersion ?? 'v1'
  const metadata = listMetadata(page)
  let body: JsonObject
  if (form.as === 'Table') {
    const include = includeObject(exchange.query.get('includeObject'))
    const { tableOrder } = endpoint.served.kind
    let objects = page.entries.map((entry) => endpoint.served.object(entry))
    if (tableOrder) objects = objects.sort(tableOrder)
    const rows = objects.map((object) => deps.tables.rowOf(endpoint.served, object, include, version))
    body = deps.tables.table(endpoint.served, rows, metadata, version)
  } else {
    body = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
      items: page.entries.map((entry) => partial(endpoint.served.object(entry), version, endpoint.served)),
    }
  }
  answerValue(call, 200, body, META.partialList(version), form)
}
