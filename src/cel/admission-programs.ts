import { admissionEnvironment, PolicyVariables } from './admission.ts'
import { CompileError, CostError, EvaluationError } from './errors.ts'
import { COST_PER_EXPRESSION, type Program, type Variables } from './program.ts'
import { DYN, type Type } from './types.ts'
import type { Value } from './values.ts'

export interface PolicyVariable {
  readonly name: string
  readonly expression: string
}

/** A policy's variables in order, each of which may use those before it. */
export interface CompiledVariables {
  readonly types: Readonly<Record<string, Type>>
  readonly programs: ReadonlyMap<string, Program>
}

/** Nothing is known of the types of those that don't compile. */
export function compileVariables(variables: readonly PolicyVariable[], { params }: { params: boolean }): CompiledVariables {
  const types: Record<string, Type> = {}
  const programs = new Map<string, Program>()
  for (const { name, expression } of variables) {
    try {
      const program = admissionEnvironment({ params, authorizer: true, variables: types }).compile(expression)
      programs.set(name, program)
      types[name] = program.type
    } catch (error) {
      if (!(error instanceof CompileError)) throw error
      types[name] = DYN
    }
  }
  return { types, programs }
}

/** An expression of a policy or webhook; one that doesn't compile (any more) fails where it would be evaluated. */
export interface Expression {
  /** As it was written. */
  readonly text: string
  readonly program: Program | CompileError
}

export type Result = { readonly value: Value } | { readonly error: string }

/** Nothing of a policy's expressions counts when all of them together cost too much. */
export class BudgetError extends Error {
  override name = 'BudgetError'

  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

/** A list of expressions that may use the policy's variables, and share what they may cost. */
export class Evaluation {
  readonly #variables: Variables
  readonly #composed: PolicyVariables
  #remaining: number

  constructor(programs: ReadonlyMap<string, Program>, variables: Variables, budget: number) {
    this.#composed = new PolicyVariables(programs, variables)
    this.#variables = { ...variables, variables: this.#composed }
    this.#remaining = budget
  }

  /** What is left to spend. */
  get remaining(): number {
    return this.#remaining
  }

  /** @throws BudgetError */
  evaluate({ text, program }: Expression): Result {
    if (program instanceof CompileError) return { error: `compilation error: ${program.message}` }
    const before = this.#composed.cost
    let result: Result
    let cost = 0
    try {
      const evaluated = program.evaluate(this.#variables)
      cost = evaluated.cost
      result = { value: evaluated.value }
    } catch (error) {
      if (error instanceof CostError) cost = COST_PER_EXPRESSION
      else if (!(error instanceof EvaluationError)) throw error
      result = { error: `expression '${text}' resulted in error: ${error.message}` }
    }
    this.#remaining -= cost + this.#composed.cost - before
    if (this.#remaining < 0) throw new BudgetError()
    return result
  }
}
