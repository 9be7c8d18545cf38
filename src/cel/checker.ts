import { type Call, type Expr, type Fold, qualifiedName, type Select } from './ast.ts'
import type { Issue } from './errors.ts'
import type { Overload } from './functions.ts'
import {
  BOOL,
  DYN,
  ERROR,
  type Field,
  INT,
  listType,
  mapType,
  optionalType,
  STRING,
  sameType,
  type Type,
  typeParam,
  typeType,
} from './types.ts'
import { assign, assignAll, type Bindings, moreGeneral, NO_BINDINGS, substitute } from './unify.ts'
import { typeOf } from './values.ts'

/** What names mean where an expression is checked. */
export interface Declarations {
  variable(name: string): Type | undefined
  overloads(name: string): readonly Overload[] | undefined
  /** A type by the name under which an expression may build it or speak of it. */
  named(name: string): Type | undefined
}

/** Finds the type of every part of an expression, and which functions it calls. */
export class Checker {
  readonly issues: Issue[] = []
  readonly #declarations: Declarations
  readonly #scopes: Map<string, Type>[] = []
  #bindings: Bindings = NO_BINDINGS
  #fresh = 0

  constructor(declarations: Declarations) {
    this.#declarations = declarations
  }

  /** @returns the type of the whole, with nothing left open */
  check(expr: Expr): Type {
    this.#visit(expr)
    return substitute(this.#bindings, expr.type!, true)
  }

  /** What a type turned out to be once everything was checked. */
  settled(type: Type): Type {
    return substitute(this.#bindings, type, true)
  }

  #report(at: number, message: string): void {
    this.issues.push({ at, message })
  }

  #visit(expr: Expr): Type {
    const type = this.#typeOf(expr)
    expr.type = type
    return type
  }

  #typeOf(expr: Expr): Type {
    switch (expr.kind) {
      case 'const':
        return typeOf(expr.value)
      case 'ident': {
        const type = this.#variable(expr.name)
        if (type) return type
        this.#undeclared(expr.at, expr.name)
        return ERROR
      }
      case 'select':
        return this.#select(expr)
      case 'call':
        return this.#call(expr)
      case 'list': {
        let element: Type | undefined
        expr.elements.forEach((part, i) => {
          element = this.#join(element, this.#unwrapped(part, expr.optional.has(i)))
        })
        return listType(element ?? this.#newVariable())
      }
      case 'map': {
        let key: Type | undefined
        let value: Type | undefined
        for (const entry of expr.entries) {
          key = this.#join(key, this.#visit(entry.key))
          value = this.#join(value, this.#unwrapped(entry.value, entry.optional))
        }
        return mapType(key ?? this.#newVariable(), value ?? this.#newVariable())
      }
      case 'struct':
        return this.#struct(expr)
      case 'fold':
        return this.#fold(expr)
      case 'optmap': {
        const target = this.#resolved(this.#visit(expr.target))
        const inner = target.name === 'optional_type' ? target.params[0]! : DYN
        if (inner === DYN && target.kind !== 'dyn' && target.kind !== 'error' && target.name !== 'optional_type')
          this.#report(expr.at, `found no matching overload for 'hasValue' applied to '${target}.()'`)
        const body = this.#within(new Map([[expr.variable, inner]]), () => this.#visit(expr.body))
        return expr.flat ? body : optionalType(body)
      }
      case 'bind':
        return this.#within(new Map([[expr.variable, this.#visit(expr.value)]]), () => this.#visit(expr.body))
    }
  }

  #undeclared(at: number, name: string): void {
    this.#report(at, `undeclared reference to '${name}' (in container '')`)
  }

