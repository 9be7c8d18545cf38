import type {
  CertificatesV1CertificateSigningRequest,
  CertificatesV1CertificateSigningRequestCondition,
} from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { timestamp } from '../../registry/write-rules.ts'

export type Request = CertificatesV1CertificateSigningRequest
export type Condition = CertificatesV1CertificateSigningRequestCondition

/** These are only ever true, and never go away. */
export const FINAL_TYPES = ['Approved', 'Denied', 'Failed']

export const conditionsOf = (request: Request): readonly Condition[] => request.status?.conditions ?? []

const ofType = (request: Request, type: string): Condition[] =>
  conditionsOf(request).filter((condition) => condition.type === type)

/** Fills in the times that a writer left out; a transition that happened before keeps its time. */
export function completeConditionTimes(conditions: readonly Condition[], old: Request, now: number): Condition[] {
  return conditions.map((condition) => {
    const before = conditionsOf(old).find(
      (other) => other.type === condition.type && other.status === condition.status && other.lastTransitionTime,
    )
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? timestamp(now),
      lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? timestamp(now),
    }
  })
}

/** The old conditions of a type, unless their number changed (which validation refuses or allows). */
export function keepConditions(conditions: Condition[], old: Request, type: string): void {
  const kept = ofType(old, type)
  const given = conditions.flatMap((condition, i) => (condition.type === type ? [i] : []))
  if (kept.length !== given.length) return
  given.forEach((index, i) => {
    conditions[index] = kept[i] as Condition
  })
}

const TRUE = ['True']
const STATUSES = ['False', 'True', 'Unknown']

/** @param old what an existing object may keep doing wrong is measured by it */
export function validateConditions(request: Request, old?: Request): FieldError[] {
  const errors: FieldError[] = []
  const before = old ? conditionsOf(old) : []
  const mayContradict = ['Approved', 'Denied'].every((type) => before.some((condition) => condition.type === type))
  const mayRepeat = new Set(before.map((condition) => condition.type)).size < before.length
  const mayBeNameless = before.some((condition) => !condition.type)
  const seen = new Set<string>()
  for (const [i, { type = '', status = '' }] of conditionsOf(request).entries()) {
    const at = `status.conditions[${i}]`
    if (!type && !mayBeNameless) errors.push(required(`${at}.type`))
    const allowed = FINAL_TYPES.includes(type) ? TRUE : STATUSES
    if (!status) errors.push(required(`${at}.status`))
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed))
    const contrary = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined
    if (contrary && seen.has(contrary) && !mayContradict) {
      errors.push(invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive'))
    }
    if (seen.has(type) && !mayRepeat) errors.push(duplicate(`${at}.type`, type))
    seen.add(type)
  }
  return errors
}

/** @param addable whether approval and denial may be added by this kind of update */
export function validateConditionChanges(request: Request, old: Request, addable: boolean): FieldError[] {
  const errors: FieldError[] = []
  const fewer = (type: string): boolean => ofType(request, type).length < ofType(old, type).length
  const more = (type: string): boolean => ofType(request, type).length > ofType(old, type).length
  for (const type of FINAL_TYPES) {
    if (fewer(type)) errors.push(forbiddenField('status.conditions', `updates may not remove a condition of type "${type}"`))
  }
  for (const type of addable ? [] : ['Approved', 'Denied']) {
    if (more(type)) errors.push(forbiddenField('status.conditions', `updates may not add a condition of type "${type}"`))
  }
  return errors
}
