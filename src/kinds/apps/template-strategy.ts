import type { CoreV1PodTemplateSpec } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { WriteContext } from '../../registry/context.ts'
import { dropDisabledTemplateFields } from '../core/pod-spec-features.ts'
import { templateWarnings } from '../core/pod-spec-warnings.ts'

interface Templated extends KubeObject {
  spec?: { template?: CoreV1PodTemplateSpec }
}

/** What every kind with `spec.template` does with it on create and update. */
export const templateStrategy = {
  prepareForCreate(object: Templated, context: WriteContext): void {
    dropDisabledTemplateFields(object.spec?.template, undefined, context)
  },
  prepareForUpdate(object: Templated, old: Templated, context: WriteContext): void {
    dropDisabledTemplateFields(object.spec?.template, old.spec?.template, context)
  },
  /** Warnings are given for new templates, not for every write of other fields. */
  warnings(object: Templated, old: Templated | undefined): string[] {
    if (old && object.metadata?.generation === old.metadata?.generation) return []
    return templateWarnings('spec.template', object.spec?.template)
  },
}
