import { misplacedTypes } from '../../cel/admission.ts'
import { EvaluationError } from '../../cel/errors.ts'
import { toJson } from '../../cel/to-json.ts'
import { Instance, type Value } from '../../cel/values.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { JsonPatchError, runJsonPatch } from '../../machinery/json-patch.ts'
import type { Atom } from '../../machinery/managed-fields/atoms.ts'
import { checkApplied } from '../../machinery/managed-fields/check.ts'
import { TypingError } from '../../machinery/managed-fields/list-items.ts'
import { mergeApplied } from '../../machinery/managed-fields/merge.ts'
import { patchable } from '../patchable.ts'
import { atomicFields } from './atomic-fields.ts'

/** What a mutating policy wants can't be done to the object. */
export class MutationError extends Error {
  override name = 'MutationError'
}

/**
 * The object with what an expression's `Object{…}` names set in it, as server-side apply would merge it.
 *
 * @param made what the expression came to
 * @param object as the policy sees it; not changed, though the result shares parts with it
 * @param atom the object's type; undefined when nothing is known of it
 * @throws MutationError in the reference's words
 * @see KEP-3962
 */
export function applyConfigurationTo(made: Value, object: JsonObject, atom: Atom | undefined): JsonObject {
  checkTypes(made, 'Object')
  const config = { ...(json(made) as JsonObject), apiVersion: object.apiVersion, kind: object.kind }
  const failed = (message: string): MutationError => new MutationError(`error applying patch: ${message}`)
  if (!atom) {
    const name = String(object.apiVersion).includes('/') ? object.apiVersion : `/${object.apiVersion}`
    throw failed(`failed to convert patch object to typed object: no corresponding type for ${name}, Kind=${object.kind}`)
  }
  const typed = <T>(what: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw error instanceof TypingError ? failed(`${what}: ${error.message}`) : error
    }
  }
  typed('failed to convert patch object to typed object', () => checkApplied(config, atom))
  const atomic = atomicFields(config, atom)
  if (atomic.length)
    throw failed(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`)
  return typed('failed to merge patch', () => mergeApplied(object, config, atom) as JsonObject)
}

/**
 * The object after an expression's list of `JSONPatch{…}`.
 *
 * @param made what the expression came to
 * @returns the same object when a `test` of the patch failed, which means that the policy has nothing to do
 * @throws MutationError in the reference's words
 */
export function jsonPatchTo(made: Value, object: JsonObject): JsonObject {
  if (!Array.isArray(made)) throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array')
  const operations = (made as readonly Value[]).map(operationOf)
  try {
    return runJsonPatch(patchable(object, operations), operations) as JsonObject
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error
    if (error.testFailed) return object
    throw new MutationError(`JSON Patch: ${error.message}`)
  }
}

function operationOf(made: Value): JsonObject {
  if (!(made instanceof Instance))
    throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch')
  const text = (name: string): string => {
    const value = made.fields.get(name)
    return typeof value === 'string' ? value : ''
  }
  const operation: JsonObject = { op: text('op'), path: text('path') }
  if (text('from')) operation.from = text('from')
  const value = made.fields.get('value')
  if (value === undefined) return operation
  if (value instanceof Instance) checkTypes(value, value.type.name)
  return { ...operation, value: json(value, 'JSONPath valueExpression evaluated to a type that could not marshal to JSON: ') }
}

function checkTypes(made: Value, name: string): void {
  const misplaced = misplacedTypes(made, name)
  if (misplaced.length) throw new MutationError(`type mismatch: ${misplaced.join('\n')}`)
}

function json(value: Value, context = '') {
  try {
    return toJson(value)
  } catch (error) {
    throw error instanceof EvaluationError ? new MutationError(`${context}${error.message}`) : error
  }
}
