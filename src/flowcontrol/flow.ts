import type { Distribution, Series } from '../observability/distribution.ts'
import type { PriorityLevel } from './priority-level.ts'

export type RefusalReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled'

/** What is counted of the requests that matched a flow schema and went to a priority level. */
export class FlowCounts {
  executing = 0
  seats = 0
  waiting = 0
  seatsWaiting = 0
  dispatched = 0
  noAccommodation = 0
  readonly refused = new Map<RefusalReason, number>()
  readonly #distributions: FlowDistributions
  readonly #labels: Readonly<Record<string, string>>
  // Made when first needed: a flow schema that no request matches shows nowhere.
  #execution: Series | undefined
  #watch: Series | undefined
  #wait: Series | undefined
  #refusedWait: Series | undefined
  #queueLength: Series | undefined
  #estimatedSeats: Series | undefined
  #watchers: Series | undefined

  constructor(distributions: FlowDistributions, labels: Readonly<Record<string, string>>) {
    this.#distributions = distributions
    this.#labels = labels
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#labels
  }

  get isUsed(): boolean {
    return this.dispatched > 0 || this.waiting > 0 || this.refused.size > 0
  }

  get executionSeconds(): Series {
    return (this.#execution ??= this.#distributions.execution.series({ ...this.#labels, type: 'regular' }))
  }

  get watchSeconds(): Series {
    return (this.#watch ??= this.#distributions.execution.series({ ...this.#labels, type: 'watch' }))
  }

  get waitSeconds(): Series {
    return (this.#wait ??= this.#distributions.wait.series({ ...this.#labels, execute: 'true' }))
  }

  get refusedWaitSeconds(): Series {
    return (this.#refusedWait ??= this.#distributions.wait.series({ ...this.#labels, execute: 'false' }))
  }

  get queueLength(): Series {
    return (this.#queueLength ??= this.#distributions.queueLength.series(this.#labels))
  }

  get estimatedSeats(): Series {
    return (this.#estimatedSeats ??= this.#distributions.seats.series(this.#labels))
  }

  get watchers(): Series {
    return (this.#watchers ??= this.#distributions.watchers.series(this.#labels))
  }
}

/** Histograms with a series for each flow schema and priority level. */
export interface FlowDistributions {
  readonly execution: Distribution
  readonly wait: Distribution
  readonly queueLength: Distribution
  readonly seats: Distribution
  readonly watchers: Distribution
}

/** A flow schema in use. */
export interface FlowSchemaState {
  readonly name: string
  readonly uid: string
  readonly level: PriorityLevel
  /** What tells its flows apart. */
  readonly distinguisher: 'ByUser' | 'ByNamespace' | undefined
  readonly counts: FlowCounts
}
