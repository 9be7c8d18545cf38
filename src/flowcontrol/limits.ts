import type { FlowcontrolV1PriorityLevelConfiguration } from '../generated/types.ts'
import type { Limits } from './priority-level.ts'

/** The part of a level's seats that one request may take. */
const MAX_PART = 0.15
const DEFAULT_SHARES = 30

/**
 * What each priority level may use of a server's seats, by its name.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/priority-level-configuration-v1/
 */
export function limitsOf(levels: readonly FlowcontrolV1PriorityLevelConfiguration[], seats: number): Map<string, Limits> {
  const total = levels.reduce((sum, level) => sum + sharesOf(level), 0)
  return new Map(
    levels.map((level) => {
      const { limited, exempt } = level.spec ?? {}
      const nominal = total === 0 ? 0 : Math.ceil((seats * sharesOf(level)) / total)
      const lendable = Math.round((nominal * ((limited ?? exempt)?.lendablePercent ?? 0)) / 100)
      const borrowing = limited?.borrowingLimitPercent
      // Who may borrow without limit may borrow all there is.
      const most = nominal + (typeof borrowing === 'number' ? Math.round((nominal * borrowing) / 100) : seats)
      const { queuing } = limited?.limitResponse ?? {}
      const perQueue = queuing?.handSize ? Math.floor(nominal / queuing.handSize) : Number.POSITIVE_INFINITY
      const maxSeats = limited ? Math.max(1, Math.min(Math.ceil(nominal * MAX_PART), perQueue)) : 0
      return [level.metadata?.name ?? '', { nominal, least: nominal - lendable, most, maxSeats }]
    }),
  )
}

function sharesOf({ spec: { type, limited, exempt } = {} }: FlowcontrolV1PriorityLevelConfiguration): number {
  if (type === 'Exempt') return exempt?.nominalConcurrencyShares ?? 0
  return limited?.nominalConcurrencyShares ?? DEFAULT_SHARES
}
