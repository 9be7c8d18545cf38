import type { Call, Expr, Fold } from './ast.ts'
import { planCall } from './calls.ts'
import { EvaluationError, noSuchKey, noSuchOverload } from './errors.ts'
import { planFold } from './folds.ts'
import { charge, type Frame, type Step } from './frame.ts'
import { runtimeName, type Type } from './types.ts'
import { EntryMap, equal, Instance, isKey, MapValue, Optional, typeOf, type Value } from './values.ts'

const LIST_COST = 10
const MAP_COST = 30
const STRUCT_COST = 40

/** Turns a checked expression into functions, once, so that evaluating is but calling them. */
export class Planner {
  /** The variables from outside, in the order of their slots. */
  readonly globals: string[] = []
  readonly #named: (name: string) => Type | undefined
  readonly #variable: (name: string) => Type | undefined
  readonly #scopes: Map<string, number>[] = []
  #slots = 0
  readonly #globalSlots = new Map<string, number>()

  constructor(declarations: { named(name: string): Type | undefined; variable(name: string): Type | undefined }) {
    this.#named = (name) => declarations.named(name)
    this.#variable = (name) => declarations.variable(name)
  }

  get slots(): number {
    return this.#slots
  }

  plan(expr: Expr): Step {
    switch (expr.kind) {
      case 'const':
        return constant(expr.value)
      case 'ident':
        return this.#ident(expr.name)
      case 'select': {
        if (expr.variable !== undefined) return this.#ident(expr.variable)
        return planSelect(expr, this.plan(expr.operand))
      }
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'struct':
        return this.#struct(expr)
      case 'fold':
        return this.#fold(expr)
      case 'bind': {
        const value = this.plan(expr.value)
        const { slots, result } = this.#within([expr.variable], () => this.plan(expr.body))
        const slot = slots[0]!
        return (frame) => {
          frame.slots[slot] = value(frame)
          return result(frame)
        }
      }
      case 'optmap': {
        const target = this.plan(expr.target)
        const { slots, result } = this.#within([expr.variable], () => this.plan(expr.body))
        const slot = slots[0]!
        return (frame) => {
          const optional = target(frame)
          if (!(optional instanceof Optional)) throw noSuchOverload()
          charge(frame, 2)
          if (optional.value === undefined) return optional
          frame.slots[slot] = optional.value
          const value = result(frame)
          if (!expr.flat) return new Optional(value)
          if (!(value instanceof Optional)) throw noSuchOverload()
          return value
        }
      }
    }
  }

  #within(names: readonly string[], run: () => Step): { slots: number[]; result: Step } {
    const slots = names.map(() => this.#slots++)
    this.#scopes.push(new Map(names.map((name, i) => [name, slots[i]!])))
    const result = run()
    this.#scopes.pop()
    return { slots, result }
  }

  #ident(written: string): Step {
    const global = written.startsWith('.')
    const name = global ? written.slice(1) : written
    let slot: number | undefined
    for (let i = this.#scopes.length - 1; i >= 0 && !global && slot === undefined; i--) slot = this.#scopes[i]!.get(name)
    if (slot === undefined) {
      const type = this.#variable(name) ? undefined : this.#named(name)
      if (type) return constant(type)
      slot = this.#globalSlots.get(name)
      if (slot === undefined) {
        slot = this.#slots++
        this.#globalSlots.set(name, slot)
        this.globals[slot] = name
      }
    }
    const at = slot
    return (frame) => {
      charge(frame, 1)
      const value = frame.slots[at]
      if (value === undefined) throw new EvaluationError(`no such attribute(s): ${name}`)
      return value
    }
  }

