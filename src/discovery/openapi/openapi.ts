import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Exchange } from '../../machinery/exchange.ts'
import type { SchemaFacts } from '../../machinery/schema.ts'
import type { Descriptions } from '../descriptions.ts'
import { apiResourceList } from '../documents.ts'
import { compare, type KindSource, type ServedGroup, type ServedGroupVersion, servedGroups } from '../groups.ts'
import { acceptClauses } from '../negotiation.ts'
import { schemaText } from './custom-schemas.ts'
import { mergeV2, type RemoteV2 } from './merge-v2.ts'
import { encodeV2 } from './protobuf-v2.ts'
import { encodeV3 } from './protobuf-v3.ts'
import { serverOperations } from './server-operations.ts'
import { wholeDocument } from './v2.ts'
import { type DocumentV3, groupVersionDocument, smallDocument } from './v3.ts'

export interface OpenApiDeps {
  kinds: KindSource
  facts: SchemaFacts
  descriptions: Descriptions
  /** Part of every hash: clients keep documents for long. */
  version: object
  /** Ms since the epoch. */
  clock(): number
  remotes?: RemoteOpenApi
  /** Told of documents of other servers that can't be shown. */
  onError?(error: unknown): void
}

/** What other servers say of what they serve. */
export interface RemoteOpenApi {
  /** Where their v3 documents are, with their hashes, by names such as `apis/metrics.k8s.io/v1beta1`. */
  v3(): ReadonlyMap<string, string>
  /** Their parts of the v2 document, each with a stamp that changes with it. */
  v2(): readonly { readonly stamp: string; readonly part: RemoteV2 }[]
}

type Format = 'json' | 'protobuf'

/** Media types by version: what is asked for → what is answered. The forms with an `@` are what old clients ask for. */
const MEDIA_TYPES: Record<2 | 3, [asked: string, format: Format][]> = {
  2: [
    ['application/json', 'json'],
    ['application/com.github.proto-openapi.spec.v2.v1.0+protobuf', 'protobuf'],
    ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'protobuf'],
  ],
  3: [
    ['application/json', 'json'],
    ['application/com.github.proto-openapi.spec.v3.v1.0+protobuf', 'protobuf'],
    ['application/com.github.proto-openapi.spec.v3@v1.0+protobuf', 'protobuf'],
  ],
}

const V3 = '/openapi/v3'
/** Documents are large and asked for in bursts: what nobody asked for in this time (ms) is dropped. */
const KEEP = 60_000
const YEAR = 365 * 24 * 3600 * 1000

/**
 * Serves `/openapi/v2` and `/openapi/v3`. A document is built when it is first asked for, and kept compressed for a minute. Hashes are
 * taken from what documents are made of, so that the index costs nothing.
 */
