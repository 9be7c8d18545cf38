import type { CoreV1PodTemplateSpec, MetaV1LabelSelector } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { type LabelSelectorObject, labelSelectorFromObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'

/** A controller's selector: given, not empty, and matching the pods that its template makes. */
export function selectorMatchesTemplate(spec: {
  selector?: MetaV1LabelSelector
  template?: CoreV1PodTemplateSpec
}): FieldError[] {
  const { selector, template } = spec
  if (!selector) return [required('spec.selector')]
  const errors = validateLabelSelector(selector as LabelSelectorObject, 'spec.selector')
  const isEmpty = !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length
  if (isEmpty) errors.push(invalid('spec.selector', selector, 'empty selector is invalid for deployment'))
  if (errors.length) return errors
  const labels = template?.metadata?.labels ?? {}
  if (labelSelectorFromObject(selector as LabelSelectorObject).matches(labels)) return []
  return [invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
}
