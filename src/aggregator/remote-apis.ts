import type { RequestInfo } from '../machinery/request-info.ts'
import type { RemoteApi } from './remote-api.ts'

const OPENAPI_V3 = '/openapi/v3'

/** What other servers serve, found by a request's path. */
export class RemoteApis {
  readonly #byName = new Map<string, RemoteApi>()
  /** By group, then by version: on the way of every request once there is one, which makes no text for it. */
  #byGroup = new Map<string, Map<string, RemoteApi>>()
  #changes = 0

  /** Grows with every change. */
  get changes(): number {
    return this.#changes
  }

  put(api: RemoteApi): void {
    this.#byName.set(api.name, api)
    this.#changed()
  }

  remove(name: string): void {
    if (this.#byName.delete(name)) this.#changed()
  }

  get(name: string): RemoteApi | undefined {
    return this.#byName.get(name)
  }

  all(): Iterable<RemoteApi> {
    return this.#byName.values()
  }

  #changed(): void {
    this.#changes++
    this.#byGroup = new Map()
    for (const api of this.#byName.values()) {
      const versions = this.#byGroup.get(api.group) ?? new Map<string, RemoteApi>()
      this.#byGroup.set(api.group, versions)
      versions.set(api.version, api)
    }
  }

  /** The one that a request is for: its resources, its discovery document, or its OpenAPI v3 document. */
  find(info: RequestInfo): RemoteApi | undefined {
    if (this.#byName.size === 0) return undefined
    if (info.isResource) return this.#byGroup.get(info.apiGroup)?.get(info.apiVersion)
    const { path } = info
    const isDocument = path.startsWith(`${OPENAPI_V3}/`)
    const [, prefix, first = '', second = '', ...rest] = (isDocument ? path.slice(OPENAPI_V3.length) : path).split('/')
    if (prefix === 'apis') {
      // Paths that name a version and more are resources, but for those with nothing but verbs.
      return rest.length === 0 || !isDocument ? this.#byGroup.get(first)?.get(second) : undefined
    }
    if (prefix !== 'api') return undefined
    // The core group has one version, which the list of its versions belongs to.
    return this.#byGroup.get('')?.get(first || 'v1')
  }
}
