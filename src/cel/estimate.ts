import type { Call, Expr, Fold } from './ast.ts'
import { callEstimate } from './estimate-calls.ts'
import type { Program } from './program.ts'
import { add, type EntrySizes, type Estimate, fixed, type Range, times, UNKNOWN, union } from './ranges.ts'
import type { Type } from './types.ts'
import { characters } from './values.ts'

const LIST_COST = 10
const MAP_COST = 30
const STRUCT_COST = 40

interface Local {
  readonly path: readonly string[] | undefined
  readonly size: Range | undefined
  readonly entries: EntrySizes | undefined
}

/**
 * What an expression may cost at least and at most, by the sizes that a schema lets values have. A rule whose most is too much is
 * refused before it ever runs, so every figure is the reference's.
 *
 * @param root the type of `self`, with bounds
 * @param named whether what is selected from a map by a name is known to be no larger than its values may be
 */
export function estimateCost(program: Program, root: Type, named = false): Range {
  return new Estimator(root, named).estimate(program.expr).cost
}

class Estimator {
  readonly #root: Type
  readonly #named: boolean
  readonly #locals: Map<string, Local>[] = []

  constructor(root: Type, named: boolean) {
    this.#root = root
    this.#named = named
  }

  estimate(expr: Expr): Estimate {
    switch (expr.kind) {
      case 'const':
        return { expr, cost: fixed(0), size: fixed(sizeOfConstant(expr.value)) }
      case 'ident': {
        const local = this.#local(expr.name)
        const path = local ? local.path : [expr.name]
        return this.#sized({ expr, cost: fixed(1), path, entries: local?.entries }, local?.size)
      }
      case 'select': {
        if (expr.variable !== undefined) return this.#sized({ expr, cost: fixed(1), path: [expr.variable] })
        const operand = this.estimate(expr.operand)
        if (expr.test) return { expr, cost: operand.cost, size: fixed(1) }
        const { kind } = expr.operand.type!
        const own = kind === 'map' || kind === 'struct' || kind === 'param' ? 1 : 0
        const path = operand.path && [...operand.path, expr.field]
        return this.#sized({ expr, cost: add(operand.cost, fixed(own)), path })
      }
      case 'call':
        return this.#call(expr)
      case 'list': {
        const parts = expr.elements.map((part) => this.estimate(part))
        const value = parts.length ? parts.map(({ size }) => size ?? UNKNOWN).reduce(union) : fixed(0)
        const cost = add(fixed(LIST_COST), ...parts.map((part) => part.cost))
        return { expr, cost, size: fixed(parts.length), entries: { list: true, key: fixed(1), value } }
      }
      case 'map': {
        const keys = expr.entries.map(({ key }) => this.estimate(key))
        const values = expr.entries.map(({ value }) => this.estimate(value))
        const sizes = (parts: readonly Estimate[]): Range =>
          parts.length ? parts.map(({ size }) => size ?? UNKNOWN).reduce(union) : fixed(0)
        const cost = add(fixed(MAP_COST), ...[...keys, ...values].map((part) => part.cost))
        return { expr, cost, size: fixed(keys.length), entries: { list: false, key: sizes(keys), value: sizes(values) } }
      }
      case 'struct':
        return { expr, cost: add(fixed(STRUCT_COST), ...expr.entries.map(({ value }) => this.estimate(value).cost)) }
      case 'fold':
        return this.#fold(expr)
      case 'bind': {
        const value = this.estimate(expr.value)
        const local: Local = { path: value.path, size: value.size, entries: value.entries }
        const body = this.#within(new Map([[expr.variable, local]]), () => this.estimate(expr.body))
        // The reference ranges over an empty list for it.
        return { ...body, expr, cost: add(value.cost, body.cost, fixed(LIST_COST)) }
      }
      case 'optmap': {
        const target = this.estimate(expr.target)
        const local: Local = { path: target.path, size: undefined, entries: undefined }
        const body = this.#within(new Map([[expr.variable, local]]), () => this.estimate(expr.body))
        // Whether there is something, what it is, and the list that a binding ranges over.
        const some = add(target.cost, body.cost, fixed(LIST_COST + 2))
        return { expr, cost: add(target.cost, fixed(1), union(some, fixed(1))) }
      }
    }
  }

