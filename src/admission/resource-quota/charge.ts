import type { KubeObject } from '../../machinery/object.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import { refusal } from '../refusal.ts'
import { type Amounts, equals, increase, isZero, only, printed, sum } from './amounts.ts'
import type { Evaluator } from './evaluator.ts'
import type { Quota } from './quota.ts'

/** A request that takes from quotas. */
export interface Charge {
  readonly attributes: AdmissionAttributes
  readonly evaluator: Evaluator
  readonly object: KubeObject
  /** What the object was, on updates. */
  readonly before: KubeObject | undefined
  /** What the object takes. */
  readonly usage: Amounts
  /** What it takes more than before. */
  readonly increase: Amounts
}

export function chargeOf(attributes: AdmissionAttributes, evaluator: Evaluator): Charge {
  const object = attributes.object as KubeObject
  const before = attributes.operation === 'UPDATE' ? attributes.oldObject : undefined
  const usage = evaluator.usage(object)
  return { attributes, evaluator, object, before, usage, increase: before ? increase(usage, evaluator.usage(before)) : usage }
}

/**
 * The quotas after a request: the same list if it takes nothing from any.
 * @throws StatusError 403 if one of them doesn't have that much left, or can't tell
 */
export function charged(quotas: readonly Quota[], charge: Charge): readonly Quota[] {
  const { attributes, evaluator, object, usage } = charge
  const concerned = quotas.filter((quota) => concerns(quota, evaluator, object))
  if (!concerned.length) return quotas
  for (const quota of concerned) {
    const names = [...quota.hard.keys()].filter((name) => evaluator.counts(name))
    const missing = evaluator.missing?.(names, object)
    if (missing) throw refusal(attributes, `failed quota: ${quota.name}: ${missing}`)
    if (names.some((name) => !quota.used.has(name))) {
      const resources = names.sort().join(',')
      throw refusal(attributes, `status unknown for quota: ${quota.name}, resources: ${resources}`)
    }
  }
  const negative = [...usage].filter(([, { sign }]) => sign < 0).map(([name]) => name)
  if (negative.length) throw refusal(attributes, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  let isAnyChanged = false
  const after = quotas.map((quota) => {
    if (!concerned.includes(quota)) return quota
    const used = usedAfter(quota, charge)
    if (equals(used, quota.used)) return quota
    isAnyChanged = true
    return { ...quota, used }
  })
  return isAnyChanged ? after : quotas
}

function concerns({ hard, scopes }: Quota, evaluator: Evaluator, object: KubeObject): boolean {
  if (!scopes.every((selector) => evaluator.inScope?.(selector, object))) return false
  for (const name of hard.keys()) if (evaluator.counts(name)) return true
  return false
}

function usedAfter(quota: Quota, { attributes, evaluator, before, usage, increase: more }: Charge): Amounts {
  const { name, hard, used } = quota
  // A change may bring an object into a quota's scope.
  const taken = before && !concerns(quota, evaluator, before) ? usage : more
  if (isZero(taken)) return used
  const requested = only(taken, hard.keys())
  const after = sum(used, requested)
  const exceeded = [...requested.keys()].filter((resource) => after.get(resource)!.compare(hard.get(resource)!) > 0)
  if (!exceeded.length) return after
  const [asked, already, limit] = [requested, used, hard].map((amounts) => printed(only(amounts, exceeded)))
  throw refusal(attributes, `exceeded quota: ${name}, requested: ${asked}, used: ${already}, limited: ${limit}`)
}
