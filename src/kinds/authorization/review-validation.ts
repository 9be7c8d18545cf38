import type {
  AuthorizationV1FieldSelectorAttributes,
  AuthorizationV1LabelSelectorAttributes,
  AuthorizationV1NonResourceAttributes,
  AuthorizationV1ResourceAttributes,
  AuthorizationV1SubjectAccessReviewSpec,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, invalidObject, required } from '../../machinery/field-errors.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import { isQualifiedName, isValidLabelValue } from '../../machinery/validation.ts'

/** The attributes that a review asks about, one of both. */
export interface ReviewedAttributes {
  resourceAttributes?: AuthorizationV1ResourceAttributes
  nonResourceAttributes?: AuthorizationV1NonResourceAttributes
}

/**
 * Errors of a review name neither kind nor name.
 * @throws StatusError 422 when there are any
 */
export function refuseReview(errors: readonly FieldError[]): void {
  if (errors.length) throw invalidObject({ group: 'authorization.k8s.io', kind: '' }, '', errors)
}

/** Reviews are never stored, so that their metadata must say nothing (but the namespace of those that live in one). */
export function validateReviewMetadata(review: KubeObject, namespaced: boolean): FieldError[] {
  const { managedFields: _recorded, namespace, ...rest } = metaOf(review)
  const empty = !Object.values(rest).some((value) => value !== undefined && value !== null) && (namespaced || !namespace)
  return empty ? [] : [invalid('metadata', review.metadata, namespaced ? 'must be empty except for namespace' : 'must be empty')]
}

export function validateAttributes(spec: ReviewedAttributes): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec
  if (resourceAttributes && nonResourceAttributes) {
    const shown = goNonResourceAttributes(nonResourceAttributes)
    return [
      invalid('spec.nonResourceAttributes', shown, 'cannot be specified in combination with resourceAttributes'),
      ...validateSelectors(resourceAttributes),
    ]
  }
  if (resourceAttributes) return validateSelectors(resourceAttributes)
  if (nonResourceAttributes) return []
  return [
    invalid('spec.resourceAttributes', undefined, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
  ]
}

export function validateSubject(spec: AuthorizationV1SubjectAccessReviewSpec): FieldError[] {
  if (spec.user || spec.groups?.length) return []
  return [invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')]
}

/** As messages print it, in the field names of Go. */
export function goNonResourceAttributes(attributes: AuthorizationV1NonResourceAttributes): { Path: string; Verb: string } {
  return { Path: attributes.path ?? '', Verb: attributes.verb ?? '' }
}

function validateSelectors(attributes: AuthorizationV1ResourceAttributes): FieldError[] {
  const path = 'spec.resourceAttributes'
  return [
    ...validateSelector(`${path}.fieldSelector`, attributes.fieldSelector, FIELD_RULES),
    ...validateSelector(`${path}.labelSelector`, attributes.labelSelector, LABEL_RULES),
  ]
}

interface SelectorRules {
  key(field: string, key: string): FieldError[]
  value(field: string, value: string): FieldError[]
}

const FIELD_RULES: SelectorRules = {
  key: (field, key) => (key ? [] : [required(field, 'must be specified')]),
  value: () => [],
}

const LABEL_RULES: SelectorRules = {
  key: (field, key) => isQualifiedName(key).map((message) => invalid(field, key, message)),
  value: (field, value) => isValidLabelValue(value).map((message) => invalid(field, value, message)),
}

function validateSelector(
  path: string,
  selector: AuthorizationV1FieldSelectorAttributes | AuthorizationV1LabelSelectorAttributes | undefined,
  rules: SelectorRules,
): FieldError[] {
  if (!selector) return []
  const requirements = selector.requirements ?? []
  if (selector.rawSelector && requirements.length) {
    return [invalid(`${path}.rawSelector`, selector.rawSelector, 'may not specified at the same time as requirements')]
  }
  if (!selector.rawSelector && !requirements.length) {
    return [required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`)]
  }
  return requirements.flatMap((requirement, i) => {
    const at = `${path}.requirements[${i}]`
    const errors: FieldError[] = []
    const { key = '', operator = '', values } = requirement
    // An unknown operator makes the authorizers ignore the requirement, which the answer tells.
    if ((operator === 'In' || operator === 'NotIn') && !values?.length) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values?.length) {
      errors.push(forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    }
    errors.push(...rules.key(`${at}.key`, key))
    values?.forEach((value, j) => {
      errors.push(...rules.value(`${at}.values[${j}]`, value))
    })
    return errors
  })
}
