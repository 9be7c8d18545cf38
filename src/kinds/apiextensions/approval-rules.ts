import type { ApiextensionsV1CustomResourceDefinition } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'

const ANNOTATION = 'api-approved.kubernetes.io'
const FIELD = `metadata.annotations[${ANNOTATION}]`
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111'
const PROTECTED = /(?:^|\.)(?:k8s\.io|kubernetes\.io)$/

type Definition = ApiextensionsV1CustomResourceDefinition

/** Groups of the community's domains need an approval, or the word that there is none (KEP-1111). */
export function approvalErrors(object: Definition, old: Definition | undefined): FieldError[] {
  if (!PROTECTED.test(object.spec?.group ?? '')) return []
  const state = stateOf(object)
  if (old && stateOf(old) === state) return []
  const value = object.metadata?.annotations?.[ANNOTATION] ?? ''
  if (state === 'missing') {
    return [required(FIELD, `protected groups must have approval annotation ${JSON.stringify(ANNOTATION)}, ${SEE}`)]
  }
  if (state !== 'invalid') return []
  const detail = `protected groups must have approval annotation ${JSON.stringify(ANNOTATION)} with either a URL or a reason starting with "unapproved", ${SEE}`
  return [invalid(FIELD, value, detail)]
}

function stateOf({ metadata }: Definition): 'missing' | 'bypassed' | 'approved' | 'invalid' {
  const value = metadata?.annotations?.[ANNOTATION] ?? ''
  if (value === '') return 'missing'
  if (value.startsWith('unapproved')) return 'bypassed'
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]/.test(value) ? 'approved' : 'invalid'
}
