import type { AppsV1Deployment, AppsV1DeploymentStrategy } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { immutable, notMoreThan, notNegative, printed } from '../core/rules.ts'
import { amountOf, atMost100Percent, validateCountOrPercent } from './rolling-rules.ts'
import { validateRunningTemplate, validateSelector, withoutEmpties } from './selector-rules.ts'

export function validateDeployment(deployment: AppsV1Deployment, context: WriteContext): FieldError[] {
  const spec = deployment.spec ?? {}
  const errors = [
    ...notNegative(spec, 'spec', ['replicas']),
    ...validateSelector(spec, 'deployment'),
    // The reference's text names the ReplicaSets that it makes.
    ...validateRunningTemplate(spec, 'ReplicaSet', context),
    ...validateStrategy(spec.strategy ?? {}, context),
    ...notNegative(spec, 'spec', ['minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds']),
  ]
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    errors.push(invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds'))
  }
  return errors
}

const STRATEGIES = ['Recreate', 'RollingUpdate']

function validateStrategy(strategy: AppsV1DeploymentStrategy, context: WriteContext): FieldError[] {
  const path = 'spec.strategy'
  const { type = '', rollingUpdate } = strategy
  if (type === 'Recreate') {
    if (!rollingUpdate) return []
    return [forbiddenField(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
  }
  if (type !== 'RollingUpdate') {
    return [notSupported(path, printed(strategy, 'io.k8s.api.apps.v1.DeploymentStrategy', context), STRATEGIES)]
  }
  if (!rollingUpdate) return [required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil')]
  const { maxUnavailable, maxSurge } = rollingUpdate
  const unavailable = `${path}.rollingUpdate.maxUnavailable`
  return [
    ...validateCountOrPercent(unavailable, maxUnavailable),
    ...validateCountOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge),
    ...(amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0
      ? [invalid(unavailable, maxUnavailable, 'may not be 0 when `maxSurge` is 0')]
      : []),
    ...atMost100Percent(unavailable, maxUnavailable),
  ]
}

export function validateDeploymentUpdate(
  deployment: AppsV1Deployment,
  old: AppsV1Deployment,
  context: WriteContext,
): FieldError[] {
  return [
    ...validateDeployment(deployment, context),
    ...immutable('spec.selector', withoutEmpties(deployment.spec?.selector), withoutEmpties(old.spec?.selector)),
  ]
}

export function validateDeploymentStatus(deployment: AppsV1Deployment, old: AppsV1Deployment): FieldError[] {
  const status = deployment.status ?? {}
  const counts = ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const
  const errors = [
    ...notNegative(status, 'status', ['observedGeneration', 'replicas', ...counts, 'terminatingReplicas', 'collisionCount']),
    ...notMoreThan(status, 'status', 'replicas', counts),
    ...notMoreThan(status, 'status', 'readyReplicas', ['availableReplicas'], 'cannot be greater than readyReplicas'),
  ]
  const before = old.status?.collisionCount
  const { collisionCount } = status
  if (before !== undefined && (collisionCount ?? 0) < before) {
    errors.push(invalid('status.collisionCount', collisionCount ?? 0, 'cannot be decremented'))
  }
  return errors
}