export class OpenApi {
  readonly #deps: OpenApiDeps
  #changes = -1
  #groups: ServedGroup[] = []
  /** Document name → its hash. */
  #hashes: Map<string, string> | undefined
  #documents = new Map<string, Buffer>()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: OpenApiDeps) {
    this.#deps = deps
  }

  /** @returns false when the path isn't under /openapi/ */
  handle(exchange: Exchange): boolean {
    const { path } = exchange
    this.#refresh()
    if (path === '/openapi/v2') this.#whole(exchange)
    else if (path === V3 || path === `${V3}/`) this.#index(exchange)
    else if (path.startsWith(`${V3}/`)) this.#document(exchange, path.slice(V3.length + 1))
    else return false
    return true
  }

  /** Drops all documents; they are built again when asked for. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#documents = new Map()
    this.#deps.descriptions.release()
  }

  #refresh(): void {
    const { kinds } = this.#deps
    if (this.#changes === kinds.changes) return
    this.#changes = kinds.changes
    this.#groups = servedGroups(kinds.kinds())
    this.#hashes = undefined
    this.#documents = new Map()
  }

  #index(exchange: Exchange): void {
    const urls = new Map([...this.#allHashes()].map(([name, hash]): [string, string] => [name, `${V3}/${name}?hash=${hash}`]))
    const remotes = this.#deps.remotes?.v3()
    for (const [name, url] of remotes ?? []) urls.set(name, url)
    const all = remotes?.size ? [...urls].sort(([a], [b]) => compare(a, b)) : [...urls]
    const paths = Object.fromEntries(all.map(([name, serverRelativeURL]) => [name, { serverRelativeURL }]))
    const body = `${JSON.stringify({ paths })}\n`
    answer(exchange, 'application/json', quoted(hashOf(body)), () => body)
  }

  #document(exchange: Exchange, name: string): void {
    const hash = this.#allHashes().get(name)
    const chosen = choose(exchange, 3)
    if (!hash || !chosen) {
      exchange.respond(hash ? 406 : 404, '', '', { vary: 'Accept' })
      return
    }
    const asked = exchange.query.get('hash')
    if (asked && asked !== hash) {
      const location = `${V3}/${name}?hash=${hash}`
      exchange.respond(301, '', '', { location, vary: 'Accept', etag: quoted(hash) })
      return
    }
    const lasting = asked
      ? { 'cache-control': 'public, immutable', expires: new Date(this.#deps.clock() + YEAR).toUTCString() }
      : undefined
    const body = () => this.#bytes(`3 ${name} ${chosen.format}`, () => encode(this.#build(name), chosen.format, encodeV3))
    answer(exchange, chosen.mediaType, quoted(hash), body, { vary: 'Accept', ...lasting })
  }

  #whole(exchange: Exchange): void {
    const chosen = choose(exchange, 2)
    if (!chosen) {
      exchange.respond(406, '', '', { vary: 'Accept' })
      return
    }
    const remotes = this.#deps.remotes?.v2() ?? []
    const stamps = remotes.map(({ stamp }) => ` ${stamp}`).join('')
    const hash = hashOf([...this.#allHashes()].join(' ') + stamps)
    const parts = remotes.map(({ part }) => part)
    const body = () => this.#bytes(`2 ${chosen.format}${stamps}`, () => this.#encodeWhole(chosen.format, parts))
    answer(exchange, chosen.mediaType, quoted(hash), body, { vary: 'Accept' })
  }

  #encodeWhole(format: Format, remotes: readonly RemoteV2[]): Buffer {
    const { facts, descriptions, onError } = this.#deps
    const own = wholeDocument(this.#groups, facts, descriptions)
    if (remotes.length === 0) return encode(own, format, encodeV2)
    try {
      return encode(mergeV2(own, remotes), format, encodeV2)
    } catch (error) {
      // What others say may have any form: ours must be there in any case.
      onError?.(error)
      return encode(own, format, encodeV2)
    }
  }

  #bytes(key: string, build: () => Buffer): Buffer {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.close(), KEEP)
    this.#timer.unref()
    const kept = this.#documents.get(key)
    if (kept) return gunzipSync(kept)
    const body = build()
    this.#documents.set(key, gzipSync(body, { level: 1 }))
    return body
  }

  #build(name: string): DocumentV3 {
    const { facts, descriptions } = this.#deps
    const gv = this.#groupVersions().get(name)
    if (gv) return groupVersionDocument(gv, facts, descriptions)
    return smallDocument(serverOperations(this.#groups).get(name) ?? [], facts, descriptions)
  }

  #groupVersions(): Map<string, ServedGroupVersion> {
    const all = this.#groups.flatMap((g) => g.versions)
    return new Map(all.map((v) => [v.group ? `apis/${v.group}/${v.version}` : `api/${v.version}`, v]))
  }

  #allHashes(): Map<string, string> {
    if (this.#hashes) return this.#hashes
    const { facts, descriptions, version } = this.#deps
    const base = JSON.stringify(version) + descriptions.stamp
    const packages = new Map<string, string>()
    const packageText = (name: string) => {
      const text = packages.get(name) ?? JSON.stringify(facts.package(name))
      packages.set(name, text)
      return text
    }
    const hashes: [string, string][] = [...serverOperations(this.#groups).keys()].map((name) => [name, hashOf(base + name)])
    for (const [name, gv] of this.#groupVersions()) {
      const custom = new Set(gv.resources.filter((r) => r.definition.custom).map((r) => r.schema))
      const types = gv.resources.flatMap((r) => [r.schema, ...r.subresources.map((s) => s.kind.schema)])
      const schemas = types.filter((type) => !custom.has(type))
      const used = new Set(schemas.map((schema) => schema.slice(0, schema.lastIndexOf('.'))))
      const parts = [base, name, JSON.stringify(apiResourceList(gv)), ...schemas, ...[...used].map(packageText)]
      if (custom.size) parts.push(...gv.resources.map(schemaText))
      hashes.push([name, hashOf(parts.join(' '))])
    }
    this.#hashes = new Map(hashes.sort(([a], [b]) => compare(a, b)))
    return this.#hashes
  }
}

function encode<T>(document: T, format: Format, protobuf: (document: T) => Buffer): Buffer {
  return format === 'json' ? Buffer.from(JSON.stringify(document)) : protobuf(document)
}

/** Wildcards of whole parts are fine; the first clause that fits wins. */
function choose(exchange: Exchange, version: 2 | 3): { mediaType: string; format: Format } | undefined {
  const types = MEDIA_TYPES[version]
  for (const clause of acceptClauses(exchange.header('accept') || '*/*')) {
    for (const [mediaType, format] of types) {
      if (clause.type !== mediaType && clause.type !== '*/*' && clause.type !== 'application/*') continue
      return { mediaType: mediaType.replace('@', '.'), format }
    }
  }
  return undefined
}

function answer(
  exchange: Exchange,
  mediaType: string,
  etag: string,
  body: () => Buffer | string,
  headers?: Record<string, string>,
): void {
  const known = exchange.header('if-none-match')
  const fresh = known === '*' || known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
  if (fresh) exchange.respond(304, '', '', { etag, ...headers })
  else exchange.respond(200, mediaType, body(), { etag, ...headers })
}

function hashOf(text: string): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase()
}

const quoted = (hash: string): string => `"${hash}"`
