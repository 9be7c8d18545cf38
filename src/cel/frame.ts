import { CostError } from './errors.ts'
import type { Value } from './values.ts'

/** What one evaluation carries along. */
export interface Frame {
  /** Variables by the numbers that the plan gave them. */
  readonly slots: (Value | undefined)[]
  cost: number
  readonly limit: number
}

/** Evaluates one part of an expression. Throws EvaluationError or CostError. */
export type Step = (frame: Frame) => Value

/** Adds to an evaluation's cost. @throws CostError when it is too much */
export function charge(frame: Frame, cost: number): void {
  frame.cost += cost
  if (frame.cost > frame.limit) throw new CostError()
}