  #local(name: string): Local | undefined {
    for (let i = this.#locals.length - 1; i >= 0; i--) {
      const local = this.#locals[i]!.get(name)
      if (local) return local
    }
    return undefined
  }

  #within<T>(locals: Map<string, Local>, run: () => T): T {
    this.#locals.push(locals)
    const result = run()
    this.#locals.pop()
    return result
  }

  /** With a size: what the schema says of the path, then what the type says. */
  #sized(estimate: Omit<Estimate, 'size'>, otherwise?: Range): Estimate {
    const size = this.#sizeAt(estimate.path) ?? sizeOfType(estimate.expr.type) ?? otherwise
    return { ...estimate, size }
  }

  #sizeAt(path: readonly string[] | undefined): Range | undefined {
    if (!path?.length) return undefined
    let type: Type | undefined = this.#root
    // The first part is a variable, which can only be one of that type.
    for (const part of path.slice(1)) {
      if (part === '@items') type = type.kind === 'list' ? type.params[0] : undefined
      else if (part === '@values') type = type.kind === 'map' ? type.params[1] : undefined
      else if (part === '@keys') type = type.kind === 'map' ? type.params[0] : undefined
      else type = type.field?.(part)?.type ?? (this.#named && type.kind === 'map' ? type.params[1] : undefined)
      if (!type) return undefined
    }
    return { min: 0, max: type.maxSize ?? 0 }
  }

  #call(expr: Call): Estimate {
    const args = expr.args.map((arg) => this.estimate(arg))
    if (expr.name === 'dyn' && !expr.target) return { ...args[0]!, expr, cost: add(args[0]!.cost, fixed(1)) }
    const method = expr.target !== undefined && expr.qualified === undefined
    const target = method ? this.estimate(expr.target!) : undefined
    const elementSize = (list: Estimate): Range => this.#sizeAt(list.path && [...list.path, '@items']) ?? UNKNOWN
    const call = callEstimate({ expr, target, args, elementSize })
    const cost = target ? add(target.cost, call.cost) : call.cost
    const indexed = expr.name === '_[_]' ? args[0] : undefined
    const path = indexed?.path && [...indexed.path, indexed.expr.type?.kind === 'map' ? '@values' : '@items']
    if (indexed) return this.#sized({ expr, cost, path }, indexed.entries?.value)
    return { expr, cost, size: call.size ?? sizeOfType(expr.type), entries: call.entries }
  }

  #fold(expr: Fold): Estimate {
    const range = this.estimate(expr.range)
    const list = range.entries ? range.entries.list : expr.range.type?.kind === 'list'
    const local = (part: string, size: Range | undefined): Local => ({
      path: [...(range.path ?? []), part],
      size,
      entries: undefined,
    })
    const [first, second] = expr.variables
    const key = local(list ? '@indices' : '@keys', range.entries?.key)
    const value = local(list ? '@items' : '@values', range.entries?.value)
    const locals = new Map([[first!.name, second || !list ? key : value]])
    if (second) locals.set(second.name, value)
    const { condition, transform } = this.#within(locals, () => ({
      condition: expr.condition && this.estimate(expr.condition),
      transform: expr.transform && this.estimate(expr.transform),
    }))
    const loop = loopCosts(expr, condition?.cost, transform?.cost ?? fixed(0))
    const count = range.size ?? UNKNOWN
    const cost = add(range.cost, fixed(loop.around), times(count, loop.each))
    if (expr.operation === 'all' || expr.operation === 'exists' || expr.operation === 'exists_one')
      return { expr, cost, size: fixed(1) }
    const made = expr.operation === 'filter' ? (range.entries?.value ?? this.#sizeAt(value.path)) : transform?.size
    const entries = made && { list: expr.operation !== 'transformMap', key: fixed(1), value: { min: 0, max: made.max } }
    return { expr, cost, size: count, entries }
  }
}

/** What a macro costs around its loop and for each element, by what it expands to in the reference. */
function loopCosts({ operation }: Fold, condition: Range | undefined, transform: Range): { around: number; each: Range } {
  // A condition decides between a step and leaving everything as it was, which costs 1.
  const step = (cost: Range): Range => (condition ? add(condition, union(cost, fixed(1))) : cost)
  switch (operation) {
    case 'all':
      return { around: 1, each: { min: 3, max: add(fixed(3), condition!).max } }
    case 'exists':
      return { around: 1, each: { min: 4, max: add(fixed(4), condition!).max } }
    case 'exists_one':
      return { around: 2, each: step(fixed(2)) }
    case 'filter':
      return { around: LIST_COST + 1, each: step(fixed(LIST_COST + 3)) }
    case 'map':
      return { around: LIST_COST + 1, each: step(add(transform, fixed(LIST_COST + 2))) }
    case 'transformMap':
      return { around: MAP_COST + 1, each: step(add(transform, fixed(3))) }
    case 'transformMapEntry':
      return { around: MAP_COST + 1, each: step(add(transform, fixed(2))) }
  }
}

function sizeOfConstant(value: unknown): number {
  if (typeof value === 'string') return characters(value)
  return value instanceof Uint8Array ? value.length : 1
}

/** What takes no more room than one of its kind. */
function sizeOfType(type: Type | undefined): Range | undefined {
  switch (type?.kind) {
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'null':
    case 'timestamp':
    case 'duration':
    case 'type':
      return fixed(1)
  }
  return undefined
}
