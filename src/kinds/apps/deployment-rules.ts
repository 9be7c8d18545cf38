import type { AppsV1Deployment } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { immutable, notMoreThan, notNegative } from '../core/rules.ts'
import { selectorMatchesTemplate } from './selector-rules.ts'

export function validateDeployment(deployment: AppsV1Deployment, context: WriteContext): FieldError[] {
  const spec = deployment.spec ?? {}
  const errors = [...notNegative(spec, 'spec', ['replicas']), ...selectorMatchesTemplate(spec)]
  errors.push(...validateTemplate(spec.template, 'spec.template', context))
  errors.push(...notNegative(spec, 'spec', ['minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds']))
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    errors.push(invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds'))
  }
  return errors
}

export function validateDeploymentUpdate(
  deployment: AppsV1Deployment,
  old: AppsV1Deployment,
  context: WriteContext,
): FieldError[] {
  return [
    ...validateDeployment(deployment, context),
    ...immutable('spec.selector', deployment.spec?.selector, old.spec?.selector),
  ]
}

export function validateDeploymentStatus(deployment: AppsV1Deployment, old: AppsV1Deployment): FieldError[] {
  const status = deployment.status ?? {}
  const counts = ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const
  const errors = notNegative(status, 'status', [
    'observedGeneration',
    'replicas',
    ...counts,
    'terminatingReplicas',
    'collisionCount',
  ])
  errors.push(
    ...notMoreThan(status, 'status', 'replicas', counts),
    ...notMoreThan(status, 'status', 'readyReplicas', ['availableReplicas'], 'cannot be greater than readyReplicas'),
  )
  const before = old.status?.collisionCount
  const { collisionCount } = status
  if (before !== undefined && (collisionCount ?? 0) < before) {
    errors.push(invalid('status.collisionCount', collisionCount, 'cannot be decremented'))
  }
  return errors
}
