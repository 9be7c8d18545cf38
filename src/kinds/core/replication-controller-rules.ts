import type { CoreV1ReplicationController } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from './pod-validation.ts'
import { notMoreThan, notNegative } from './rules.ts'

export function validateReplicationController(rc: CoreV1ReplicationController, context: WriteContext): FieldError[] {
  const spec = rc.spec ?? {}
  const errors = [...notNegative(spec, 'spec', ['minReadySeconds']), ...notNegative(spec, 'spec', ['replicas'])]
  const selector = spec.selector ?? {}
  if (!Object.keys(selector).length) errors.push(required('spec.selector'))
  if (!spec.template) return [...errors, required('spec.template')]
  const labels = spec.template.metadata?.labels ?? {}
  if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  errors.push(...validateTemplate(spec.template, 'spec.template', context))
  return errors
}

export function validateReplicationControllerStatus(rc: CoreV1ReplicationController): FieldError[] {
  const status = rc.status ?? {}
  return [
    ...notNegative(status, 'status', [
      'replicas',
      'fullyLabeledReplicas',
      'readyReplicas',
      'availableReplicas',
      'observedGeneration',
    ]),
    ...notMoreThan(status, 'status', 'replicas', ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']),
    ...notMoreThan(status, 'status', 'readyReplicas', ['availableReplicas']),
  ]
}
