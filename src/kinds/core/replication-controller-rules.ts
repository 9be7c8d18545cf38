import type { CoreV1ReplicationController } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from './pod-validation.ts'
import { notMoreThan, notNegative } from './rules.ts'

export function validateReplicationController(rc: CoreV1ReplicationController, context: WriteContext): FieldError[] {
  const spec = rc.spec ?? {}
  const selector = spec.selector ?? {}
  const errors = notNegative(spec, 'spec', ['minReadySeconds'])
  if (!Object.keys(selector).length) errors.push(required('spec.selector'))
  errors.push(...notNegative(spec, 'spec', ['replicas']))
  if (!spec.template) return [...errors, required('spec.template')]
  const labels = spec.template.metadata?.labels
  if (Object.entries(selector).some(([key, value]) => labels?.[key] !== value)) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  errors.push(...validateTemplate(spec.template, 'spec.template', context))
  const { restartPolicy = '', activeDeadlineSeconds } = spec.template.spec ?? {}
  if (restartPolicy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']))
  if (activeDeadlineSeconds !== undefined) {
    errors.push(
      forbiddenField(
        'spec.template.spec.activeDeadlineSeconds',
        'activeDeadlineSeconds in ReplicationController is not Supported',
      ),
    )
  }
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
