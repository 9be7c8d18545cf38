import type { Call } from './ast.ts'
import { EvaluationError, noSuchOverload } from './errors.ts'
import { charge, type Step } from './frame.ts'
import type { Overload } from './functions.ts'
import { runtimeName, type Type } from './types.ts'
import { MapValue, typeOf, type Value } from './values.ts'

/** Plans a call: which of the ways to call the function it is may only show when there are values. */
export function planCall(expr: Call, args: readonly Step[]): Step {
  const overloads = (expr.overloads ?? []).map(guarded)
  const name = expr.qualified ?? expr.name
  if (overloads.length === 1) return direct(name, overloads[0]!, args)
  return (frame) => {
    const values = args.map((step) => step(frame))
    const overload = overloads.find(({ guards }) => guards.every((guard, i) => guard(values[i]!)))
    if (!overload) throw mismatch(name, values)
    const result = overload.implementation(...values)
    charge(frame, overload.cost ? overload.cost(values, result) : 1)
    return result
  }
}

type Guard = (value: Value) => boolean

/** With what tells whether values are of its parameters' types. What the checker found may still be something else, such as null. */
function guarded({ parameters, implementation, cost }: Overload) {
  return { guards: parameters.map(guardOf), implementation, cost }
}

function guardOf(type: Type): Guard {
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return () => true
    case 'bool':
      return (value) => typeof value === 'boolean'
    case 'int':
      return (value) => typeof value === 'bigint'
    case 'double':
      return (value) => typeof value === 'number'
    case 'string':
      return (value) => typeof value === 'string'
    case 'list':
      return Array.isArray
    case 'map':
      return (value) => value instanceof MapValue
  }
  const { kind, name } = type
  return (value) => {
    const given = typeOf(value)
    return given.kind === kind && given.name === name
  }
}

function mismatch(name: string, values: readonly Value[]): EvaluationError {
  if (/^[_@!-]/.test(name)) return noSuchOverload()
  return new EvaluationError(`no such overload: ${name}(${values.map((value) => runtimeName(typeOf(value))).join(', ')})`)
}

/** A call of the one overload that there can be; by number of arguments, since that is fastest. */
function direct(name: string, { guards, implementation, cost }: ReturnType<typeof guarded>, args: readonly Step[]): Step {
  const [first, second] = args
  const [firstFits, secondFits] = guards
  if (args.length === 1) {
    return (frame) => {
      const a = first!(frame)
      if (!firstFits!(a)) throw mismatch(name, [a])
      const result = implementation(a)
      charge(frame, cost ? cost([a], result) : 1)
      return result
    }
  }
  if (args.length === 2) {
    return (frame) => {
      const a = first!(frame)
      const b = second!(frame)
      if (!firstFits!(a) || !secondFits!(b)) throw mismatch(name, [a, b])
      const result = implementation(a, b)
      charge(frame, cost ? cost([a, b], result) : 1)
      return result
    }
  }
  return (frame) => {
    const values = args.map((step) => step(frame))
    if (!guards.every((guard, i) => guard(values[i]!))) throw mismatch(name, values)
    const result = implementation(...values)
    charge(frame, cost ? cost(values, result) : 1)
    return result
  }
}
