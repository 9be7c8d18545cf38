import { RE2JS } from 're2js'
import { EvaluationError } from './errors.ts'

/** A compiled pattern in the syntax of RE2, which never takes more than linear time. */
export type Regex = Pick<RE2JS, 'test' | 'matcher'>

const MAX_KEPT = 256

/** Patterns by their text, the longest unused first: nearly all are literals of expressions, and compiling takes long. */
class Patterns {
  readonly #kept = new Map<string, RE2JS>()

  get(text: string): RE2JS {
    const known = this.#kept.get(text)
    if (known) return known
    const compiled = RE2JS.compile(text)
    this.#kept.set(text, compiled)
    if (this.#kept.size > MAX_KEPT) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest)
        break
      }
    }
    return compiled
  }
}

const patterns = new Patterns()

/** @throws EvaluationError in the reference's words when it is no pattern */
export function regex(text: string): Regex {
  try {
    return patterns.get(text)
  } catch (error) {
    throw new EvaluationError((error as Error).message)
  }
}
