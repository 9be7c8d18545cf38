import type { AppsV1DaemonSet } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { immutable, notNegative } from '../core/rules.ts'
import { selectorMatchesTemplate } from './selector-rules.ts'

const RESTART_POLICIES = ['Always']

export function validateDaemonSet({ spec = {} }: AppsV1DaemonSet, context: WriteContext): FieldError[] {
  const errors = selectorMatchesTemplate(spec)
  errors.push(...validateTemplate(spec.template, 'spec.template', context))
  const { restartPolicy, activeDeadlineSeconds } = spec.template?.spec ?? {}
  if (restartPolicy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, RESTART_POLICIES))
  if (activeDeadlineSeconds !== undefined) {
    errors.push(invalid('spec.template.spec.activeDeadlineSeconds', activeDeadlineSeconds, 'must not be specified'))
  }
  errors.push(...notNegative(spec, 'spec', ['minReadySeconds']))
  const { type } = spec.updateStrategy ?? {}
  if (type !== 'OnDelete' && type !== 'RollingUpdate') {
    errors.push(notSupported('spec.updateStrategy', spec.updateStrategy, ['RollingUpdate', 'OnDelete']))
  } else if (type === 'RollingUpdate' && !spec.updateStrategy?.rollingUpdate) {
    errors.push(required('spec.updateStrategy.rollingUpdate'))
  }
  errors.push(...notNegative(spec, 'spec', ['revisionHistoryLimit']))
  return errors
}

export function validateDaemonSetUpdate(set: AppsV1DaemonSet, old: AppsV1DaemonSet, context: WriteContext): FieldError[] {
  return [...validateDaemonSet(set, context), ...immutable('spec.selector', set.spec?.selector, old.spec?.selector)]
}

export function validateDaemonSetStatus({ status = {} }: AppsV1DaemonSet): FieldError[] {
  return notNegative(status, 'status', [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ])
}
