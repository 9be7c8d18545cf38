import type { AdmissionregistrationV1ValidatingWebhookConfiguration } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { defineKind } from '../../registry/kind.ts'
import { ADMISSION_GROUP, defaultWebhook, webhookColumns } from './rules.ts'
import { validateWebhooks, validateWebhooksUpdate } from './webhook-rules.ts'

export const validatingWebhookConfiguration = defineKind<AdmissionregistrationV1ValidatingWebhookConfiguration>({
  ...ADMISSION_GROUP,
  kind: 'ValidatingWebhookConfiguration',
  resource: 'validatingwebhookconfigurations',
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  generation: (object, old) => !equal(object.webhooks, old.webhooks),
  defaults(object) {
    for (const webhook of object.webhooks ?? []) {
      defaultWebhook(webhook)
    }
  },
  validate: validateWebhooks,
  validateUpdate: validateWebhooksUpdate,
  columns: webhookColumns,
})
