import type { Case } from './cases.ts'
import type { Yard } from './yardstick.ts'

/** What one case came to on each checkout: the median of its rounds. */
export interface Row {
  case: Case
  /** One per checkout; undefined where it failed. */
  values: (number | undefined)[]
  /** Likewise, of the server's processor time per request or event, in µs. */
  cpus: (number | undefined)[]
  note: string
  failure?: string
}

export interface Yardsticks {
  before: Yard
  after: Yard
}

/** How far the yardstick may move within a run before the figures are to be doubted. */
const STEADY = 0.15

/** The table of a run, and what to think of it. */
export function report(rows: readonly Row[], yardsticks: Yardsticks, names: readonly string[]): string {
  const n = unitOf(yardsticks)
  const comparing = names.length > 1
  const table = [
    [
      'what',
      names[0] ?? '',
      ...(comparing ? [names[1] ?? '', 'gain'] : []),
      ...cpuHeads(names),
      'share of N',
      'reference',
      'times as good',
      '',
    ],
  ]
  for (const row of rows) {
    const [own, other] = row.values
    const { unit, reference } = row.case
    const rate = unit === '/s'
    table.push([
      row.case.title,
      figure(own, unit),
      ...(comparing ? [figure(other, unit), gain(own, other, rate)] : []),
      ...row.cpus.map(microseconds),
      rate && own !== undefined ? significant(own / n) : '',
      reference === undefined ? '' : rate ? significant(reference) : figure(reference, unit),
      own === undefined || reference === undefined ? '' : `${(rate ? own / n / reference : reference / own).toFixed(1)} x`,
      row.failure ? `FAILED: ${row.failure.split('\n')[0]}` : row.note,
    ])
  }
  return `${aligned(table)}\n\n${yardstickText(yardsticks)}`
}

/** N: what nginx does per second in this run. */
export function unitOf({ before, after }: Yardsticks): number {
  return (before.rate + after.rate) / 2
}

const both = (before: Yard, after: Yard): string =>
  `${Math.round(before.rate)} before, ${Math.round(after.rate)} after; ${microseconds(before.cpu)} and ${microseconds(after.cpu)} of CPU per request`

function yardstickText(yardsticks: Yardsticks): string {
  const { before, after } = yardsticks
  const text = `N = ${Math.round(unitOf(yardsticks))}/s: what one nginx worker serves of a 3.3 kB file over TLS (${both(before, after)})`
  const moved = Math.abs(before.rate - after.rate) / Math.max(before.rate, after.rate)
  if (moved <= STEADY) return text
  return `${text}\nThe yardstick moved by ${(moved * 100).toFixed(0)} %: something else used the machine, so run it again.`
}

/** Processor time has a column for each checkout. */
const cpuHeads = (names: readonly string[]): string[] => names.map((_, i) => (i === 0 ? 'CPU per' : 'other CPU'))

const microseconds = (value: number | undefined): string => (value === undefined ? '' : `${value.toFixed(value < 10 ? 1 : 0)} µs`)

function gain(own: number | undefined, other: number | undefined, rate: boolean): string {
  if (own === undefined || other === undefined) return ''
  const times = rate ? own / other : other / own
  return `${((times - 1) * 100).toFixed(0)} %`
}

function figure(value: number | undefined, unit: Case['unit']): string {
  if (value === undefined) return '-'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return unit === '/s' ? `${value.toFixed(digits)}/s` : `${value.toFixed(0)} ${unit}`
}

/** Two digits, without an exponent. */
const significant = (value: number): string => value.toFixed(value >= 1 ? 2 : 1 - Math.floor(Math.log10(Math.max(value, 1e-9))))

function aligned(table: readonly string[][]): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const last = widths.length - 1
  return table
    .map((row) =>
      row
        .map((text, column) => {
          const width = widths[column] ?? 0
          return column === 0 || column === last ? text.padEnd(width) : text.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
