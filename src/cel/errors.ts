/** One thing wrong with an expression. */
export interface Issue {
  /** In code points from the start; negative for the expression as a whole. */
  readonly at: number
  readonly message: string
}

/** An expression that doesn't compile. Its message is what the reference prints: each issue with the line and a pointer. */
export class CompileError extends Error {
  override name = 'CompileError'
  readonly issues: readonly Issue[]

  constructor(source: string, issues: readonly Issue[]) {
    super(display(source, issues))
    this.issues = issues
  }
}

/** An expression that has no value, in the reference's words. */
export class EvaluationError extends Error {
  override name = 'EvaluationError'
}

/** An evaluation that was stopped because it cost too much: no `||` makes up for that. */
export class CostError extends Error {
  override name = 'CostError'

  constructor() {
    super('operation cancelled: actual cost limit exceeded')
  }
}

export const noSuchKey = (key: string): EvaluationError => new EvaluationError(`no such key: ${key}`)
export const noSuchOverload = (): EvaluationError => new EvaluationError('no such overload')
export const conversionError = (from: string, to: string): EvaluationError =>
  new EvaluationError(`type conversion error from '${from}' to '${to}'`)

function display(source: string, issues: readonly Issue[]): string {
  const characters = [...source]
  return issues
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, message }) => {
      if (at < 0) return `ERROR: <input>:-1:0: ${message}`
      // There is no line to show of nothing.
      if (characters.length === 0) return `ERROR: <input>:1:0: ${message}`
      let line = 1
      let start = 0
      for (let i = 0; i < at && i < characters.length; i++) {
        if (characters[i] !== '\n') continue
        line++
        start = i + 1
      }
      const newline = characters.indexOf('\n', start)
      const snippet = characters.slice(start, newline < 0 ? undefined : newline)
      const before = snippet.slice(0, at - start)
      while (before.length < at - start) before.push(' ')
      const dots = before.map((character) => (isWide(character) ? '\uff0e' : '.')).join('')
      const pointer = isWide(snippet[at - start] ?? '') ? '\uff3e' : '^'
      const text = snippet.join('').replaceAll('\t', ' ')
      return `ERROR: <input>:${line}:${at - start + 1}: ${message}\n | ${text}\n | ${dots}${pointer}`
    })
    .join('\n')
}

const isWide = (character: string): boolean => (character.codePointAt(0) ?? 0) >= 0x80
