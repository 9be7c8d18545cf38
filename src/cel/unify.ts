import { DYN, Type } from './types.ts'

/** What the type variables stand for, by their names. Never changed: a failed attempt leaves no trace. */
export type Bindings = ReadonlyMap<string, Type>

export const NO_BINDINGS: Bindings = new Map()

/**
 * Whether values of some types fit where others are wanted, and what the variables stand for then.
 *
 * @returns the bindings with those that were found, or undefined when they don't fit
 */
export function assignAll(bindings: Bindings, given: readonly Type[], wanted: readonly Type[]): Bindings | undefined {
  if (given.length !== wanted.length) return undefined
  const found = new Map(bindings)
  return given.every((type, i) => assignable(found, type, wanted[i]!)) ? found : undefined
}

export const assign = (bindings: Bindings, given: Type, wanted: Type): Bindings | undefined =>
  assignAll(bindings, [given], [wanted])

const anything = (type: Type): boolean => type.kind === 'dyn' || type.kind === 'error'

function assignable(found: Map<string, Type>, given: Type, wanted: Type): boolean {
  if (wanted.kind === 'param') {
    const { fits, bound } = bind(found, given, wanted)
    if (fits || bound) return fits
  }
  if (given.kind === 'param') return bind(found, wanted, given).fits
  if (anything(given) || anything(wanted)) return true
  if (given.kind === 'null') return nullable(wanted)
  if (wanted.kind === 'null') return nullable(given)
  if (given.kind !== wanted.kind) return false
  // Every type is a type, whatever it is of.
  if (given.kind === 'type') return true
  if (given.name !== wanted.name || given.params.length !== wanted.params.length) return false
  return given.params.every((param, i) => assignable(found, param, wanted.params[i]!))
}

const nullable = ({ kind }: Type): boolean =>
  kind === 'null' || kind === 'struct' || kind === 'opaque' || kind === 'timestamp' || kind === 'duration'

/** Lets a variable stand for a type. `bound`: it stood for something already. */
function bind(found: Map<string, Type>, type: Type, variable: Type): { fits: boolean; bound: boolean } {
  if (type.kind === 'param' && type.name === variable.name) return { fits: true, bound: true }
  const before = found.get(variable.name)
  if (before) {
    if (!assignable(found, type, before)) return { fits: false, bound: true }
    const general = moreGeneral(type, before)
    if (!occurs(found, variable, general)) found.set(variable.name, general)
    return { fits: true, bound: true }
  }
  if (occurs(found, variable, type)) return { fits: false, bound: false }
  found.set(variable.name, type)
  return { fits: true, bound: false }
}

function occurs(found: Bindings, variable: Type, within: Type): boolean {
  if (within.kind === 'param') {
    if (within.name === variable.name) return true
    const bound = found.get(within.name)
    return bound !== undefined && occurs(found, variable, bound)
  }
  return within.params.some((param) => occurs(found, variable, param))
}

/** The one of two types that holds the other's values too. */
export const moreGeneral = (a: Type, b: Type): Type => (asGeneral(a, b) ? a : b)

function asGeneral(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true
  if (b.kind === 'dyn' || b.kind === 'param') return false
  if (a.kind !== b.kind || a.name !== b.name || a.params.length !== b.params.length) return false
  return a.params.every((param, i) => asGeneral(param, b.params[i]!))
}

/** A type with what its variables stand for. @param dynamic variables that stand for nothing become dyn */
export function substitute(bindings: Bindings, type: Type, dynamic = false): Type {
  if (type.kind === 'param') {
    const bound = bindings.get(type.name)
    if (bound) return substitute(bindings, bound, dynamic)
    return dynamic ? DYN : type
  }
  if (type.params.length === 0) return type
  let same = true
  const params = type.params.map((param) => {
    const result = substitute(bindings, param, dynamic)
    same &&= result === param
    return result
  })
  return same ? type : new Type(type.kind, type.name, params, type.field, type.maxSize)
}
