import { parseDuration } from '../duration.ts'

const SECOND = 1_000_000_000n
const HOUR = 3600n * SECOND

/** Units by their names, and by what longer names start with. */
const UNITS: readonly (readonly [nanoseconds: bigint, names: readonly string[], prefix: string])[] = [
  [1n, ['ns'], 'nano'],
  [1000n, ['us', 'µs'], 'micro'],
  [1_000_000n, ['ms'], 'milli'],
  [SECOND, ['s'], 'sec'],
  [60n * SECOND, ['m'], 'min'],
  [HOUR, ['h', 'hr'], 'hour'],
  [24n * HOUR, ['d'], 'day'],
  [7n * 24n * HOUR, ['w', 'wk'], 'week'],
]

/**
 * What strings of the format `duration` mean: Go's durations (`1h30m`), or numbers of units in words (`2 days 3 hours`), whatever else
 * is written around these.
 *
 * @returns nanoseconds; undefined for what is no duration
 */
export function durationOf(text: string): bigint | undefined {
  try {
    return parseDuration(text)
  } catch {
    return inWords(text)
  }
}

function inWords(text: string): bigint | undefined {
  let total: bigint | undefined
  for (const [, count, word] of text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)) {
    const unit = (word as string).toLowerCase()
    const found = UNITS.find(([, names, prefix]) => names.includes(unit) || unit.startsWith(prefix))
    if (found) total = (total ?? 0n) + BigInt(count as string) * found[0]
  }
  return total
}
