import { createHash } from 'node:crypto'
import type { Exchange } from '../machinery/exchange.ts'
import { pathNotFound, StatusError } from '../machinery/status.ts'
import { jsonToYaml } from '../machinery/yaml.ts'
import { apiVersionOf } from '../registry/kind.ts'
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from './documents.ts'
import { compare, isBuiltInGroup, type KindSource, type ServedGroup, servedGroups } from './groups.ts'
import { type Choice, checkProduces, chooseEncoding } from './negotiation.ts'
import { encodeDiscovery } from './protobuf.ts'
import { NO_REMOTES, type RemoteSource, withRemotes } from './remote.ts'

export interface DiscoveryDeps {
  kinds: KindSource
  /** What other servers serve. */
  remotes?: RemoteSource
  /** What `/version` answers. */
  version: object
  /** `host:port` that clients inside the cluster are told. */
  serverAddress: string
  /** Paths that others serve, for the list at `/` (health checks, metrics, …). */
  otherPaths(): readonly string[]
  /** Whether this client reads JSON with its own eyes. */
  wantsPretty(exchange: Exchange): boolean
  /** Told whenever the aggregated form is made anew. */
  onAggregated?(): void
  /** Serves `/openapi/…`. */
  openApi?: { handle(exchange: Exchange): boolean }
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

/** The document behind a path: how it is made, and its protobuf message. */
interface Document {
  message: string
  make(): { kind: string; apiVersion?: string }
}

/**
 * Discovery: what this server serves and which version it is. Answers are built when first asked for and kept as bytes until the kinds
 * change. Authorization has been decided before.
 */
export class Discovery {
  readonly #deps: DiscoveryDeps
  #changes = -1
  #remoteChanges = -1
  #groups: ServedGroup[] = []
  #encoded = new Map<string, { body: Buffer; etag: string }>()

  constructor(deps: DiscoveryDeps) {
    this.#deps = deps
  }

  /**
   * @returns false when the path isn't one of discovery's
   * @throws StatusError
   */
  handle(exchange: Exchange): boolean {
    const { path } = exchange
    if (path === '/' || path === '/index.html') return answerIndented(exchange, { paths: this.paths() })
    if (path.startsWith('/openapi/')) return this.#deps.openApi?.handle(exchange) ?? false
    const parts = path.split('/').slice(1)
    // One slash at the end is let pass.
    if (parts.length > 1 && parts.at(-1) === '') parts.pop()
    if (parts[0] === 'version') return this.#version(exchange, parts)
    if (parts[0] === 'api') return this.#core(exchange, parts)
    if (parts[0] === 'apis') return this.#named(exchange, parts)
    return false
  }

  #served(): ServedGroup[] {
    const { kinds, remotes = NO_REMOTES } = this.#deps
    if (this.#changes !== kinds.changes || this.#remoteChanges !== remotes.changes) {
      this.#changes = kinds.changes
      this.#remoteChanges = remotes.changes
      this.#groups = withRemotes(servedGroups(kinds.kinds()), remotes.versions())
      this.#encoded = new Map()
    }
    return this.#groups
  }

  /** Every path that clients are told of, sorted. */
  paths(): string[] {
    const groups = this.#served().filter((g) => g.name)
    return [
      ...this.#deps.otherPaths(),
      ...['/api', '/api/v1', '/apis', '/apis/', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/version'],
      ...groups.flatMap((g) => [`/apis/${g.name}`, ...g.versions.map((v) => `/apis/${apiVersionOf(v)}`)]),
    ].sort(compare)
  }

  #version(exchange: Exchange, parts: string[]): true {
    if (parts.length > 1) throw pathNotFound()
    onlyGet(exchange)
    checkProduces(exchange.header('accept'), ['application/json'])
    return answerIndented(exchange, this.#deps.version)
  }

  #core(exchange: Exchange, parts: string[]): boolean {
    const core = this.#served().find((g) => g.name === '') ?? { name: '', versions: [] }
    if (parts.length === 1) {
      onlyGet(exchange)
      checkProduces(exchange.header('accept'))
      if (this.#aggregated(exchange, [core])) return true
      return this.#answer(exchange, {
        message: 'APIVersions',
        make: () => apiVersions(core, this.#deps.serverAddress),
      })
    }
    return this.#groupVersion(exchange, core, parts[1] as string, parts.length > 2)
  }

