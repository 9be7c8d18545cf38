import { RecentMap } from '../util/recent-map.ts'
import { FairQueues, type Queue, type Waiter } from './fair-queues.ts'
import type { FlowSchemaState, RefusalReason } from './flow.ts'
import { RetryAfter } from './retry-after.ts'
import { SeatDemand } from './seat-demand.ts'
import { dealHand } from './shuffle-sharding.ts'
import { Utilization, type UtilizationSeries } from './utilization.ts'
import { seatsOf, type Work } from './work.ts'

export interface Timing {
  /** In ms with fractions, never going back. */
  now(): number
  /** Calls back later, unless the returned function is called before. */
  schedule(callback: () => void, ms: number): () => void
}

/** What a priority level may use. */
export interface Limits {
  readonly nominal: number
  readonly least: number
  readonly most: number
  /** The most that one request may take. */
  readonly maxSeats: number
}

export interface QueuingConfig {
  readonly queues: number
  readonly handSize: number
  readonly lengthLimit: number
}

/** A request that waits for a seat. */
export interface Waiting extends Waiter {
  readonly schema: FlowSchemaState
  readonly distinguisher: string
  /** When it came, and when it has waited too long. */
  readonly since: number
  readonly deadline: number
  readonly isWatch: boolean
  /** Told once: a seat, or why there is none. */
  decide(outcome: Seat | RefusalReason): void
}

const KEPT_HANDS = 4096
/** So long it may take to take in what came at once. */
const BURST_MS = 50

/** A priority level: how many seats are in use, and who waits for one. */
export class PriorityLevel {
  readonly name: string
  readonly #timing: Timing
  uid = ''
  /** Whether its requests are never held back. */
  exempt = false
  limits: Limits = { nominal: 0, least: 0, most: 0, maxSeats: 0 }
  /** Seats that it has now: its own, less what it lends, and what it borrows. */
  limit = 0
  /** No longer configured, and there until its last request is done. */
  quiescing = false
  executing = 0
  seatsInUse = 0
  waiting = 0
  seatsWaiting = 0
  dispatched = 0
  refused = 0
  timedOut = 0
  cancelled = 0
  readonly demand: SeatDemand
  readonly #utilization: Utilization
  /** What its parts in use are told of. */
  #capacity = { nominal: 0, limit: 0, queued: 0 }
  readonly retryAfter = new RetryAfter()
  #queuing: QueuingConfig | undefined
  #queues: FairQueues<Waiting> | undefined
  #hands = new RecentMap<number[]>(KEPT_HANDS)
  #nextCheck = Number.POSITIVE_INFINITY
  #stopCheck: (() => void) | undefined

  constructor(name: string, timing: Timing, utilization: UtilizationSeries) {
    this.name = name
    this.#timing = timing
    this.#utilization = new Utilization(utilization, timing.now())
    this.demand = new SeatDemand(timing.now())
  }

  get queues(): FairQueues<Waiting> | undefined {
    return this.#queues
  }

  get isIdle(): boolean {
    return this.executing === 0 && this.waiting === 0
  }

