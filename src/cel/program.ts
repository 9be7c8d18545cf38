import { type Expr, visit } from './ast.ts'
import { CostError } from './errors.ts'
import type { Frame, Step } from './frame.ts'
import type { Type } from './types.ts'
import type { Value } from './values.ts'

/** What one expression may cost, and what all expressions of one policy may cost together. */
export const COST_PER_EXPRESSION = 1_000_000
export const COST_BUDGET = 10_000_000
/** For the match conditions of one webhook or policy together. */
export const COST_BUDGET_OF_CONDITIONS = COST_BUDGET / 4

interface Parts {
  readonly source: string
  readonly expr: Expr
  readonly type: Type
  readonly step: Step
  readonly globals: readonly (string | undefined)[]
  readonly slots: number
}

export interface Evaluation {
  readonly value: Value
  readonly cost: number
}

export interface Attempt {
  /** Undefined when there is an error. */
  readonly value: Value | undefined
  readonly cost: number
  readonly error: unknown
}

/** Variables by their names; undefined for one that there is none of. */
export type Variables = Readonly<Record<string, Value | undefined>>

/** An expression that is ready to run. Immutable: may run any number of times. */
export class Program {
  readonly source: string
  readonly expr: Expr
  /** Of what it evaluates to. */
  readonly type: Type
  readonly #step: Step
  readonly #globals: readonly (readonly [slot: number, name: string])[]
  readonly #slots: number

  constructor({ source, expr, type, step, globals, slots }: Parts) {
    this.source = source
    this.expr = expr
    this.type = type
    this.#step = step
    this.#globals = globals.flatMap((name, slot) => (name === undefined ? [] : [[slot, name] as const]))
    this.#slots = slots
  }

  /**
   * @param limit what it may cost
   * @throws EvaluationError when there is no value, CostError when it cost too much
   */
  evaluate(variables: Variables, limit: number = COST_PER_EXPRESSION): Evaluation {
    const { value, cost, error } = this.attempt(variables, limit)
    if (value === undefined) throw error
    return { value, cost }
  }

  /** The same for those who must know what it cost even when there is no value, but an error. Throws nothing. */
  attempt(variables: Variables, limit: number = COST_PER_EXPRESSION): Attempt {
    const slots = new Array<Value | undefined>(this.#slots).fill(undefined)
    for (const [slot, name] of this.#globals) slots[slot] = variables[name]
    const frame: Frame = { slots, cost: 0, limit }
    try {
      return { value: this.#step(frame), cost: frame.cost, error: undefined }
    } catch (error) {
      // Recursion too deep and texts too long can't all be told beforehand; to the caller they are what costs too much.
      return { value: undefined, cost: frame.cost, error: error instanceof RangeError ? new CostError() : error }
    }
  }

  /** Whether it uses `operand.field`, or `operand.?field`. Without an operand: of anything. */
  selects(field: string, operand?: string): boolean {
    let found = false
    visit(this.expr, (part) => {
      let of: Expr | undefined
      if (part.kind === 'select' && part.field === field) of = part.operand
      else if (part.kind === 'call' && part.name === '_?._') {
        const [target, name] = part.args
        if (name?.kind === 'const' && name.value === field) of = target
      }
      if (of && (operand === undefined || (of.kind === 'ident' && of.name === operand))) found = true
    })
    return found
  }
}