  #named(exchange: Exchange, parts: string[]): boolean {
    const groups = this.#served().filter((g) => g.name)
    // These two ask no go-restful router: they take any method, and choose an encoding at once.
    if (parts.length === 1) {
      if (this.#aggregated(exchange, groups)) return true
      return this.#answer(exchange, { message: 'APIGroupList', make: () => apiGroupList(groups) })
    }
    const group = groups.find((g) => g.name === parts[1])
    if (!group) return answerNotFound(exchange)
    if (parts.length === 2) return this.#answer(exchange, { message: 'APIGroup', make: () => apiGroup(group) })
    return this.#groupVersion(exchange, group, parts[2] as string, parts.length > 3)
  }

  #groupVersion(exchange: Exchange, group: ServedGroup, version: string, deeper: boolean): boolean {
    const found = group.versions.find((v) => v.version === version)
    if (!found) {
      if (isBuiltInGroup(group.name)) throw pathNotFound()
      return answerNotFound(exchange)
    }
    if (deeper) return false
    onlyGet(exchange)
    checkProduces(exchange.header('accept'))
    return this.#answer(exchange, { message: 'APIResourceList', make: () => apiResourceList(found) })
  }

  /** @returns false when the client didn't ask for the aggregated form */
  #aggregated(exchange: Exchange, groups: ServedGroup[]): boolean {
    const choice = chooseEncoding(exchange.header('accept'), true)
    if (!choice.aggregated) return false
    const { body, etag } = this.#encode(exchange, choice, {
      message: 'io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList',
      make: () => aggregatedDiscovery(groups),
    })
    const headers = { etag, vary: 'Accept', 'cache-control': 'public' }
    if (exchange.header('if-none-match') === etag) exchange.respond(304, '', '', headers)
    else exchange.respond(200, `${choice.mediaType};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`, body, headers)
    return true
  }

  #answer(exchange: Exchange, document: Document): true {
    const choice = chooseEncoding(exchange.header('accept'), false)
    exchange.respond(200, choice.mediaType, this.#encode(exchange, choice, document).body)
    return true
  }

  #encode(exchange: Exchange, choice: Choice, document: Document): { body: Buffer; etag: string } {
    const pretty = choice.mediaType === 'application/json' && (choice.pretty || this.#deps.wantsPretty(exchange))
    const path = exchange.path.endsWith('/') ? exchange.path.slice(0, -1) : exchange.path
    const key = `${path} ${choice.aggregated} ${pretty} ${choice.mediaType}`
    let found = this.#encoded.get(key)
    if (!found) {
      if (choice.aggregated) this.#deps.onAggregated?.()
      const value = document.make()
      // The tag names the content, whatever its encoding.
      const etag = `"${createHash('sha512').update(JSON.stringify(value)).digest('hex').toUpperCase()}"`
      found = { body: encode(value, choice, pretty, document.message), etag }
      this.#encoded.set(key, found)
    }
    return found
  }
}

function encode(value: { kind: string; apiVersion?: string }, choice: Choice, pretty: boolean, message: string): Buffer {
  switch (choice.mediaType) {
    case 'application/json':
      return Buffer.from(`${JSON.stringify(value, null, pretty ? 2 : undefined)}\n`)
    case 'application/yaml':
      return Buffer.from(jsonToYaml(JSON.parse(JSON.stringify(value))))
    case 'application/vnd.kubernetes.protobuf':
      return encodeDiscovery(message.includes('.') ? message : META + message, value)
  }
}

function onlyGet(exchange: Exchange): void {
  if (exchange.method === 'GET') return
  throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
}

function answerIndented(exchange: Exchange, value: object): true {
  exchange.respond(200, 'application/json', JSON.stringify(value, null, 2))
  return true
}

/** The plain answer of paths that nobody claims. */
export function answerNotFound(exchange: Exchange): true {
  exchange.respond(404, 'text/plain; charset=utf-8', '404 page not found\n', { 'x-content-type-options': 'nosniff' })
  return true
}
