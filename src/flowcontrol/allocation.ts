/** One of those among whom something is shared out. */
export interface Claim {
  /** What it should get, in proportion to the others'; not below `least`. */
  readonly target: number
  readonly least: number
  readonly most: number
}

export interface Allocation {
  readonly shares: readonly number[]
  /** The part of its target that each gets whom no bound holds. */
  readonly proportion: number
}

const MIN_TARGET = 0.001

/**
 * Shares out a sum fairly: everybody gets the same proportion of the target, but for those whom it would bring below their least or
 * above their most, who get just that.
 *
 * @returns undefined when the bounds leave no way
 * @see KEP-1040, "Dispatching": concurrency limits
 */
export function allocate(sum: number, claims: readonly Claim[]): Allocation | undefined {
  const total = (of: (claim: Claim) => number): number => claims.reduce((result, claim) => result + of(claim), 0)
  const share = ({ target, least, most }: Claim, proportion: number): number =>
    Math.max(least, Math.min(most, Math.max(target, MIN_TARGET) * proportion))
  const epsilon = 1e-7
  if (total(({ least }) => least) - sum > epsilon || sum - total(({ most }) => most) > epsilon) return undefined
  // What all get together grows with the proportion, on straight lines between those at which somebody meets a bound.
  const bends = claims.flatMap(({ target, least, most }) => [least, most].map((bound) => bound / Math.max(target, MIN_TARGET)))
  let low = 0
  let lowTotal = total((claim) => share(claim, 0))
  for (const bend of bends.sort((a, b) => a - b)) {
    const bendTotal = total((claim) => share(claim, bend))
    if (bendTotal >= sum) {
      const proportion = bendTotal > lowTotal ? low + ((sum - lowTotal) * (bend - low)) / (bendTotal - lowTotal) : low
      return { proportion, shares: claims.map((claim) => share(claim, proportion)) }
    }
    low = bend
    lowTotal = bendTotal
  }
  return { proportion: low, shares: claims.map((claim) => share(claim, low)) }
}
