import type { PolicyV1PodDisruptionBudget } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { atMost100Percent, validateCountOrPercent } from '../apps/rolling-rules.ts'
import { notNegative } from '../core/rules.ts'

const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget']

export function validateBudget({ spec = {} }: PolicyV1PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = []
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    errors.push(...validateCountOrPercent(`spec.${field}`, spec[field]), ...atMost100Percent(`spec.${field}`, spec[field]))
  }
  errors.push(...validateLabelSelector(spec.selector as LabelSelectorObject | undefined, 'spec.selector'))
  const policy = spec.unhealthyPodEvictionPolicy
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy)) {
    errors.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, EVICTION_POLICIES))
  }
  return errors
}

const CONDITION_STATUSES = ['False', 'True', 'Unknown']
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const REASON_MESSAGE = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${REASON}')`
const reasonPattern = new RegExp(`^${REASON}$`)

export function validateBudgetStatus({ status = {} }: PolicyV1PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = []
  status.conditions?.forEach((condition, i) => {
    const path = `status.conditions[${i}]`
    if (!CONDITION_STATUSES.includes(condition.status ?? '')) {
      errors.push(notSupported(`${path}.status`, condition.status ?? '', CONDITION_STATUSES))
    }
    if (!condition.lastTransitionTime) errors.push(required(`${path}.lastTransitionTime`))
    if (!condition.reason) errors.push(required(`${path}.reason`))
    else if (!reasonPattern.test(condition.reason)) errors.push(invalid(`${path}.reason`, condition.reason, REASON_MESSAGE))
  })
  return [...errors, ...notNegative(status, 'status', ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'])]
}
