import { type Dump, dumpFlowControl } from '../flowcontrol/dump.ts'
import { FlowControl } from '../flowcontrol/flow-control.ts'
import type { FlowcontrolV1FlowSchema, FlowcontrolV1PriorityLevelConfiguration } from '../generated/types.ts'
import type { Exchange } from '../machinery/exchange.ts'
import type { RequestInfo } from '../machinery/request-info.ts'
import { formatMicroTime } from '../machinery/time.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Options } from '../options/table.ts'
import { defaultFlowSchemas, defaultPriorityLevels, MANDATORY } from '../registry/bootstrap/default-flow-control.ts'
import type { Registry } from '../registry/registry.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { CacheFollower } from './cache-follower.ts'

const GROUP = 'flowcontrol.apiserver.k8s.io'
/** So many objects tell the average size of all. */
const SAMPLE = 16

export interface PriorityAndFairnessDeps {
  options: Options
  registry: Registry
  metrics: Metrics
  onError(error: unknown): void
}

/** Flow control by what is stored of flow schemas and priority levels. */
export class PriorityAndFairness {
  readonly control: FlowControl
  readonly #followers: readonly CacheFollower[]
  readonly #schemas = new Map<string, FlowcontrolV1FlowSchema>()
  readonly #levels = new Map<string, FlowcontrolV1PriorityLevelConfiguration>()
  readonly #startedAt = Date.now() - performance.now()
  #configuring: NodeJS.Immediate | undefined

  constructor({ options, registry, metrics, onError }: PriorityAndFairnessDeps) {
    this.control = new FlowControl({
      timing: { now: () => performance.now(), schedule },
      seats: options.maxRequestsInflight + options.maxMutatingRequestsInflight,
      metrics,
      mandatory: { schemas: defaultFlowSchemas().filter(isMandatory), levels: defaultPriorityLevels().filter(isMandatory) },
      extentOf: (info) => extentOf(registry, info),
    })
    const follow = <T>(resource: string, objects: Map<string, T>): CacheFollower => {
      const put = (entry: CacheEntry): void => {
        objects.set(entry.key, entry.object<T>())
        this.#configureSoon()
      }
      const remove = (_namespace: string, _name: string, key: string): void => {
        objects.delete(key)
        this.#configureSoon()
      }
      return new CacheFollower(registry.resource(resource, GROUP).store, { put, remove }, onError)
    }
    this.#followers = [follow('prioritylevelconfigurations', this.#levels), follow('flowschemas', this.#schemas)]
  }

  async start(): Promise<void> {
    await Promise.all(this.#followers.map((follower) => follower.start()))
    this.#configure()
  }

  /** @param exchanges requests under way */
  dump(what: Dump, exchanges: () => Iterable<Exchange>): string {
    const time = (now: number): string => formatMicroTime(this.#startedAt + now)
    return dumpFlowControl({ levels: () => this.control.levels(), exchanges, time }, what)
  }

  close(): void {
    for (const follower of this.#followers) follower.close()
    if (this.#configuring) clearImmediate(this.#configuring)
    this.control.close()
  }

  /** Many objects change at once, at the start above all. */
  #configureSoon(): void {
    this.#configuring ??= setImmediate(() => this.#configure())
  }

  #configure(): void {
    this.#configuring = undefined
    this.control.configure({ schemas: [...this.#schemas.values()], levels: [...this.#levels.values()] })
  }
}

const isMandatory = ({ metadata }: FlowcontrolV1FlowSchema | FlowcontrolV1PriorityLevelConfiguration): boolean =>
  MANDATORY.has(metadata?.name ?? '')

function schedule(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms).unref()
  return () => clearTimeout(timer)
}

/** Doesn't fill a cache that nobody has used: what isn't known takes as little as can be. */
function extentOf(registry: Registry, info: RequestInfo) {
  const found = registry.find(info.apiGroup, info.apiVersion, info.resource)
  if (!found || found.served.kind.virtual) return undefined
  const { cache } = found.resource.store
  if (!cache.loaded) return undefined
  let bytes = 0
  let sampled = 0
  cache.snapshot().tree.forEach('', undefined, ({ body }) => {
    bytes += body.length
    return ++sampled < SAMPLE
  })
  return { objects: cache.size, objectBytes: sampled ? bytes / sampled : 0 }
}
