import { allocate, type Claim } from './allocation.ts'
import type { PriorityLevel } from './priority-level.ts'

/**
 * Shares the seats out anew: every level gets what it is sure of and lately needed, and what is left goes round in proportion to demand,
 * within what each may lend and borrow.
 *
 * @see KEP-1040, "Dispatching": current concurrency limits
 */
export function share(levels: readonly PriorityLevel[]): { limits: Map<PriorityLevel, number>; fairFraction: number } {
  const limits = new Map<PriorityLevel, number>()
  const limited: { level: PriorityLevel; claim: Claim }[] = []
  let left = levels.reduce((sum, { limits: { nominal } }) => sum + nominal, 0)
  for (const level of levels) {
    const { nominal, least, most } = level.limits
    const needed = Math.max(least, Math.min(nominal, level.demand.highWatermark))
    if (level.exempt) {
      // Exempt requests aren't held back, so that theirs are gone first.
      limits.set(level, Math.trunc(needed))
      left = Math.max(0, left - Math.trunc(needed))
    } else limited.push({ level, claim: { least: needed, most, target: Math.max(needed, level.demand.smoothed) } })
  }
  const sureSum = limited.reduce((sum, { level }) => sum + level.limits.least, 0)
  const neededSum = limited.reduce((sum, { claim }) => sum + claim.least, 0)
  if (left <= neededSum) {
    const part = left <= sureSum || neededSum === sureSum ? 0 : (left - sureSum) / (neededSum - sureSum)
    for (const { level, claim } of limited) {
      const { least } = level.limits
      limits.set(level, least + Math.round((claim.least - least) * part))
    }
    return { limits, fairFraction: 0 }
  }
  const allocation = allocate(
    left,
    limited.map(({ claim }) => claim),
  )
  limited.forEach(({ level }, i) => {
    limits.set(level, allocation ? Math.round(allocation.shares[i]!) : level.limit)
  })
  return { limits, fairFraction: allocation?.proportion ?? 0 }
}
