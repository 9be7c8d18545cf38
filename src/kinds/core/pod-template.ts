import type { CoreV1PodTemplate } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { defaultPodTemplate } from './pod-spec-defaults.ts'
import { dropDisabledTemplateFields } from './pod-spec-features.ts'
import { templateWarnings } from './pod-spec-warnings.ts'
import { validateTemplate } from './pod-validation.ts'
import { containerColumns, labelsText } from './template-columns.ts'

export const podTemplate = defineKind<CoreV1PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  resource: 'podtemplates',
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.PodTemplate',
  returnsDeleted: true,
  defaults: (template) => {
    template.template ??= {}
    defaultPodTemplate(template.template)
  },
  generation: (object, old) => !equal(object.template, old.template),
  prepareForCreate: (object, context) => dropDisabledTemplateFields(object.template, undefined, context),
  prepareForUpdate: (object, old, context) => dropDisabledTemplateFields(object.template, old.template, context),
  validate: (object, context) => validateTemplate(object.template, 'template', context),
  warnings: (object, old) => (old && equal(object.template, old.template) ? [] : templateWarnings('template', object.template)),
  columns: [
    ...containerColumns<CoreV1PodTemplate>((object) => object.template, false),
    column('Pod Labels', 'The labels for the pod template.', (object) => labelsText(object.template?.metadata?.labels)),
  ],
})
