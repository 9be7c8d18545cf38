import { createHash } from 'node:crypto'
import { isObject, type Json } from '../machinery/json.ts'
import type { UserInfo } from '../machinery/user.ts'
import { type OpenApiV2Part, openApiV2Part } from './openapi-v2.ts'
import { pathOf, type RemoteApi } from './remote-api.ts'
import { type DiscoveredResource, fromAggregated, fromResourceList } from './resource-documents.ts'

/** What another server says of itself. */
export interface RemoteDocument {
  /** Stale when it can't be had any more. */
  readonly freshness: 'Current' | 'Stale'
  readonly resources: readonly DiscoveredResource[]
  /** Where the OpenAPI v3 document is, with its hash; unset when there is none. */
  readonly openApiV3: string | undefined
  /** What its OpenAPI v2 document says; unset when there is none. */
  readonly openApiV2: KnownV2 | undefined
}

interface KnownV2 {
  /** That of the whole document. */
  readonly etag: string
  /** Another one for other content. */
  readonly stamp: string
  readonly part: OpenApiV2Part
}

export interface Told {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: Buffer
}

export interface RemoteDocumentsDeps {
  /** Asks a server as this user. @throws Error (rejects) when there is no answer in time */
  ask(api: RemoteApi, path: string, user: UserInfo, headers: Readonly<Record<string, string>>): Promise<Told>
}

const userOf = (name: string): UserInfo => ({ name, uid: '', groups: ['system:masters'], extra: {} })

/** Who asks other servers for what they have. */
export const AGGREGATOR: UserInfo = userOf('system:kube-aggregator')
const OPENAPI_READER: UserInfo = userOf('system:aggregator')

const V2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const ACCEPT = `${V2},${V2.replace('v=v2', 'v=v2beta1')}`

const NOTHING: RemoteDocument = { freshness: 'Stale', resources: [], openApiV3: undefined, openApiV2: undefined }

/** What other servers say of what they serve, kept by the names of their APIServices. */
export class RemoteDocuments {
  readonly #deps: RemoteDocumentsDeps
  readonly #documents = new Map<string, RemoteDocument>()
  #changes = 0

  constructor(deps: RemoteDocumentsDeps) {
    this.#deps = deps
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes
  }

  /** Of one that nothing is known of, nothing but that it is there. */
  get(name: string): RemoteDocument {
    return this.#documents.get(name) ?? NOTHING
  }

  /** Fetches what a server says. What can't be had is stale. Never rejects. */
  async refresh(api: RemoteApi): Promise<void> {
    const before = this.get(api.name)
    const [resources, openApiV3, openApiV2] = await Promise.all([
      this.#resources(api).catch(() => undefined),
      this.#openApiV3(api).catch(() => before.openApiV3),
      this.#openApiV2(api, before.openApiV2).catch(() => before.openApiV2),
    ])
    if (!resources) return this.markStale(api.name)
    this.#keep(api.name, { freshness: 'Current', resources, openApiV3, openApiV2 })
  }

  /** The server can't be reached. */
  markStale(name: string): void {
    const before = this.#documents.get(name)
    this.#keep(name, before ? { ...before, freshness: 'Stale', resources: [] } : NOTHING)
  }

  remove(name: string): void {
    if (this.#documents.delete(name)) this.#changes++
  }

  #keep(name: string, document: RemoteDocument): void {
    const before = this.#documents.get(name)
    this.#documents.set(name, document)
    if (!before || !same(before, document)) this.#changes++
  }

  async #resources(api: RemoteApi): Promise<DiscoveredResource[] | undefined> {
    const whole = await this.#deps.ask(api, '/apis', AGGREGATOR, { accept: ACCEPT })
    if (whole.code === 503) return undefined
    if (whole.code === 200) {
      const found = fromAggregated(parsed(whole.body), api.group, api.version)
      if (found) return found
    }
    const list = await this.#deps.ask(api, pathOf(api), AGGREGATOR, { accept: 'application/json' })
    return list.code === 200 ? fromResourceList(parsed(list.body)) : undefined
  }

  async #openApiV3(api: RemoteApi): Promise<string | undefined> {
    const index = await this.#deps.ask(api, '/openapi/v3', OPENAPI_READER, { accept: 'application/json' })
    const document = index.code === 200 ? parsed(index.body) : undefined
    const paths = isObject(document) ? document.paths : undefined
    const entry = isObject(paths) ? paths[pathOf(api).slice(1)] : undefined
    const url = isObject(entry) ? entry.serverRelativeURL : undefined
    // Whatever else it says, clients go on asking us.
    return typeof url === 'string' && url.startsWith(`/openapi/v3${pathOf(api)}`) ? url : undefined
  }

  async #openApiV2(api: RemoteApi, known: KnownV2 | undefined): Promise<KnownV2 | undefined> {
    const headers = { accept: 'application/json', ...(known?.etag ? { 'if-none-match': known.etag } : {}) }
    const answer = await this.#deps.ask(api, '/openapi/v2', OPENAPI_READER, headers)
    if (answer.code === 304) return known
    if (answer.code !== 200) return undefined
    const part = openApiV2Part(parsed(answer.body), pathOf(api))
    const stamp = createHash('sha256').update(answer.body).digest('hex')
    return part && { etag: String(answer.headers.etag ?? ''), stamp, part }
  }
}

function same(a: RemoteDocument, b: RemoteDocument): boolean {
  return a.freshness === b.freshness && a.openApiV3 === b.openApiV3 && JSON.stringify(a.resources) === JSON.stringify(b.resources)
}

const parsed = (body: Buffer): Json => JSON.parse(body.toString()) as Json