  configureQueues(queuing: QueuingConfig | undefined): void {
    const before = this.#queuing
    if (before?.queues !== queuing?.queues || before?.handSize !== queuing?.handSize) this.#hands.clear()
    this.#queuing = queuing
    if (!queuing) return
    if (this.#queues) this.#queues.configure(queuing)
    else this.#queues = new FairQueues(queuing, this.#timing.now())
  }

  setLimit(limit: number): void {
    const now = this.#timing.now()
    this.#advance(now)
    this.limit = limit
    const { queues = 1, lengthLimit = 1 } = this.#queuing ?? {}
    this.#capacity = { nominal: this.limits.nominal, limit, queued: queues * lengthLimit }
    this.#changed(now)
    this.#dispatch(now)
  }

  /** A seat for a request right now; undefined when it has to wait or be refused. */
  take(schema: FlowSchemaState, work: Work, isWatch: boolean): Seat | undefined {
    const seats = seatsOf(work)
    if (!this.exempt && (this.waiting > 0 || !this.#fits(seats))) return undefined
    const now = this.#timing.now()
    this.#advance(now)
    return this.#seat(schema, work, seats, now, undefined, isWatch)
  }

  /**
   * Puts a request that found no seat into a queue of its flow.
   *
   * @param distinguisher tells its flow from others of its schema
   * @param waitLimit in ms
   * @returns what takes it out again when its client is gone; or why it is refused
   */
  wait(
    schema: FlowSchemaState,
    work: Work,
    { distinguisher, waitLimit, isWatch }: { distinguisher: string; waitLimit: number; isWatch: boolean },
    decide: Waiting['decide'],
  ): (() => void) | RefusalReason {
    const queuing = this.#queuing
    const queues = this.#queues
    if (!queuing || !queues) return this.#refuse(schema, 'concurrency-limit')
    const now = this.#timing.now()
    this.#advance(now)
    const queue = queues.choose(this.#handOf(schema.name, distinguisher, queuing))
    this.#refuseOld(now, queue)
    const first = queue.waiting[0] as Waiting | undefined
    // Requests that come at once are all taken in before the first of them is served, where a server with many threads would have
    // served as many as there are seats meanwhile.
    const more = first && now - first.since < BURST_MS ? this.limit : 0
    if (this.seatsInUse >= this.limit && queues.isFull(queue, more)) return this.#refuse(schema, 'queue-full')
    const deadline = now + waitLimit
    const waiting: Waiting = {
      schema,
      work,
      queue,
      distinguisher,
      since: now,
      deadline,
      arrived: queues.progress,
      isWatch,
      decide,
    }
    queues.enqueue(waiting)
    this.#countWaiting(waiting, 1, now)
    schema.counts.queueLength.observe(queue.waiting.length)
    this.#checkAt(deadline)
    this.#dispatch(now)
    return () => this.#leave(waiting, 'cancelled')
  }

  /** Its request was served. Called by the seat. */
  giveBack(seat: Seat): void {
    const now = this.#timing.now()
    const { schema, work, queue } = seat
    const { counts } = schema
    this.#advance(now)
    this.executing--
    counts.executing--
    const ms = now - seat.since
    const series = seat.isWatch ? counts.watchSeconds : counts.executionSeconds
    series.observe(ms / 1000)
    if (queue) this.#queues?.served(queue, work, ms)
    // Whoever is never held back needs no time set aside.
    if (work.linger > 0 && !this.exempt) this.#timing.schedule(() => this.#release(seat, this.#timing.now()), work.linger)
    else this.#release(seat, now)
  }

  #release({ schema, work, queue }: Seat, now: number): void {
    const seats = seatsOf(work)
    this.#advance(now)
    this.seatsInUse -= seats
    schema.counts.seats -= seats
    this.#changed(now)
    if (queue) this.#queues?.release(queue, work)
    if (this.waiting > 0) this.#dispatch(now)
  }

  #seat(schema: FlowSchemaState, work: Work, seats: number, now: number, queue: Queue | undefined, isWatch: boolean): Seat {
    const { counts } = schema
    counts.estimatedSeats.observe(seats)
    this.executing++
    this.dispatched++
    this.seatsInUse += seats
    counts.executing++
    counts.dispatched++
    counts.seats += seats
    this.#changed(now)
    return new Seat(this, schema, work, now, queue, isWatch)
  }

  #fits(seats: number): boolean {
    // One that needs more than there ever are gets all of them.
    if (seats > this.limit) return this.executing === 0
    return this.seatsInUse + seats <= this.limit
  }

  /** Serves those who wait, as far as there are seats. */
  #dispatch(now: number): void {
    const queues = this.#queues
    while (queues && this.waiting > 0 && (this.exempt || this.seatsInUse < this.limit)) {
      const next = queues.next()
      if (!next) return
      const seats = seatsOf(next.work)
      if (!this.exempt && !this.#fits(seats)) {
        next.schema.counts.noAccommodation++
        return
      }
      queues.dispatch(next)
      this.#countWaiting(next, -1, now)
      next.schema.counts.waitSeconds.observe((now - next.since) / 1000)
      next.decide(this.#seat(next.schema, next.work, seats, now, next.queue, next.isWatch))
    }
  }

  #leave(waiting: Waiting, reason: RefusalReason): void {
    const now = this.#timing.now()
    this.#advance(now)
    if (!this.#queues?.remove(waiting)) return
    this.#countWaiting(waiting, -1, now)
    waiting.schema.counts.refusedWaitSeconds.observe((now - waiting.since) / 1000)
    if (reason === 'time-out') this.timedOut++
    else this.cancelled++
    waiting.decide(this.#refuse(waiting.schema, reason))
  }

  #refuse({ counts }: FlowSchemaState, reason: RefusalReason): RefusalReason {
    this.refused++
    counts.refused.set(reason, (counts.refused.get(reason) ?? 0) + 1)
    return reason
  }

  #refuseOld(now: number, queue: Queue): void {
    for (const waiting of [...queue.waiting] as Waiting[]) if (waiting.deadline <= now) this.#leave(waiting, 'time-out')
  }

