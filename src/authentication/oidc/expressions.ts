import { CompileError, CostError, EvaluationError } from '../../cel/errors.ts'
import { fromJson } from '../../cel/json-values.ts'
import { kubernetes } from '../../cel/kubernetes.ts'
import type { Program, Variables } from '../../cel/program.ts'
import { BOOL, DYN, listType, mapType, objectType, STRING, sameType } from '../../cel/types.ts'
import type { Value } from '../../cel/values.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { UserInfo } from '../../machinery/user.ts'

/** An expression that must hold, and what is said when it doesn't. */
export interface Rule {
  readonly program: Program
  readonly message: string
}

/** What expressions say of a user, and of whom tokens are accepted. */
export interface ClaimExpressions {
  readonly username: Program | undefined
  readonly groups: Program | undefined
  readonly uid: Program | undefined
  readonly extra: readonly { readonly key: string; readonly program: Program }[]
  readonly claimRules: readonly Rule[]
  readonly userRules: readonly Rule[]
}

export const NO_EXPRESSIONS: ClaimExpressions = Object.freeze({
  username: undefined,
  groups: undefined,
  uid: undefined,
  extra: [],
  claimRules: [],
  userRules: [],
})

const CLAIMS = mapType(STRING, DYN)
const USER = objectType('kubernetes.UserInfo', {
  username: STRING,
  uid: STRING,
  groups: listType(STRING),
  extra: mapType(STRING, listType(STRING)),
})

const claimsEnvironment = kubernetes.extend({ variables: { claims: CLAIMS } })
const userEnvironment = kubernetes.extend({ variables: { user: USER } })

/**
 * Compiles an expression over `claims` or `user`.
 *
 * @param rule whether it must be a condition; what else there is can only be told once there are claims
 * @returns what is wrong with it, in the reference's words, if anything is
 */
export function compileExpression(expression: string, over: 'claims' | 'user', rule: boolean): Program | string {
  try {
    const program = (over === 'claims' ? claimsEnvironment : userEnvironment).compile(expression)
    return rule && !sameType(program.type, BOOL) ? 'must evaluate to bool' : program
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`
    throw error
  }
}

/** @throws Error in the reference's words when the expression has no value */
function evaluate(program: Program, variables: Variables): Value {
  try {
    return program.evaluate(variables).value
  } catch (error) {
    if (!(error instanceof EvaluationError || error instanceof CostError)) throw error
    throw new Error(`expression '${program.source}' resulted in error: ${error.message}`, { cause: error })
  }
}

/** Evaluates expressions over the claims of one token. */
export class Claims {
  readonly #variables: Variables

  constructor(claims: JsonObject) {
    this.#variables = { claims: fromJson(claims, CLAIMS) }
  }

  /** @throws Error when there is no text */
  text(program: Program, what: 'username' | 'uid'): string {
    return explained(`oidc: error evaluating ${what} claim expression`, () => {
      const value = evaluate(program, this.#variables)
      if (typeof value !== 'string') throw new Error(`${what} claim expression must return a string`)
      return value
    })
  }

  /** One text or several; those that are empty are left out. @throws Error when there is something else */
  texts(program: Program, context: string): readonly string[] {
    return explained(context, () => {
      const value = evaluate(program, this.#variables)
      const texts = value === null ? [] : Array.isArray(value) ? value : [value]
      if (!texts.every((text) => typeof text === 'string'))
        throw new Error('expression must return a string or a list of strings')
      return texts.filter((text) => text !== '')
    })
  }

  /** @throws Error for the first rule that doesn't hold */
  check(rules: readonly Rule[]): void {
    explained('oidc: error evaluating claim validation expression', () => check(rules, this.#variables))
  }
}

/** @throws Error for the first rule that doesn't hold */
export function checkUser(rules: readonly Rule[], { name, uid, groups, extra }: UserInfo): void {
  if (rules.length === 0) return
  const lists = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
  const user = fromJson({ username: name, uid, groups: [...groups], extra: lists }, USER)
  explained('oidc: error evaluating user info validation rule', () => check(rules, { user }))
}

function check(rules: readonly Rule[], variables: Variables): void {
  // All are evaluated before one is judged, as in the reference.
  const values = rules.map(({ program }) => evaluate(program, variables))
  for (const [i, { program, message }] of rules.entries()) {
    if (values[i] !== true) throw new Error(`validation expression '${program.source}' failed: ${message}`)
  }
}

function explained<T>(context: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new Error(`${context}: ${(error as Error).message}`, { cause: error })
  }
}
