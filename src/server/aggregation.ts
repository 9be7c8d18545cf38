import { type Availability, checkAvailability, LOCAL, withAvailability } from '../aggregator/availability.ts'
import { AggregatorProxy } from '../aggregator/proxy.ts'
import { pathOf, type RemoteApi, remoteApi, sameBackend } from '../aggregator/remote-api.ts'
import { RemoteApis } from '../aggregator/remote-apis.ts'
import { AGGREGATOR, RemoteDocuments } from '../aggregator/remote-documents.ts'
import { WorkQueue } from '../controllers/work-queue.ts'
import type { RemoteOpenApi } from '../discovery/openapi/openapi.ts'
import type { RemoteSource, RemoteVersion } from '../discovery/remote.ts'
import type { ApiregistrationV1APIService, CoreV1Service } from '../generated/types.ts'
import type { Exchange } from '../machinery/exchange.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Options } from '../options/table.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import type { Registry } from '../registry/registry.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { objectReader } from './admission.ts'
import { AggregatedBackends } from './aggregated-backends.ts'
import { AggregatorMetrics } from './aggregator-metrics.ts'
import { CacheFollower } from './cache-follower.ts'
import { ProxyIdentity } from './proxy-identity.ts'
import { ServiceAddresses } from './service-addresses.ts'
import { sliceStates } from './slice-states.ts'

const GROUP = 'apiregistration.k8s.io'
const SERVICE_NAME = 'kubernetes.io/service-name'
const WORKERS = 5
/** How often servers are asked whether they are there, and what they serve, in ms. */
const CHECK_EVERY_MS = 30_000
const REFRESH_EVERY_MS = 60_000
/** How soon one that isn't there is asked again at first. */
const FIRST_RETRY_MS = 10

export interface AggregationDeps {
  options: Options
  registry: Registry
  logger: Logger
  metrics: Metrics
  /** ms since the epoch. */
  clock: () => number
  random: (max: number) => number
}

/** Other servers whose APIs are served as a part of this one's, as APIServices say. */
export class Aggregation {
  readonly #deps: AggregationDeps
  readonly #apis = new RemoteApis()
  readonly #documents: RemoteDocuments
  readonly #backends: AggregatedBackends
  readonly #identity: ProxyIdentity
  readonly #proxy: AggregatorProxy
  readonly #metrics: AggregatorMetrics
  readonly #queue: WorkQueue
  readonly #followers: CacheFollower[] = []
  /** Local ones whose status doesn't say so yet. */
  readonly #mislabeled = new Set<string>()
  readonly #failures = new Map<string, number>()
  /** When documents were fetched, in ms since the epoch. */
  readonly #refreshed = new Map<string, number>()
  readonly #slices: ReturnType<typeof sliceStates>
  readonly #services
  #followsServices = false
  #closed = false

