import type { FlowcontrolV1FlowSchema, FlowcontrolV1PriorityLevelConfiguration } from '../generated/types.ts'
import type { RequestInfo } from '../machinery/request-info.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { Metrics } from '../observability/metrics.ts'
import { share } from './borrowing.ts'
import { Classifier } from './classifier.ts'
import type { FlowSchemaState } from './flow.ts'
import { limitsOf } from './limits.ts'
import { FlowMetrics } from './metrics.ts'
import { PriorityLevel, type QueuingConfig, type Timing } from './priority-level.ts'
import { WatchCounts } from './watch-counts.ts'
import { type StoredExtent, WorkEstimator } from './work-estimate.ts'

/** How often priority levels lend and borrow anew, in ms. */
const ADJUST_EVERY = 10_000

export interface FlowControlDeps {
  timing: Timing
  /** Seats of the whole server. */
  seats: number
  metrics: Metrics
  /** What is used while the store has no object of these names. */
  mandatory: FlowObjects
  extentOf(info: RequestInfo): StoredExtent | undefined
}

export interface FlowObjects {
  readonly schemas: readonly FlowcontrolV1FlowSchema[]
  readonly levels: readonly FlowcontrolV1PriorityLevelConfiguration[]
}

/**
 * API priority and fairness: requests belong to flow schemas, which lead to priority levels, each of which has a share of the server.
 *
 * @see KEP-1040
 */
export class FlowControl {
  readonly #deps: FlowControlDeps
  readonly #levels = new Map<string, PriorityLevel>()
  readonly #metrics: FlowMetrics
  readonly watches = new WatchCounts()
  readonly estimator: WorkEstimator
  #classifier!: Classifier<FlowSchemaState>
  #stopAdjusting: (() => void) | undefined

  constructor(deps: FlowControlDeps) {
    this.#deps = deps
    this.#metrics = new FlowMetrics(deps.metrics, () => this.#levels.values())
    this.estimator = new WorkEstimator({ watches: this.watches, extentOf: deps.extentOf })
    this.configure({ schemas: [], levels: [] })
    this.#adjustLater()
  }

  /** What a request belongs to. */
  schemaOf(user: UserInfo, info: RequestInfo): FlowSchemaState {
    return this.#classifier.find(user, info)
  }

  levels(): Iterable<PriorityLevel> {
    return this.#levels.values()
  }

  /** Takes over what is stored now. Requests under way keep what they have. */
  configure({ schemas, levels }: FlowObjects): void {
    const { mandatory } = this.#deps
    this.#configureLevels(withMandatory(levels, mandatory.levels))
    const states: { spec: NonNullable<FlowcontrolV1FlowSchema['spec']>; target: FlowSchemaState }[] = []
    for (const schema of withMandatory(schemas, mandatory.schemas).sort(byPrecedence)) {
      const level = this.#levels.get(schema.spec?.priorityLevelConfiguration?.name ?? '')
      if (!schema.spec || !level || level.quiescing) continue
      const { name = '', uid = '' } = schema.metadata ?? {}
      const distinguisher = schema.spec.distinguisherMethod?.type as FlowSchemaState['distinguisher']
      const target: FlowSchemaState = { name, uid, level, distinguisher, counts: this.#metrics.countsOf(level.name, name) }
      states.push({ spec: schema.spec, target })
    }
    const fallback = states.find(({ target }) => target.name === 'catch-all')?.target
    if (!fallback) throw new Error('there is no flow schema catch-all')
    this.#classifier = new Classifier(states, fallback)
    this.adjust()
  }

  #configureLevels(objects: readonly FlowcontrolV1PriorityLevelConfiguration[]): void {
    const { timing, seats } = this.#deps
    const limits = limitsOf(objects, seats)
    for (const object of objects) {
      const { name = '', uid = '' } = object.metadata ?? {}
      let level = this.#levels.get(name)
      const isNew = !level
      level ??= new PriorityLevel(name, timing, this.#metrics.utilizationOf(name))
      this.#levels.set(name, level)
      level.uid = uid
      level.quiescing = false
      level.exempt = object.spec?.type === 'Exempt'
      level.limits = limits.get(name)!
      level.configureQueues(queuingOf(object))
      if (isNew) level.limit = level.limits.nominal
    }
    const names = new Set(objects.map(({ metadata }) => metadata?.name ?? ''))
    for (const level of this.#levels.values()) if (!names.has(level.name)) level.quiescing = true
  }

  /** Lends and borrows seats by what each level could have used lately. */
  adjust(): void {
    const now = this.#deps.timing.now()
    for (const level of this.#levels.values()) {
      level.demand.endPeriod(now)
      if (level.quiescing && level.isIdle) this.#levels.delete(level.name)
    }
    const { limits, fairFraction } = share([...this.#levels.values()])
    this.#metrics.fairFraction = fairFraction
    for (const [level, limit] of limits) level.setLimit(limit)
  }

  #adjustLater(): void {
    this.#stopAdjusting = this.#deps.timing.schedule(() => {
      this.adjust()
      this.#adjustLater()
    }, ADJUST_EVERY)
  }

  close(): void {
    this.#stopAdjusting?.()
    for (const level of this.#levels.values()) level.close()
  }
}

const byPrecedence = (a: FlowcontrolV1FlowSchema, b: FlowcontrolV1FlowSchema): number =>
  (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) ||
  ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)

function withMandatory<T extends FlowcontrolV1FlowSchema | FlowcontrolV1PriorityLevelConfiguration>(
  stored: readonly T[],
  mandatory: readonly T[],
): T[] {
  const names = new Set(stored.map(({ metadata }) => metadata?.name))
  return [...stored, ...mandatory.filter(({ metadata }) => !names.has(metadata?.name))]
}

function queuingOf({ spec }: FlowcontrolV1PriorityLevelConfiguration): QueuingConfig | undefined {
  const response = spec?.limited?.limitResponse
  if (response?.type !== 'Queue') return undefined
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = response.queuing ?? {}
  return { queues, handSize, lengthLimit: queueLengthLimit }
}
