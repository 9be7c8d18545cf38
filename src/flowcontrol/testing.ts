import type { FlowcontrolV1FlowSchema, FlowcontrolV1PriorityLevelConfiguration } from '../generated/types.ts'
import type { RequestInfo } from '../machinery/request-info.ts'
import { requestInfo } from '../machinery/request-info.ts'
import type { UserInfo } from '../machinery/user.ts'
import { Metrics } from '../observability/metrics.ts'
import type { FlowSchemaState, RefusalReason } from './flow.ts'
import { FlowControl } from './flow-control.ts'
import type { Seat, Timing } from './priority-level.ts'
import { ONE_SEAT, type Work } from './work.ts'

/** A clock that stands still until it is told. */
export class FakeTiming implements Timing {
  #now = 0
  #scheduled: { at: number; callback: () => void }[] = []

  now(): number {
    return this.#now
  }

  schedule(callback: () => void, ms: number): () => void {
    const entry = { at: this.#now + ms, callback }
    this.#scheduled.push(entry)
    return () => {
      this.#scheduled = this.#scheduled.filter((one) => one !== entry)
    }
  }

  pass(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = this.#scheduled.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#scheduled = this.#scheduled.filter((one) => one !== next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = end
  }
}

export const user = (name: string, ...groups: string[]): UserInfo => ({
  name,
  uid: '',
  groups: [...groups, 'system:authenticated'],
  extra: {},
})

export const request = (method: string, url: string): RequestInfo => {
  const [path = '', query = ''] = url.split('?')
  return requestInfo(method, path, () => new URLSearchParams(query))
}

type LevelSpec = NonNullable<FlowcontrolV1PriorityLevelConfiguration['spec']>

export const level = (name: string, spec: LevelSpec): FlowcontrolV1PriorityLevelConfiguration => ({
  metadata: { name, uid: `uid-${name}` },
  spec,
})

export const limited = (
  name: string,
  shares: number,
  queuing?: { queues: number; handSize: number; queueLengthLimit: number },
  more: Partial<NonNullable<LevelSpec['limited']>> = {},
): FlowcontrolV1PriorityLevelConfiguration =>
  level(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      limitResponse: queuing ? { type: 'Queue', queuing } : { type: 'Reject' },
      ...more,
    },
  })

/** A flow schema for requests of some users and groups for any resource and path. */
export const schema = (
  name: string,
  levelName: string,
  matchingPrecedence: number,
  subjects: readonly string[],
  spec: Partial<NonNullable<FlowcontrolV1FlowSchema['spec']>> = { distinguisherMethod: { type: 'ByUser' } },
): FlowcontrolV1FlowSchema => ({
  metadata: { name, uid: `uid-${name}` },
  spec: {
    priorityLevelConfiguration: { name: levelName },
    matchingPrecedence,
    rules: [
      {
        subjects: subjects.map((text) => {
          const [kind, subject = ''] = text.split('/')
          return kind === 'group' ? { kind: 'Group', group: { name: subject } } : { kind: 'User', user: { name: subject } }
        }),
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
    ...spec,
  },
})

export const MANDATORY = {
  levels: [level('exempt', { type: 'Exempt' }), limited('catch-all', 5)],
  schemas: [schema('exempt', 'exempt', 1, ['group/system:masters'], {}), schema('catch-all', 'catch-all', 10_000, ['group/*'])],
}

export function startControl(seats: number, timing = new FakeTiming()) {
  const metrics = new Metrics()
  const control = new FlowControl({ timing, seats, metrics, mandatory: MANDATORY, extentOf: () => undefined })
  return { control, timing, metrics }
}

/** One request on its way: what came of it. */
export class Attempt {
  outcome: Seat | RefusalReason | 'waiting' = 'waiting'
  leave: (() => void) | undefined

  get isServed(): boolean {
    return typeof this.outcome === 'object'
  }

  finish(): void {
    if (typeof this.outcome !== 'object') throw new Error(`not served: ${this.outcome}`)
    this.outcome.release()
  }
}

export function attempt(
  state: FlowSchemaState,
  distinguisher: string,
  { work = ONE_SEAT, waitLimit = 15_000 }: { work?: Work; waitLimit?: number } = {},
): Attempt {
  const made = new Attempt()
  const seat = state.level.take(state, work, false)
  if (seat) made.outcome = seat
  else {
    const left = state.level.wait(state, work, { distinguisher, waitLimit, isWatch: false }, (outcome) => {
      made.outcome = outcome
    })
    if (typeof left === 'string') made.outcome = left
    else made.leave = left
  }
  return made
}
