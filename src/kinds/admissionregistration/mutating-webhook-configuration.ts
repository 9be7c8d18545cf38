import type { AdmissionregistrationV1MutatingWebhookConfiguration } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { defineKind } from '../../registry/kind.ts'
import { ADMISSION_GROUP, defaultWebhook, webhookColumns } from './rules.ts'
import { validateWebhooks, validateWebhooksUpdate } from './webhook-rules.ts'

export const mutatingWebhookConfiguration = defineKind<AdmissionregistrationV1MutatingWebhookConfiguration>({
  ...ADMISSION_GROUP,
  kind: 'MutatingWebhookConfiguration',
  resource: 'mutatingwebhookconfigurations',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration',
  generation: (object, old) => !equal(object.webhooks, old.webhooks),
  defaults(object) {
    for (const webhook of object.webhooks ?? []) {
      defaultWebhook(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: validateWebhooks,
  validateUpdate: validateWebhooksUpdate,
  columns: webhookColumns,
})
