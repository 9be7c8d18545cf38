import type {
  AutoscalingV2CrossVersionObjectReference,
  AutoscalingV2HorizontalPodAutoscaler,
  AutoscalingV2HorizontalPodAutoscalerSpec,
  AutoscalingV2HPAScalingRules,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isPathSegmentName } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { NOT_NEGATIVE, notNegative } from '../core/rules.ts'
import { validateMetric } from './hpa-metric-rules.ts'

type Autoscaler = AutoscalingV2HorizontalPodAutoscaler

export function validateAutoscaler(hpa: Autoscaler, context: WriteContext): FieldError[] {
  return validateSpec(hpa.spec ?? {}, context, needsGroup(hpa, undefined))
}

export function validateAutoscalerUpdate(hpa: Autoscaler, old: Autoscaler, context: WriteContext): FieldError[] {
  return validateSpec(hpa.spec ?? {}, context, needsGroup(hpa, old))
}

/** The target's group must be named, but for the one scalable kind of the core group and for what was accepted before. */
function needsGroup({ spec }: Autoscaler, old: Autoscaler | undefined): boolean {
  const target = spec?.scaleTargetRef
  const before = old?.spec?.scaleTargetRef
  const same = old !== undefined && before?.kind === target?.kind && before?.apiVersion === target?.apiVersion
  return !same && target?.kind !== 'ReplicationController'
}

function validateSpec(spec: AutoscalingV2HorizontalPodAutoscalerSpec, context: WriteContext, group: boolean): FieldError[] {
  const errors: FieldError[] = []
  const { minReplicas, maxReplicas = 0, metrics = [] } = spec
  const least = context.env.settings.feature('HPAScaleToZero') ? 0 : 1
  if (minReplicas !== undefined && minReplicas < least) {
    errors.push(invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${least}`))
  }
  if (maxReplicas === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'))
  else if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  errors.push(...validateReference(spec.scaleTargetRef, 'spec.scaleTargetRef', group))
  metrics.forEach((metric, i) => {
    errors.push(...validateMetric(metric, `spec.metrics[${i}]`))
  })
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    errors.push(
      forbiddenField('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas'),
    )
  }
  const { scaleUp, scaleDown } = spec.behavior ?? {}
  return [...errors, ...validateRules(scaleUp, 'spec.behavior.scaleUp'), ...validateRules(scaleDown, 'spec.behavior.scaleDown')]
}

/** A reference to any object of the namespace. */
export function validateReference(
  reference: AutoscalingV2CrossVersionObjectReference | undefined,
  path: string,
  group: boolean,
): FieldError[] {
  const { kind = '', name = '', apiVersion = '' } = reference ?? {}
  const segment = (field: string, value: string): FieldError[] =>
    value ? isPathSegmentName(value).map((message) => invalid(field, value, message)) : [required(field)]
  const errors = [...segment(`${path}.kind`, kind), ...segment(`${path}.name`, name)]
  if (apiVersion.split('/').length > 2) {
    errors.push(invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  } else if (group && !apiVersion.includes('/')) {
    errors.push(invalid(`${path}.apiVersion`, apiVersion, 'apiVersion must specify API group'))
  }
  return errors
}

const SELECT_POLICIES = ['Disabled', 'Max', 'Min']
const POLICY_TYPES = ['Percent', 'Pods']
const MAX_WINDOW_SECONDS = 3600
const MAX_PERIOD_SECONDS = 1800

function validateRules(rules: AutoscalingV2HPAScalingRules | undefined, path: string): FieldError[] {
  if (!rules) return []
  const errors: FieldError[] = []
  const { stabilizationWindowSeconds: window, selectPolicy, policies, tolerance } = rules
  if (window !== undefined && window < 0) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'))
  } else if (window !== undefined && window > MAX_WINDOW_SECONDS) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`))
  }
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) {
    errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, SELECT_POLICIES))
  }
  if (!policies?.length) errors.push(required(`${path}.policies`, 'must specify at least one Policy'))
  policies?.forEach(({ type = '', value = 0, periodSeconds = 0 }, i) => {
    const at = `${path}.policies[${i}]`
    if (!POLICY_TYPES.includes(type)) errors.push(notSupported(`${at}.type`, type, POLICY_TYPES))
    if (value <= 0) errors.push(invalid(`${at}.value`, value, 'must be greater than zero'))
    if (periodSeconds <= 0) errors.push(invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero'))
    else if (periodSeconds > MAX_PERIOD_SECONDS) {
      errors.push(invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${MAX_PERIOD_SECONDS}`))
    }
  })
  if (tolerance !== undefined && quantityFromJson(tolerance).sign < 0) {
    errors.push(invalid(`${path}.tolerance`, tolerance, NOT_NEGATIVE))
  }
  return errors
}

export function validateAutoscalerStatus({ status = {} }: Autoscaler): FieldError[] {
  return notNegative(status, 'status', ['currentReplicas', 'desiredReplicas'])
}
