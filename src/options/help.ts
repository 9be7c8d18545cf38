import { quote } from '../machinery/field-errors.ts'
import type { Flag, FlagTable } from './flag.ts'

const preamble = `An API server for Kubernetes: it stores and checks the objects of a cluster (pods,
services, deployments and the others) and serves them over HTTPS to everything that
works with them.

Usage:
  kube-apiserver [flags]
`

/** Below this, wrapped text would be a column of single words. */
const narrowest = 24
/** Characters by which the last line of a text may be too long, if that saves a line. */
const slack = 5

/**
 * The text of `--help`: the groups, each with its flags sorted, in columns.
 * @param columns width of the terminal to wrap for; 0 for none, when each help text is one line
 */
export function formatHelp(groups: readonly (readonly [title: string, table: FlagTable])[], columns: number): string {
  const sections = groups.map(([title, table]) => `\n${title} flags:\n\n${formatTable(table, columns)}`)
  return `${preamble}${sections.join('')}`
}

function formatTable(table: FlagTable, columns: number): string {
  const rows = Object.entries(table)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => [formatName(name, flag), formatUsage(flag)] as const)
  // On a terminal all groups share one column for the names, as wide as leaves room for the texts.
  const shared = columns > narrowest ? '      --'.length + (columns - narrowest) + ' int'.length : 0
  const width = Math.max(shared, ...rows.map(([name]) => name.length)) + 3
  return rows.map(([name, usage]) => `${name.padEnd(width)}${wrap(usage, width, columns)}\n`).join('')
}

function formatName(name: string, { type, shorthand }: Flag<unknown>): string {
  const dashes = shorthand ? `  -${shorthand}, --` : '      --'
  const optional = type.noArgument !== undefined && type.label !== '' ? `[=${type.noArgument}]` : ''
  return `${dashes}${name}${type.label === '' ? '' : ` ${type.label}`}${optional}`
}

function formatUsage(flag: Flag<unknown>): string {
  const text = flag.type.format(flag.default)
  const shown = flag.type.label === 'string' ? quote(text) : text
  const byDefault = flag.type.zero.includes(text) ? '' : ` (default ${shown})`
  return `${flag.help}${byDefault}${flag.deprecated === undefined ? '' : ` (DEPRECATED: ${flag.deprecated})`}`
}

/** Breaks a text into lines, all but the first indented. */
function wrap(text: string, indent: number, columns: number): string {
  if (columns === 0) return text.replaceAll('\n', `\n${' '.repeat(indent)}`)
  const beside = columns - indent >= narrowest
  const left = beside ? indent : 16
  const width = columns - left - slack
  const lines = columns - left < narrowest ? text.split('\n') : text.split('\n').flatMap((line) => breakLine(line, width))
  return `${beside ? '' : `\n${' '.repeat(left)}`}${lines.join(`\n${' '.repeat(left)}`)}`
}

function breakLine(line: string, width: number): string[] {
  const lines: string[] = []
  let rest = line
  while (rest.length > width + slack) {
    const space = rest.lastIndexOf(' ', width - 1)
    if (space <= 0) break
    lines.push(rest.slice(0, space))
    rest = rest.slice(space + 1)
  }
  return [...lines, rest]
}