  /** One timer for all who wait. */
  #checkAt(deadline: number): void {
    if (deadline >= this.#nextCheck) return
    this.#stopCheck?.()
    this.#nextCheck = deadline
    this.#stopCheck = this.#timing.schedule(() => this.#check(), Math.max(0, deadline - this.#timing.now()))
  }

  #check(): void {
    this.#nextCheck = Number.POSITIVE_INFINITY
    this.#stopCheck = undefined
    if (this.waiting === 0) return
    const now = this.#timing.now()
    let next = Number.POSITIVE_INFINITY
    for (const queue of [...(this.#queues?.queues ?? [])]) {
      this.#refuseOld(now, queue)
      for (const { deadline } of queue.waiting as Waiting[]) if (deadline < next) next = deadline
    }
    if (next < Number.POSITIVE_INFINITY) this.#checkAt(next)
  }

  #countWaiting({ schema, work }: Waiting, sign: 1 | -1, now: number): void {
    const seats = sign * seatsOf(work)
    this.waiting += sign
    this.seatsWaiting += seats
    schema.counts.waiting += sign
    schema.counts.seatsWaiting += seats
    this.#changed(now)
  }

  #changed(now: number): void {
    this.demand.set(this.seatsInUse + this.seatsWaiting, now)
    this.#utilization.set(now, this, this.#capacity)
  }

  #advance(now: number): void {
    this.#queues?.advance(now, Math.min(this.seatsInUse + this.seatsWaiting, this.limit))
  }

  #handOf(schema: string, distinguisher: string, { queues, handSize }: QueuingConfig): number[] {
    const key = `${schema}\0${distinguisher}`
    let hand = this.#hands.find(key)
    if (!hand) {
      hand = dealHand(schema, distinguisher, queues, handSize)
      this.#hands.keep(key, hand)
    }
    return hand
  }

  close(): void {
    this.#stopCheck?.()
  }
}

/** What a request holds while it is served. */
export class Seat {
  readonly level: PriorityLevel
  readonly schema: FlowSchemaState
  readonly work: Work
  readonly since: number
  readonly queue: Queue | undefined
  readonly isWatch: boolean
  #held = true

  constructor(
    level: PriorityLevel,
    schema: FlowSchemaState,
    work: Work,
    since: number,
    queue: Queue | undefined,
    isWatch: boolean,
  ) {
    this.level = level
    this.schema = schema
    this.work = work
    this.since = since
    this.queue = queue
    this.isWatch = isWatch
  }

  get isHeld(): boolean {
    return this.#held
  }

  /** Gives it back; only the first call does. */
  release(): void {
    if (!this.#held) return
    this.#held = false
    this.level.giveBack(this)
  }
}
