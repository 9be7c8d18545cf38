import type { CoreV1Pod, CoreV1PodTemplateSpec } from '../../generated/types.ts'
import { type FieldError, required } from '../../machinery/field-errors.ts'
import { validateAnnotations, validateLabels } from '../../machinery/label-validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

/** A new pod's rules. */
export function validatePod(pod: CoreV1Pod, context: WriteContext): FieldError[] {
  return validatePodSpec(pod.spec ?? {}, 'spec', context, { podName: pod.metadata?.name ?? '' })
}

/** The rules of a controller's template. */
export function validateTemplate(template: CoreV1PodTemplateSpec | undefined, path: string, context: WriteContext): FieldError[] {
  if (!template) return [required(path)]
  return [...validateTemplateMeta(template, path), ...validatePodSpec(template.spec ?? {}, `${path}.spec`, context)]
}

/** Labels and annotations of a template. */
export function validateTemplateMeta(template: CoreV1PodTemplateSpec | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${path}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${path}.annotations`),
  ]
}
