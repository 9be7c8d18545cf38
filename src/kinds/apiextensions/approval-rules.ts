import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import type { Condition, Definition } from './conditions.ts'

const ANNOTATION = 'api-approved.kubernetes.io'
const FIELD = `metadata.annotations[${ANNOTATION}]`
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111'
const PROTECTED = /(?:^|\.)(?:k8s\.io|kubernetes\.io)$/

/** Groups of the community's domains need an approval, or the word that there is none (KEP-1111). */
export function approvalErrors(object: Definition, old: Definition | undefined): FieldError[] {
  if (!PROTECTED.test(object.spec?.group ?? '')) return []
  const state = stateOf(object)
  if (old && stateOf(old) === state) return []
  const value = object.metadata?.annotations?.[ANNOTATION] ?? ''
  if (state === 'missing') return [required(FIELD, MISSING)]
  return state === 'invalid' ? [invalid(FIELD, value, INVALID)] : []
}

const MISSING = `protected groups must have approval annotation ${JSON.stringify(ANNOTATION)}, ${SEE}`
const INVALID = `protected groups must have approval annotation ${JSON.stringify(ANNOTATION)} with either a URL or a reason starting with "unapproved", ${SEE}`

/** What the status of a definition in such a group tells of that; undefined in other groups. */
export function approvalCondition(object: Definition): Condition | undefined {
  if (!PROTECTED.test(object.spec?.group ?? '')) return undefined
  const value = object.metadata?.annotations?.[ANNOTATION] ?? ''
  const [status, reason, message] = {
    missing: ['False', 'MissingAnnotation', MISSING],
    invalid: ['False', 'InvalidAnnotation', INVALID],
    bypassed: ['False', 'UnapprovedAnnotation', `not approved: ${JSON.stringify(value)}`],
    approved: ['True', 'ApprovedAnnotation', `approved in ${value}`],
  }[stateOf(object)] as [string, string, string]
  return { type: 'KubernetesAPIApprovalPolicyConformant', status, reason, message }
}

function stateOf({ metadata }: Definition): 'missing' | 'bypassed' | 'approved' | 'invalid' {
  const value = metadata?.annotations?.[ANNOTATION] ?? ''
  if (value === '') return 'missing'
  if (value.startsWith('unapproved')) return 'bypassed'
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]/.test(value) ? 'approved' : 'invalid'
}
