import { matchesRegex } from '../costs.ts'
import { EvaluationError } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { type Regex, regex } from '../regex.ts'

function compiled(pattern: string): Regex {
  try {
    return regex(pattern)
  } catch (error) {
    throw new EvaluationError(`Illegal regex: ${(error as Error).message}`)
  }
}

function find(text: string, pattern: string): string {
  const matcher = compiled(pattern).matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}

/** @param limit of matches; negative for none */
function findAll(text: string, pattern: string, limit = -1n): string[] {
  const matcher = compiled(pattern).matcher(text)
  const found: string[] = []
  let last = -1
  while ((limit < 0n || BigInt(found.length) < limit) && matcher.find()) {
    // Nothing right behind a match is none, as in Go.
    if (matcher.start() === matcher.end() && matcher.start() === last) continue
    last = matcher.end()
    found.push(matcher.group() ?? '')
  }
  return found
}

/** What patterns find in texts. */
export const regularExpressions: readonly Overload[] = [
  declare('string::find(string): string', find, { cost: matchesRegex }),
  declare('string::findAll(string): list(string)', (text: string, pattern: string) => findAll(text, pattern), {
    cost: matchesRegex,
  }),
  declare('string::findAll(string, int): list(string)', findAll, { cost: matchesRegex }),
]
