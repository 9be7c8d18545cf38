import { seatsOf, type Work } from './work.ts'

/** How long a request is assumed to take until it is known, in ms. */
const ASSUMED_MS = 3

/** A request that waits. */
export interface Waiter {
  readonly work: Work
  readonly queue: Queue
  /** When it came, in the progress that queues have made. */
  readonly arrived: number
}

export class Queue {
  readonly waiting: Waiter[] = []
  executing = 0
  seatsInUse = 0
  /** The progress at which its next request is due; smallest goes first. */
  nextDispatch = 0
  /** What its waiting requests come to: seats times ms, and seats. */
  workWaiting = 0
  seatsWaiting = 0
  initialSeatsWaiting = 0

  get isIdle(): boolean {
    return this.waiting.length === 0 && this.executing === 0
  }
}

export interface QueueConfig {
  readonly queues: number
  readonly lengthLimit: number
}

const totalWork = ({ initial, final, linger }: Work): number => initial * ASSUMED_MS + final * linger

/**
 * The queues of a priority level, which are served fairly: each in turn gets the same amount of seats times time, whatever the sizes and
 * numbers of its requests. Progress is measured in virtual time, which runs as fast as one of the active queues is served.
 *
 * @see KEP-1040, "Fair Queuing for Server Requests"
 */
export class FairQueues<W extends Waiter> {
  readonly #queues: Queue[] = []
  #config: QueueConfig
  #active = 0
  #robin = -1
  #dealt = 0
  /** Seats times ms that each active queue was given so far. */
  progress = 0
  #since: number
  /** Of the last request that was served: the progress then, when it was due, and when those that waited first were. */
  readonly last = { progress: 0, due: 0, least: 0, most: 0, leastLessWork: 0, mostLessWork: 0 }

  constructor(config: QueueConfig, now: number) {
    this.#config = config
    this.#since = now
    this.configure(config)
  }

  /** More queues are there at once; surplus ones go when they are empty. */
  configure(config: QueueConfig): void {
    this.#config = config
    while (this.#queues.length < config.queues) this.#queues.push(new Queue())
    this.#trim()
  }

  get queues(): readonly Queue[] {
    return this.#queues
  }

  /** Lets virtual time pass; call it before anything changes. @param rate seats that are asked for, as far as there are any */
  advance(now: number, rate: number): void {
    if (this.#active > 0) this.progress += (rate / this.#active) * (now - this.#since)
    this.#since = now
  }

  /** The queue of a hand with the least work waiting. */
  choose(hand: readonly number[]): Queue {
    const offset = this.#dealt++ % hand.length
    let best = this.#queues[hand[offset]!]!
    for (let i = 1; i < hand.length; i++) {
      const queue = this.#queues[hand[(offset + i) % hand.length]!]!
      if (queue.workWaiting < best.workWaiting) best = queue
    }
    return best
  }

  /** @param more how many a queue may hold beyond its limit */
  isFull(queue: Queue, more: number): boolean {
    return queue.waiting.length >= this.#config.lengthLimit + more
  }

  enqueue(waiter: W): void {
    const { queue, work } = waiter
    if (queue.isIdle) {
      queue.nextDispatch = this.progress
      this.#active++
    }
    queue.waiting.push(waiter)
    this.#count(queue, work, 1)
    bound(queue)
  }

  /** The request that is next; undefined when none waits. It stays where it is. */
  next(): W | undefined {
    const queues = this.#queues
    let best: Queue | undefined
    let least = Number.POSITIVE_INFINITY
    let at = this.#robin
    let bestAt = at
    const { last } = this
    last.least = last.leastLessWork = Number.POSITIVE_INFINITY
    last.most = last.mostLessWork = Number.NEGATIVE_INFINITY
    for (let i = 0; i < queues.length; i++) {
      at = at + 1 >= queues.length ? 0 : at + 1
      const queue = queues[at] as Queue
      const first = queue.waiting[0]
      if (!first) continue
      const due = queue.nextDispatch
      const lessWork = due - queue.seatsInUse * ASSUMED_MS
      if (due < last.least) last.least = due
      if (due > last.most) last.most = due
      if (lessWork < last.leastLessWork) last.leastLessWork = lessWork
      if (lessWork > last.mostLessWork) last.mostLessWork = lessWork
      const finish = queue.nextDispatch + totalWork(first.work)
      if (finish >= least) continue
      least = finish
      best = queue
      bestAt = at
    }
    // The others win when they are as far next time.
    if (best) this.#robin = bestAt
    return best?.waiting[0] as W | undefined
  }

  /** A request that `next` returned leaves its queue to be served. */
  dispatch(waiter: W): void {
    const { queue, work } = waiter
    this.last.progress = this.progress
    this.last.due = queue.nextDispatch
    queue.waiting.shift()
    this.#count(queue, work, -1)
    queue.executing++
    queue.seatsInUse += seatsOf(work)
    queue.nextDispatch += totalWork(work)
    bound(queue)
  }

  /** A waiting request leaves its queue without being served. @returns false when it isn't there any more */
  remove(waiter: W): boolean {
    const { queue, work } = waiter
    const at = queue.waiting.indexOf(waiter)
    if (at < 0) return false
    queue.waiting.splice(at, 1)
    this.#count(queue, work, -1)
    bound(queue)
    if (queue.isIdle) this.#becameIdle()
    return true
  }

  /** A request was served: its queue pays for the time that it really took. Its seats may still be in use. */
  served(queue: Queue, { initial }: Work, ms: number): void {
    queue.executing--
    queue.nextDispatch -= initial * (ASSUMED_MS - ms)
    bound(queue)
    if (queue.isIdle) this.#becameIdle()
  }

  release(queue: Queue, work: Work): void {
    queue.seatsInUse -= seatsOf(work)
  }

  #count(queue: Queue, work: Work, sign: 1 | -1): void {
    queue.workWaiting += sign * totalWork(work)
    queue.seatsWaiting += sign * seatsOf(work)
    queue.initialSeatsWaiting += sign * work.initial
  }

  #becameIdle(): void {
    this.#active--
    this.#trim()
  }

  #trim(): void {
    while (this.#queues.length > this.#config.queues && this.#queues.at(-1)!.isIdle) this.#queues.pop()
    if (this.#robin >= this.#queues.length) this.#robin = -1
  }
}

/** No request is due before it came, or else a queue that was slow for a while could make up for it later. */
function bound(queue: Queue): void {
  const first = queue.waiting[0]
  if (first && queue.nextDispatch < first.arrived) queue.nextDispatch = first.arrived
}
