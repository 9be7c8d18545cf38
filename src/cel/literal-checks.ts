import { parseDuration } from '../machinery/duration.ts'
import { type Call, type Expr, partsOf } from './ast.ts'
import type { Issue } from './errors.ts'
import { formatProblem } from './library/format-string.ts'
import { regex } from './regex.ts'
import { parseTimestamp } from './times.ts'
import { sameType, type Type } from './types.ts'

/** What the reference refuses in a checked expression because of its literals. */
export function literalIssues(expr: Expr): Issue[] {
  const issues: Issue[] = []
  look(expr, false, issues)
  return issues
}

/** @param formatting inside a call of `format`, where lists may hold anything */
function look(expr: Expr, formatting: boolean, issues: Issue[]): void {
  if (expr.kind === 'call') issues.push(...callIssues(expr))
  else if (!formatting && expr.kind === 'list') {
    mixed(
      expr.elements.map((part, i) => [part, held(part, expr.optional.has(i))]),
      issues,
    )
  } else if (!formatting && expr.kind === 'map') {
    mixed(
      expr.entries.map(({ key }) => [key, key.type!]),
      issues,
    )
    mixed(
      expr.entries.map(({ value, optional }) => [value, held(value, optional)]),
      issues,
    )
  }
  const format = formatting || (expr.kind === 'call' && expr.name === 'format')
  for (const part of partsOf(expr)) look(part, format, issues)
}

const held = (expr: Expr, optional: boolean): Type => (optional ? (expr.type!.params[0] ?? expr.type!) : expr.type!)

/** Reports the first that is of another type than the first of all. */
function mixed(parts: readonly (readonly [expr: Expr, type: Type])[], issues: Issue[]): void {
  const first = parts[0]?.[1]
  const other = parts.find(([, type]) => !sameType(type, first!))
  if (other) issues.push({ at: other[0].at, message: `expected type '${first}' but found '${other[1]}'` })
}

/** Literal arguments that could never work. */
const ARGUMENTS: Readonly<Record<string, (text: string) => boolean>> = {
  matches: (text) => succeeds(() => regex(text)),
  timestamp: (text) => parseTimestamp(text) !== undefined,
  duration: (text) => succeeds(() => parseDuration(text)),
}

function succeeds(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch {
    return false
  }
}

function callIssues(call: Call): Issue[] {
  const arg = call.args.at(-1)
  const check = Object.hasOwn(ARGUMENTS, call.name) ? ARGUMENTS[call.name] : undefined
  if (check && arg?.kind === 'const' && typeof arg.value === 'string' && !check(arg.value))
    return [{ at: arg.at, message: `invalid ${call.name} argument` }]
  const { target } = call
  if (call.name !== 'format' || target?.kind !== 'const' || typeof target.value !== 'string' || arg?.kind !== 'list') return []
  const problem = formatProblem(
    target.value,
    arg.elements.map((element) => element.type!),
  )
  if (!problem) return []
  return [{ at: problem.argument === undefined ? call.at : arg.elements[problem.argument]!.at, message: problem.message }]
}