  #call(expr: Call): Step {
    const args = (expr.target && expr.qualified === undefined ? [expr.target, ...expr.args] : expr.args).map((arg) =>
      this.plan(arg),
    )
    switch (expr.name) {
      case '_&&_':
        return logical(args[0]!, args[1]!, false)
      case '_||_':
        return logical(args[0]!, args[1]!, true)
      case '_?_:_': {
        const [condition, yes, no] = args as [Step, Step, Step]
        return (frame) => {
          const value = condition(frame)
          if (value === true) return yes(frame)
          if (value === false) return no(frame)
          throw noSuchOverload()
        }
      }
      case '_?._':
        return planOptionalSelect(args[0]!, (expr.args[1] as { value: string }).value)
      case '@in': {
        const [needle, list] = expr.args
        // A list of constants costs nothing to look into.
        if (list?.kind === 'list' && isConstant(list)) {
          const find = this.plan(needle!)
          const values = args[1]!(NO_FRAME) as readonly Value[]
          return (frame) => {
            const value = find(frame)
            return values.some((item) => equal(item, value))
          }
        }
      }
    }
    return planCall(expr, args)
  }

  #list({ elements, optional }: Extract<Expr, { kind: 'list' }>): Step {
    const steps = elements.map((element) => this.plan(element))
    if (optional.size === 0 && elements.every(isConstant)) return constant(steps.map((step) => step(NO_FRAME)))
    return (frame) => {
      const values: Value[] = []
      for (let i = 0; i < steps.length; i++) {
        const value = steps[i]!(frame)
        if (!optional.has(i)) values.push(value)
        else if (!(value instanceof Optional)) throw noSuchOverload()
        else if (value.value !== undefined) values.push(value.value)
      }
      charge(frame, LIST_COST)
      return values
    }
  }

  #map({ entries }: Extract<Expr, { kind: 'map' }>): Step {
    const steps = entries.map(({ key, value, optional }) => ({ key: this.plan(key), value: this.plan(value), optional }))
    const build = (frame: Frame): EntryMap => {
      const map = new EntryMap()
      for (const { key, value, optional } of steps) {
        const k = key(frame)
        const given = value(frame)
        const v = optional ? unwrap(given) : given
        if (v === undefined) continue
        if (!isKey(k)) throw new EvaluationError(`unsupported key type: ${runtimeName(typeOf(k))}`)
        if (!map.add(k, v)) throw new EvaluationError(`Failed with repeated key`)
      }
      return map
    }
    if (entries.every(({ key, value, optional }) => !optional && isConstant(key) && isConstant(value))) {
      // A repeated key is an error of the evaluation.
      let made: Value | undefined
      return () => (made ??= build(NO_FRAME))
    }
    return (frame) => {
      const map = build(frame)
      charge(frame, MAP_COST)
      return map
    }
  }

  #struct(expr: Extract<Expr, { kind: 'struct' }>): Step {
    const type = expr.type!
    const steps = expr.entries.map(({ field, value, optional }) => ({ field, value: this.plan(value), optional }))
    return (frame) => {
      const fields = new Map<string, Value>()
      for (const { field, value, optional } of steps) {
        const given = value(frame)
        const v = optional ? unwrap(given) : given
        if (v !== undefined) fields.set(field, v)
      }
      charge(frame, STRUCT_COST)
      return new Instance(type, fields)
    }
  }

  #fold(expr: Fold): Step {
    const range = this.plan(expr.range)
    let condition: Step | undefined
    const { slots, result } = this.#within(
      expr.variables.map(({ name }) => name),
      () => {
        condition = expr.condition && this.plan(expr.condition)
        return expr.transform ? this.plan(expr.transform) : constant(true)
      },
    )
    return planFold(expr, { range, slots, condition, transform: result })
  }
}

/** For what has no variables and costs nothing. */
const NO_FRAME: Frame = { slots: [], cost: 0, limit: Number.POSITIVE_INFINITY }

const constant = (value: Value): Step => {
  return () => value
}

function isConstant(expr: Expr): boolean {
  if (expr.kind === 'const') return true
  if (expr.kind === 'list') return expr.optional.size === 0 && expr.elements.every(isConstant)
  if (expr.kind === 'map')
    return expr.entries.every(({ key, value, optional }) => !optional && isConstant(key) && isConstant(value))
  return false
}

/** What an optional holds. @throws EvaluationError when it is none */
function unwrap(value: Value): Value | undefined {
  if (value instanceof Optional) return value.value
  throw noSuchOverload()
}

/** Names, and fields of names: the reference takes a chain of them as one. */
const isAttribute = (expr: Expr): boolean =>
  expr.kind === 'ident' || expr.kind === 'select' || (expr.kind === 'call' && (expr.name === '_[_]' || expr.name === '_?_:_'))

function planSelect(expr: Extract<Expr, { kind: 'select' }>, operand: Step): Step {
  const { field, test } = expr
  const cost = (isAttribute(expr.operand) ? 1 : 2) - (test ? 1 : 0)
  return (frame) => {
    const value = operand(frame)
    charge(frame, cost)
    if (test) return has(value, field)
    if (value instanceof MapValue) {
      const found = value.get(field)
      if (found !== undefined) return found
    } else if (value instanceof Optional) return optionalField(value, field)
    throw noSuchKey(field)
  }
}

function has(value: Value, field: string): boolean {
  if (value instanceof MapValue) return value.has(field)
  if (value instanceof Optional) return value.value !== undefined && has(value.value, field)
  throw noSuchKey(field)
}

function optionalField(optional: Optional, field: string): Optional {
  const inner = optional.value
  if (inner === undefined) return optional
  if (inner instanceof Optional) return optionalField(inner, field)
  return inner instanceof MapValue ? new Optional(inner.get(field)) : new Optional(undefined)
}

function planOptionalSelect(operand: Step, field: string): Step {
  return (frame) => {
    const value = operand(frame)
    charge(frame, 1)
    return optionalField(value instanceof Optional ? value : new Optional(value), field)
  }
}

/** `&&` and `||`: one side's answer can make up for the other's error. */
function logical(left: Step, right: Step, decisive: boolean): Step {
  return (frame) => {
    let failure: EvaluationError | undefined
    let value: Value
    try {
      value = left(frame)
      if (value === decisive) return decisive
      if (typeof value !== 'boolean') failure = noSuchOverload()
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      failure = error
    }
    if (!failure) {
      value = right(frame)
      if (typeof value !== 'boolean') throw noSuchOverload()
      return value
    }
    try {
      value = right(frame)
    } catch (error) {
      throw error instanceof EvaluationError ? failure : error
    }
    if (value === decisive) return decisive
    throw failure
  }
}