  #variable(name: string): Type | undefined {
    if (!name.startsWith('.')) {
      for (let i = this.#scopes.length - 1; i >= 0; i--) {
        const type = this.#scopes[i]!.get(name)
        if (type) return type
      }
    }
    const global = name.startsWith('.') ? name.slice(1) : name
    const declared = this.#declarations.variable(global)
    if (declared) return declared
    const named = this.#declarations.named(global)
    return named && typeType(named)
  }

  #within<T>(scope: Map<string, Type>, run: () => T): T {
    this.#scopes.push(scope)
    try {
      return run()
    } finally {
      this.#scopes.pop()
    }
  }

  #select(expr: Select): Type {
    const name = qualifiedName({ ...expr, test: false })
    if (name !== undefined && this.#variable(name)) {
      expr.variable = name
      return this.#variable(name)!
    }
    const target = this.#resolved(this.#visit(expr.operand))
    const optional = target.name === 'optional_type'
    const type = this.#fieldType(expr.at, optional ? this.#resolved(target.params[0]!) : target, expr.field)
    if (expr.test) return BOOL
    return optional ? optionalType(type) : type
  }

  #fieldType(at: number, target: Type, field: string): Type {
    switch (target.kind) {
      case 'error':
      case 'dyn':
        return DYN
      case 'param':
        this.#bindings = assign(this.#bindings, target, DYN) ?? this.#bindings
        return DYN
      case 'map':
        return this.#resolved(target.params[1]!)
      case 'struct':
        return this.#structField(at, target, field)?.type ?? ERROR
      case 'opaque':
        // The reference takes them for objects whose fields it can't find.
        this.#report(at, `unexpected failed resolution of '${target.name}'`)
        return ERROR
    }
    this.#report(at, `type '${target}' does not support field selection`)
    return ERROR
  }

  #structField(at: number, struct: Type, name: string): Field | undefined {
    const field = struct.field?.(name)
    if (!field) this.#report(at, `undefined field '${name}'`)
    return field
  }

  #call(expr: Call): Type {
    if (expr.name === '_?._') return this.#optionalSelect(expr)
    for (const arg of expr.args) this.#visit(arg)
    if (!expr.target) {
      const overloads = this.#declarations.overloads(expr.name.replace(/^\./, ''))
      if (!overloads) {
        this.#undeclared(expr.at, expr.name)
        return ERROR
      }
      return this.#resolve(expr, overloads, expr.name, expr.args, false)
    }
    const qualifier = qualifiedName(expr.target)
    if (qualifier !== undefined) {
      const name = `${qualifier}.${expr.name}`
      const overloads = this.#declarations.overloads(name)
      if (overloads) {
        expr.qualified = name
        return this.#resolve(expr, overloads, name, expr.args, false)
      }
    }
    this.#visit(expr.target)
    const overloads = this.#declarations.overloads(expr.name)
    if (!overloads) {
      this.#undeclared(expr.at, expr.name)
      return ERROR
    }
    return this.#resolve(expr, overloads, expr.name, [expr.target, ...expr.args], true)
  }

  #optionalSelect(expr: Call): Type {
    const [operand, field] = expr.args
    field!.type = STRING
    const target = this.#resolved(this.#visit(operand!))
    const inner = target.name === 'optional_type' ? this.#resolved(target.params[0]!) : target
    return optionalType(this.#fieldType(expr.at, inner, (field as { value: string }).value))
  }

  #resolve(expr: Call, overloads: readonly Overload[], name: string, args: readonly Expr[], method: boolean): Type {
    const given = args.map((arg) => arg.type!)
    const matching: Overload[] = []
    let result: Type | undefined
    for (const overload of overloads) {
      if (overload.method !== method) continue
      let { parameters, result: type } = overload
      if (overload.generic) {
        const fresh = new Map<string, Type>()
        const renew = (from: Type): Type => renamed(from, (param) => getOrSet(fresh, param, () => this.#newVariable()))
        parameters = parameters.map(renew)
        type = renew(type)
      }
      const bindings = assignAll(this.#bindings, given, parameters)
      if (!bindings) continue
      this.#bindings = bindings
      matching.push(overload)
      const found = substitute(bindings, type)
      if (!result) result = found
      else if (!sameType(result, found)) result = DYN
    }
    if (!result) {
      const types = given.map((type) => substitute(this.#bindings, type, true))
      const list = method ? `${types[0]}.(${types.slice(1).join(', ')})` : `(${types.join(', ')})`
      this.#report(expr.at, `found no matching overload for '${name}' applied to '${list}'`)
      return ERROR
    }
    expr.overloads = matching
    return result
  }

  #struct(expr: Extract<Expr, { kind: 'struct' }>): Type {
    const type = this.#declarations.named(expr.name.replace(/^\./, ''))
    if (!type) {
      this.#undeclared(expr.at, expr.name)
      for (const { value } of expr.entries) this.#visit(value)
      return ERROR
    }
    if (type.kind !== 'struct') {
      this.#report(expr.at, `'${expr.name}' is not a message type`)
      return ERROR
    }
    for (const { at, field, value, optional } of expr.entries) {
      const given = this.#unwrapped(value, optional)
      const wanted = type.field?.(field)
      if (!wanted) {
        // The reference knows no type for such a field, and prints none.
        this.#report(at, `expected type of field '${field}' is '' but provided type is '${given}'`)
        continue
      }
      if (!this.#assign(wanted.type, given))
        this.#report(at, `expected type of field '${field}' is '${wanted.type}' but provided type is '${this.settled(given)}'`)
    }
    return type
  }

  #fold(expr: Fold): Type {
    const range = this.#resolved(this.#visit(expr.range))
    const scope = new Map<string, Type>()
    const [first, second] = expr.variables
    switch (range.kind) {
      case 'list': {
        const element = this.#resolved(range.params[0]!)
        scope.set(first!.name, second ? INT : element)
        if (second) scope.set(second.name, element)
        break
      }
      case 'map':
        scope.set(first!.name, this.#resolved(range.params[0]!))
        if (second) scope.set(second.name, this.#resolved(range.params[1]!))
        break
      case 'param':
        this.#bindings = assign(this.#bindings, range, DYN) ?? this.#bindings
        for (const { name } of expr.variables) scope.set(name, DYN)
        break
      default:
        for (const { name } of expr.variables) scope.set(name, range.kind === 'dyn' || range.kind === 'error' ? DYN : ERROR)
        if (range.kind !== 'dyn' && range.kind !== 'error')
          this.#report(
            expr.range.at,
            `expression of type '${range}' cannot be range of a comprehension (must be list, map, or dynamic)`,
          )
    }
    return this.#within(scope, () => {
      if (expr.condition) this.#boolean(expr, expr.condition)
      switch (expr.operation) {
        case 'filter':
          return listType(scope.get(first!.name)!)
        case 'map':
          return listType(this.#visit(expr.transform!))
        case 'transformMap': {
          const value = this.#visit(expr.transform!)
          return mapType(scope.get(first!.name)!, value)
        }
        case 'transformMapEntry': {
          const entry = this.#resolved(this.#visit(expr.transform!))
          if (entry.kind === 'map') return entry
          if (entry.kind !== 'dyn' && entry.kind !== 'error')
            this.#report(expr.at, `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${entry})'`)
          return mapType(DYN, DYN)
        }
      }
      return BOOL
    })
  }

  /** Conditions are operands of what the macro expands to in the reference, whose messages speak of that. */
  #boolean(expr: Fold, condition: Expr): void {
    const type = this.#visit(condition)
    if (this.#assign(BOOL, type)) return
    const given = this.settled(type)
    const message =
      expr.operation === 'all' || expr.operation === 'exists'
        ? `found no matching overload for '${expr.operation === 'all' ? '_&&_' : '_||_'}' applied to '(bool, ${given})'`
        : `found no matching overload for '_?_:_' applied to '(${given}, ${
            expr.operation === 'exists_one' ? 'int, int' : 'list(dyn), list(dyn)'
          })'`
    this.#report(expr.at, message)
  }

  /** The type of an element; an optional one's is what it may hold. */
  #unwrapped(expr: Expr, optional: boolean): Type {
    const type = this.#visit(expr)
    if (!optional) return type
    const resolved = this.#resolved(type)
    if (resolved.name === 'optional_type') return resolved.params[0]!
    if (resolved.kind !== 'dyn' && resolved.kind !== 'error')
      this.#report(expr.at, `expected type '${optionalType(resolved)}' but found '${resolved}'`)
    return DYN
  }

  /** The type of both; `dyn` when they have nothing in common, which only the check of literals minds. */
  #join(before: Type | undefined, type: Type): Type {
    if (!before) return type
    return this.#assign(before, type) ? moreGeneral(before, type) : DYN
  }

  #assign(wanted: Type, given: Type): boolean {
    const bindings = assign(this.#bindings, wanted, given)
    if (bindings) this.#bindings = bindings
    return bindings !== undefined
  }

  #resolved(type: Type): Type {
    return substitute(this.#bindings, type)
  }

  #newVariable(): Type {
    return typeParam(`_var${this.#fresh++}`)
  }
}

function renamed(type: Type, rename: (name: string) => Type): Type {
  if (type.kind === 'param') return rename(type.name)
  if (!type.params.length) return type
  return new (type.constructor as typeof import('./types.ts').Type)(
    type.kind,
    type.name,
    type.params.map((param) => renamed(param, rename)),
    type.field,
    type.maxSize,
  )
}

function getOrSet<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
