import type { ApiextensionsV1ValidationRule } from '../generated/types.ts'
import { resolveFieldPath } from '../machinery/json-schema/field-path.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import { visit } from './ast.ts'
import type { Environment } from './environment.ts'
import { CompileError } from './errors.ts'
import { kubernetes } from './kubernetes.ts'
import type { Program } from './program.ts'
import { BOOL, optionalType, STRING, sameType, type Type } from './types.ts'

/** One of a schema's `x-kubernetes-validations`, ready to run as far as it compiles. */
export interface CompiledRule {
  /** Undefined when it doesn't compile, or there is nothing to compile. */
  readonly program: Program | undefined
  /** Why it doesn't. */
  readonly error: string | undefined
  /** Whether it compares a value with what it was. */
  readonly usesOldSelf: boolean
  /** The message's expression; undefined where there is none, or it doesn't compile. */
  readonly message: Program | undefined
  readonly messageError: string | undefined
}

const NO_RULE: CompiledRule = Object.freeze({
  program: undefined,
  error: undefined,
  usesOldSelf: false,
  message: undefined,
  messageError: undefined,
})

/** Compiles the rules of one schema. */
export class RuleCompiler {
  readonly #type: Type
  readonly #environments: { plain?: Environment; optional?: Environment } = {}

  /** @param type of the values that the schema describes */
  constructor(type: Type) {
    this.#type = type
  }

  /** Never throws for what is written in the rule: that is told in the result. */
  compile({ rule = '', messageExpression = '', optionalOldSelf }: ApiextensionsV1ValidationRule): CompiledRule {
    if (rule.trim() === '') return NO_RULE
    const environment = this.#environment(optionalOldSelf === true)
    const program = compiled(environment, rule)
    if (typeof program === 'string') return { ...NO_RULE, error: `compilation failed: ${program}` }
    if (!sameType(program.type, BOOL)) return { ...NO_RULE, error: 'cel expression must evaluate to a bool' }
    const own = { ...NO_RULE, program, usesOldSelf: uses(program, 'oldSelf') }
    if (!messageExpression) return own
    const message = compiled(environment, messageExpression)
    if (typeof message === 'string') return { ...own, messageError: `messageExpression compilation failed: ${message}` }
    if (!sameType(message.type, STRING)) return { ...own, messageError: 'messageExpression must evaluate to a string' }
    return { ...own, message }
  }

  #environment(optional: boolean): Environment {
    const type = this.#type
    if (!optional) return (this.#environments.plain ??= kubernetes.extend({ variables: { self: type, oldSelf: type } }))
    return (this.#environments.optional ??= kubernetes.extend({ variables: { self: type, oldSelf: optionalType(type) } }))
  }
}

/** @returns why it doesn't compile, if it doesn't */
function compiled(environment: Environment, text: string): Program | string {
  try {
    return environment.compile(text)
  } catch (error) {
    if (error instanceof CompileError) return error.message
    throw error
  }
}

function uses(program: Program, variable: string): boolean {
  let found = false
  visit(program.expr, (part) => {
    if (part.kind === 'ident' && (part.name === variable || part.name === `.${variable}`)) found = true
  })
  return found
}

/** Where in the value a rule's errors are told, such as `.spec.size`; empty for the value itself. */
export function errorPath({ fieldPath = '' }: ApiextensionsV1ValidationRule, schema: Schema): string {
  if (fieldPath === '') return ''
  const resolved = resolveFieldPath(fieldPath, schema)
  return typeof resolved === 'string' ? '' : resolved.text
}