  /** @throws Error with one line when the proxy's client certificate can't be used */
  constructor(deps: AggregationDeps) {
    this.#deps = deps
    const { options, registry, logger, random } = deps
    const objects = objectReader(registry)
    const addresses = new ServiceAddresses({ objects, toEndpoints: options.enableAggregatorRouting, random })
    this.#services = objects.facts({ group: '', resource: 'services' }, (object) => {
      const { spec = {} } = object as CoreV1Service
      return {
        type: spec.type ?? 'ClusterIP',
        ports: (spec.ports ?? []).map(({ name = '', port = 0 }) => ({ name, port })),
      }
    })
    this.#slices = sliceStates(objects)
    this.#identity = new ProxyIdentity(options, logger)
    const resolve = ({ service: { namespace, name, port } }: RemoteApi) => addresses.resolve(namespace, name, port)
    this.#backends = new AggregatedBackends({
      identity: this.#identity,
      rejectsRedirects: options.aggregatorRejectForwardingRedirect,
      resolve,
      onMissingNames: () => this.#metrics.missingNames(),
    })
    this.#documents = new RemoteDocuments({ ask: (...asked) => this.#backends.ask(...asked) })
    this.#proxy = new AggregatorProxy({
      apis: this.#apis,
      resolve,
      forward: (...forwarded) => this.#backends.forward(...forwarded),
    })
    this.#metrics = new AggregatorMetrics(deps.metrics)
    this.#queue = new WorkQueue({
      workers: WORKERS,
      paused: true,
      work: (name) => this.#work(name),
      onError: (error, name) => logger.warn('the availability of an APIService could not be told', { name, error }),
    })
  }

  /** Passes a request on that is for another server. @returns undefined for all others */
  handle(exchange: Exchange): Promise<void> | undefined {
    return this.#proxy.handle(exchange)
  }

  /** What discovery shows of other servers. */
  get source(): RemoteSource {
    const [apis, documents] = [this.#apis, this.#documents]
    return {
      versions: () => [...apis.all()].map((api): RemoteVersion => ({ ...api, ...documents.get(api.name) })),
      get changes() {
        return apis.changes + documents.changes
      },
    }
  }

  /** What OpenAPI shows of them. */
  get openApi(): RemoteOpenApi {
    const [apis, documents] = [this.#apis, this.#documents]
    return {
      v3() {
        const found = new Map<string, string>()
        for (const api of apis.all()) {
          const { openApiV3 } = documents.get(api.name)
          if (openApiV3) found.set(pathOf(api).slice(1), openApiV3)
        }
        return found
      },
      v2: () => [...apis.all()].flatMap(({ name }) => documents.get(name).openApiV2 ?? []),
    }
  }

  /** Resolves once requests for all that is registered go where they should. */
  async load(): Promise<void> {
    await this.#follow('apiservices', GROUP, {
      put: (entry) => this.#put(entry.object<ApiregistrationV1APIService>()),
      remove: (_, name) => this.#remove(name),
    })
  }

  /** Begins to look after the availability, once the server can write. */
  start(): void {
    this.#queue.start()
  }

  #put(object: ApiregistrationV1APIService): void {
    const api = remoteApi(object)
    const name = object.metadata?.name ?? ''
    const before = this.#apis.get(name)
    if (!api) {
      if (before) this.#forget(name)
      const isLabeled = !withAvailability(object, LOCAL, 0)
      this.#metrics.told(name, LOCAL.status)
      if (isLabeled) return
      this.#mislabeled.add(name)
      this.#queue.add(name)
      return
    }
    this.#apis.put(api)
    if (!this.#followsServices) void this.#followServices()
    // Words on its status alone are no news: servers that see things differently would answer each other at once.
    if (!before || !sameBackend(before, api)) {
      this.#refreshed.delete(name)
      this.#queue.add(name)
    } else if (!before.available && api.available) this.#queue.add(name)
  }

  #remove(name: string): void {
    this.#forget(name)
    this.#mislabeled.delete(name)
    this.#metrics.forget(name)
  }

  #forget(name: string): void {
    this.#apis.remove(name)
    this.#documents.remove(name)
    this.#failures.delete(name)
    this.#refreshed.delete(name)
  }

  /** Not before there is a server that it matters for. */
  async #followServices(): Promise<void> {
    this.#followsServices = true
    const check = (namespace: string, service: string): void => {
      for (const api of this.#apis.all())
        if (api.service.namespace === namespace && api.service.name === service) this.#queue.add(api.name)
    }
    const checkSlice = (entry: CacheEntry | undefined): void => {
      const service = entry?.labels?.[SERVICE_NAME]
      if (service) check(entry?.key.split('/').at(-2) ?? '', service)
    }
    try {
      await this.#follow('services', '', {
        put: ({ key }) => check(key.split('/').at(-2) ?? '', key.split('/').at(-1) ?? ''),
        remove: check,
      })
      await this.#follow('endpointslices', 'discovery.k8s.io', {
        put: checkSlice,
        remove: (_namespace, _name, _key, last) => checkSlice(last),
      })
    } catch (error) {
      if (!this.#closed) this.#deps.logger.warn('changes of services are not seen', { error })
    }
  }

  async #follow(resource: string, group: string, handler: ConstructorParameters<typeof CacheFollower>[1]): Promise<void> {
    const onError = (error: unknown): void =>
      this.#deps.logger.warn('what aggregation hangs on could not be loaded again', { resource, error })
    const follower = new CacheFollower(this.#deps.registry.resource(resource, group).store, handler, onError)
    this.#followers.push(follower)
    await follower.start()
  }

  async #work(name: string): Promise<void> {
    const api = this.#apis.get(name)
    if (!api) {
      if (this.#mislabeled.delete(name)) await this.#say(name, LOCAL, undefined)
      return
    }
    const found = await checkAvailability(api, {
      service: async (namespace, service) => (await this.#services.get(namespace, service)) ?? undefined,
      slices: async (namespace, service) => await this.#slices(namespace, service),
      probe: () => this.#backends.probe(api, pathOf(api), AGGREGATOR),
    })
    if (this.#closed || this.#apis.get(name) === undefined) return
    this.#metrics.told(name, found.status)
    await this.#say(name, found, api)
    if (found.status === 'True') await this.#refresh(api)
    else {
      this.#refreshed.delete(name)
      this.#documents.markStale(name)
    }
    this.#again(name, found)
  }

  async #refresh(api: RemoteApi): Promise<void> {
    const now = this.#deps.clock()
    const last = this.#refreshed.get(api.name)
    if (last !== undefined && now - last < REFRESH_EVERY_MS) return
    this.#refreshed.set(api.name, now)
    await this.#documents.refresh(api)
    if (!this.#apis.get(api.name)) this.#documents.remove(api.name)
    // What should be there by its own word is asked for again with the next check.
    else if (this.#documents.get(api.name).freshness === 'Stale') this.#refreshed.delete(api.name)
  }

  #again(name: string, { status, reason }: Availability): void {
    if (status === 'True' || reason !== 'FailedDiscoveryCheck') {
      this.#failures.delete(name)
      this.#queue.addAfter(name, CHECK_EVERY_MS)
      return
    }
    const failures = this.#failures.get(name) ?? 0
    this.#failures.set(name, failures + 1)
    this.#queue.addAfter(name, Math.min(FIRST_RETRY_MS * 2 ** failures, CHECK_EVERY_MS))
  }

  /** @param checked what it was said of; undefined for what this server serves */
  async #say(name: string, availability: Availability, checked: RemoteApi | undefined): Promise<void> {
    try {
      await this.#deps.registry.objects('apiservices', GROUP).update(
        '',
        name,
        (current) => {
          const now = remoteApi(current)
          // Whoever changed it meanwhile makes this run again.
          if (checked ? !now || !sameBackend(checked, now) : now) return undefined
          const changed = withAvailability(current, availability, this.#deps.clock())
          if (changed && availability.status !== 'True') this.#metrics.failed(name, availability.reason)
          return changed
        },
        { subresource: 'status' },
      )
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
    }
  }

  /** Resolves once there is nothing left to do that needn't wait. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const follower of this.#followers) follower.close()
    this.#identity.close()
    this.#backends.close()
    await this.#queue.close()
  }
}
