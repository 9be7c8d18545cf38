import type { CoreV1PodTemplateSpec, MetaV1LabelSelector, MetaV1LabelSelectorRequirement } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { type LabelSelector, type LabelSelectorObject, labelSelectorFromObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from '../core/pod-validation.ts'

export interface Controlled {
  selector?: MetaV1LabelSelector
  template?: CoreV1PodTemplateSpec
}

/** A controller's selector must be there and select something. `kind` is how the message calls the controller. */
export function validateSelector({ selector }: Controlled, kind: string): FieldError[] {
  if (!selector) return [required('spec.selector')]
  const errors = validateLabelSelector(selector as LabelSelectorObject, 'spec.selector')
  if (!Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length) {
    errors.push(invalid('spec.selector', withoutEmpties(selector), `empty selector is invalid for ${kind}`))
  }
  return errors
}

/**
 * The template of a controller that keeps its pods running, which its selector must match.
 * @param kind how messages call the controller
 */
export function validateRunningTemplate(spec: Controlled, kind: string, context: WriteContext): FieldError[] {
  const path = 'spec.template'
  const { template } = spec
  const selector = parsed(spec.selector)
  if (!selector) return [invalid('spec.selector', withoutEmpties(spec.selector), 'invalid label selector')]
  const errors: FieldError[] = []
  if (!selector.empty && !selector.matches(template?.metadata?.labels)) {
    errors.push(labelMismatch(template))
  }
  errors.push(...validateTemplate(template, path, context), ...alwaysRunning(template, kind))
  return errors
}

export const labelMismatch = (template: CoreV1PodTemplateSpec | undefined): FieldError =>
  invalid('spec.template.metadata.labels', template?.metadata?.labels, '`selector` does not match template `labels`')

/** Pods that are kept running restart always and have no deadline. */
export function alwaysRunning(template: CoreV1PodTemplateSpec | undefined, kind: string): FieldError[] {
  const path = 'spec.template.spec'
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {}
  const errors: FieldError[] = []
  if (restartPolicy !== 'Always') errors.push(notSupported(`${path}.restartPolicy`, restartPolicy, ['Always']))
  if (activeDeadlineSeconds !== undefined) {
    errors.push(forbiddenField(`${path}.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`))
  }
  return errors
}

export function parsed(selector: MetaV1LabelSelector | undefined): LabelSelector | undefined {
  try {
    return labelSelectorFromObject(selector as LabelSelectorObject | undefined)
  } catch {
    return undefined
  }
}

const withoutNoValues = ({ values, ...rest }: MetaV1LabelSelectorRequirement): MetaV1LabelSelectorRequirement =>
  values?.length ? { ...rest, values } : rest

/** A selector as messages print it: without members that are empty. */
export function withoutEmpties<T extends MetaV1LabelSelector | undefined>(selector: T): T {
  if (!selector) return selector
  const { matchLabels, matchExpressions } = selector
  return {
    ...(matchLabels && Object.keys(matchLabels).length ? { matchLabels } : {}),
    ...(matchExpressions?.length ? { matchExpressions: matchExpressions.map(withoutNoValues) } : {}),
  } as T
}
