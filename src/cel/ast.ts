import type { Overload } from './functions.ts'
import type { Type } from './types.ts'
import type { Value } from './values.ts'

/** What every part of an expression has. */
interface Node {
  /** Offset of the character that errors point at, in code points. */
  readonly at: number
  /** Set by the checker. */
  type?: Type
}

export interface Const extends Node {
  readonly kind: 'const'
  readonly value: Value
}

export interface Ident extends Node {
  readonly kind: 'ident'
  readonly name: string
}

export interface Select extends Node {
  readonly kind: 'select'
  readonly operand: Expr
  readonly field: string
  /** `has(operand.field)` */
  readonly test: boolean
  /** Set by the checker when this is no field, but a variable whose name has dots. */
  variable?: string
}

export interface Call extends Node {
  readonly kind: 'call'
  /** Operators have the names that the reference gives them: `_+_`, `@in`, `_[_]`. */
  readonly name: string
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
  /** Set by the checker: what may be called, and whether the target was but a part of the name. */
  overloads?: readonly Overload[]
  qualified?: string
}

export interface List extends Node {
  readonly kind: 'list'
  readonly elements: readonly Expr[]
  /** Indices of the elements written `?x`. */
  readonly optional: ReadonlySet<number>
}

export interface MapEntry {
  readonly at: number
  readonly key: Expr
  readonly value: Expr
  readonly optional: boolean
}

export interface MapLiteral extends Node {
  readonly kind: 'map'
  readonly entries: readonly MapEntry[]
}

export interface StructEntry {
  readonly at: number
  readonly field: string
  readonly value: Expr
  readonly optional: boolean
}

export interface Struct extends Node {
  readonly kind: 'struct'
  readonly name: string
  readonly entries: readonly StructEntry[]
}

export type FoldOperation = 'all' | 'exists' | 'exists_one' | 'map' | 'filter' | 'transformMap' | 'transformMapEntry'

/** A macro over a list or a map. */
export interface Fold extends Node {
  readonly kind: 'fold'
  readonly operation: FoldOperation
  readonly range: Expr
  /** One: the element or key. Two: index or key, and the value. */
  readonly variables: readonly { readonly name: string; readonly at: number }[]
  /** What must hold; undefined for all. */
  readonly condition: Expr | undefined
  /** What results for each element; undefined when only the condition matters. */
  readonly transform: Expr | undefined
}

/** `target.optMap(name, body)` and `target.optFlatMap(name, body)`. */
export interface OptionalMap extends Node {
  readonly kind: 'optmap'
  readonly target: Expr
  readonly variable: string
  readonly body: Expr
  readonly flat: boolean
}

/** `cel.bind(name, value, body)` */
export interface Bind extends Node {
  readonly kind: 'bind'
  readonly variable: string
  readonly value: Expr
  readonly body: Expr
}

export type Expr = Const | Ident | Select | Call | List | MapLiteral | Struct | Fold | OptionalMap | Bind

/** Every part of an expression, each before its own parts. */
export function visit(expr: Expr, see: (expr: Expr) => void): void {
  see(expr)
  for (const part of partsOf(expr)) visit(part, see)
}

/** The parts of an expression, one level down. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'const':
    case 'ident':
      return []
    case 'select':
      return [expr.operand]
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args
    case 'list':
      return expr.elements
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return expr.entries.map(({ value }) => value)
    case 'fold':
      return [expr.range, expr.condition, expr.transform].filter((part) => part !== undefined)
    case 'optmap':
      return [expr.target, expr.body]
    case 'bind':
      return [expr.value, expr.body]
  }
}

/** `a.b.c` for a chain of selects that begins with a name; undefined for anything else. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name
  if (expr.kind !== 'select' || expr.test) return undefined
  const operand = qualifiedName(expr.operand)
  return operand === undefined ? undefined : `${operand}.${expr.field}`
}
