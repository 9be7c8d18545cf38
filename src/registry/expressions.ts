import type { FieldError } from '../machinery/field-errors.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'

/** Compiles CEL expressions in objects, so that kinds can refuse what doesn't compile or may cost too much. */
export interface ExpressionChecks {
  /**
   * The `x-kubernetes-validations` of a schema.
   * @param sites every schema with rules that is sound by itself, innermost first
   * @param path the root schema's
   * @param stored texts of rules and messages that are stored already, which may use what newer expressions may not, and which
   *   schemas are unchanged
   */
  schemaRules(sites: readonly RuleSite[], path: string, stored: StoredRules): FieldError[]
  /** An expression that selects devices (resource.k8s.io). `field` is its path. */
  deviceSelector(expression: string, field: string): FieldError[]
  /** One expression of a webhook or policy. `field` is its path. */
  expression(expression: string, field: string, scope: ExpressionScope): FieldError[]
}

/** A schema that has rules, and where it stands. */
export interface RuleSite {
  readonly schema: Schema
  readonly path: string
  /** The schemas around it, the root first. */
  readonly parents: readonly Schema[]
  /** The path of the list or map around it whose parts can't be told apart over time, so that rules can't see the old value. */
  readonly uncorrelatable: string | undefined
}

export interface StoredRules {
  readonly rules: ReadonlySet<string>
  readonly messageExpressions: ReadonlySet<string>
  /** The schema is as it was: its expressions may go on to cost what they do. */
  readonly unchanged: boolean
}

/** What an expression of a webhook or policy may use, and what it must come to. */
export interface ExpressionScope {
  readonly returns: 'bool' | 'string' | 'nullableString' | 'any' | 'applyConfiguration' | 'jsonPatch'
  readonly params: boolean
  readonly authorizer: boolean
  /** Variables by name with their expressions, each of which may use those before it; undefined where there are none. */
  readonly variables?: readonly { readonly name: string; readonly expression: string }[]
  /** Whether the same text is stored already. */
  readonly stored: boolean
}
