import { parseType, splitTypes, type Type } from './types.ts'
import type { Value } from './values.ts'

export type Implementation = (...args: Value[]) => Value

/** What a call costs, by its arguments (a method's object comes first) and its result. */
export type CallCost = (args: readonly Value[], result: Value) => number

/** One way to call a function. */
export interface Overload {
  readonly name: string
  /** Called on a value: `value.name(…)`. */
  readonly method: boolean
  /** A method's object comes first. */
  readonly parameters: readonly Type[]
  readonly result: Type
  /** Has type variables, which every call binds anew. */
  readonly generic: boolean
  readonly implementation: Implementation
  /** Undefined: 1. */
  readonly cost: CallCost | undefined
}

export interface OverloadOptions {
  readonly cost?: CallCost
}

/**
 * Declares one way to call a function.
 *
 * @param signature such as `string.split(string, int): list(string)`, `lists.range(int): list(int)` or `size(map(A, B)): int`; what
 *   stands before the last dot is a type for `::` in its place: `string::split(string, int)` is a method
 * @param implementation gets what the parameters say
 * @throws Error when the signature can't be read
 */
export function declare<Args extends readonly (Value | undefined)[]>(
  signature: string,
  implementation: (...args: Args) => Value,
  options: OverloadOptions = {},
): Overload {
  const match = /^(?:(.+)::)?([^()]+|_\[\??_\])\((.*)\): ([^:]+)$/.exec(signature)
  if (!match) throw new Error(`no signature: ${signature}`)
  const [, target, name, parameters, result] = match
  const types = [...(target ? [target] : []), ...splitTypes(parameters!)].map(parseType)
  return {
    name: name!,
    method: target !== undefined,
    parameters: types,
    result: parseType(result!),
    generic: types.some(hasVariables),
    implementation: implementation as unknown as Implementation,
    cost: options.cost,
  }
}

const hasVariables = (type: Type): boolean => type.kind === 'param' || type.params.some(hasVariables)
