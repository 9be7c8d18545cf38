import type { CoreV1Pod, CoreV1PodTemplateSpec } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { validateAnnotations, validateLabels } from '../../machinery/label-validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

/** A new pod's rules. */
export function validatePod(pod: CoreV1Pod, context: WriteContext): FieldError[] {
  return [...validateMirror(pod), ...validatePodSpec(pod.spec ?? {}, 'spec', context, { podName: pod.metadata?.name ?? '' })]
}

const MIRROR = 'kubernetes.io/config.mirror'
const MIRROR_PATH = `metadata.annotations[${MIRROR}]`

/** A mirror stands for a pod that runs on its node already. */
export function validateMirror({ metadata, spec }: CoreV1Pod): FieldError[] {
  const value = metadata?.annotations?.[MIRROR]
  if (value === undefined || spec?.nodeName) return []
  return [invalid(MIRROR_PATH, value, 'must set spec.nodeName if mirror pod annotation is set')]
}

/** Neither does a pod become one, nor cease to be one. */
export function validateMirrorChange(pod: CoreV1Pod, old: CoreV1Pod): FieldError[] {
  const value = pod.metadata?.annotations?.[MIRROR]
  if (value === old.metadata?.annotations?.[MIRROR]) return []
  return [invalid(MIRROR_PATH, value ?? '', 'may not remove or update mirror pod annotation')]
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
