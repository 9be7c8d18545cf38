import type { AppsV1DaemonSet, AppsV1DaemonSetUpdateStrategy } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { immutable, notNegative, printed } from '../core/rules.ts'
import { amountOf, atMost100Percent, validateCountOrPercent } from './rolling-rules.ts'
import { alwaysRunning, labelMismatch, parsed, withoutEmpties } from './selector-rules.ts'

export function validateDaemonSet({ spec = {} }: AppsV1DaemonSet, context: WriteContext): FieldError[] {
  const { selector, template } = spec
  const errors = validateLabelSelector(selector as LabelSelectorObject | undefined, 'spec.selector')
  const parsedSelector = parsed(selector)
  if (parsedSelector && !parsedSelector.matches(template?.metadata?.labels)) errors.push(labelMismatch(template))
  if (selector && !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length) {
    errors.push(invalid('spec.selector', withoutEmpties(selector), 'empty selector is invalid for daemonset'))
  }
  return [
    ...errors,
    ...validateTemplate(template, 'spec.template', context),
    ...alwaysRunning(template, 'DaemonSet'),
    ...notNegative(spec, 'spec', ['minReadySeconds']),
    ...validateUpdateStrategy(spec.updateStrategy ?? {}, context),
    ...notNegative(spec, 'spec', ['revisionHistoryLimit']),
  ]
}

const STRATEGIES = ['RollingUpdate', 'OnDelete']

function validateUpdateStrategy(strategy: AppsV1DaemonSetUpdateStrategy, context: WriteContext): FieldError[] {
  const { type = '', rollingUpdate } = strategy
  const path = 'spec.updateStrategy'
  if (type === 'OnDelete') return []
  if (type !== 'RollingUpdate') {
    return [notSupported(path, printed(strategy, 'io.k8s.api.apps.v1.DaemonSetUpdateStrategy', context), STRATEGIES)]
  }
  if (!rollingUpdate) return [required(`${path}.rollingUpdate`)]
  const { maxUnavailable, maxSurge } = rollingUpdate
  const unavailable = `${path}.rollingUpdate.maxUnavailable`
  const surge = `${path}.rollingUpdate.maxSurge`
  const errors = [
    ...validateCountOrPercent(unavailable, maxUnavailable),
    ...validateCountOrPercent(surge, maxSurge),
    ...atMost100Percent(unavailable, maxUnavailable),
    ...atMost100Percent(surge, maxSurge),
  ]
  const [hasUnavailable, hasSurge] = [amountOf(maxUnavailable) !== 0, amountOf(maxSurge) !== 0]
  if (hasUnavailable && hasSurge) errors.push(invalid(surge, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  else if (!hasUnavailable && !hasSurge) errors.push(required(unavailable, 'cannot be 0 when maxSurge is 0'))
  return errors
}

export function validateDaemonSetUpdate(set: AppsV1DaemonSet, old: AppsV1DaemonSet, context: WriteContext): FieldError[] {
  return [
    ...validateDaemonSet(set, context),
    ...immutable('spec.selector', withoutEmpties(set.spec?.selector), withoutEmpties(old.spec?.selector)),
  ]
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
