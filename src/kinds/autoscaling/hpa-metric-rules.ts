import type { AutoscalingV2MetricIdentifier, AutoscalingV2MetricSpec, AutoscalingV2MetricTarget } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Label, isPathSegmentName, isQualifiedName } from '../../machinery/validation.ts'
import { validateReference } from './hpa-rules.ts'

const SOURCES = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const

type Source = (typeof SOURCES)[keyof typeof SOURCES]

/** A metric has one source, the one that its type names. */
export function validateMetric(metric: AutoscalingV2MetricSpec, path: string): FieldError[] {
  const { type = '' } = metric
  const errors: FieldError[] = []
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric source type'))
  if (!Object.hasOwn(SOURCES, type)) {
    // The reference says it twice.
    const error = notSupported(`${path}.type`, type, Object.keys(SOURCES))
    errors.push(error, error)
  }
  const given = (['object', 'external', 'pods', 'resource', 'containerResource'] as const).filter((source) => metric[source])
  // Of several sources, only the first is looked into.
  if (given[0]) errors.push(...validateSource(metric, given[0], `${path}.${given[0]}`))
  const expected: Source | undefined = Object.hasOwn(SOURCES, type) ? SOURCES[type as keyof typeof SOURCES] : undefined
  if (expected && !metric[expected]) {
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'))
  }
  if (given.length > 1) {
    for (const source of given) {
      if (source !== expected) errors.push(forbiddenField(`${path}.${source}`, 'must populate the given metric source only'))
    }
  }
  return errors
}

function validateSource(metric: AutoscalingV2MetricSpec, source: Source, path: string): FieldError[] {
  switch (source) {
    case 'object': {
      const { describedObject, metric: identifier, target } = metric.object ?? {}
      return [
        ...validateReference(describedObject, `${path}.describedObject`, false),
        ...validateIdentifier(identifier, `${path}.metric`),
        ...validateTarget(target, `${path}.target`),
        ...valueOrAverage(
          target,
          path,
          'must set either a target value or averageValue',
          'may not set both a target value and averageValue',
        ),
      ]
    }
    case 'external': {
      const { metric: identifier, target } = metric.external ?? {}
      return [
        ...validateIdentifier(identifier, `${path}.metric`),
        ...validateTarget(target, `${path}.target`),
        ...valueOrAverage(
          target,
          path,
          'must set either a target value for metric or a per-pod target',
          'may not set both a target value for metric and a per-pod target',
        ),
      ]
    }
    case 'pods': {
      const { metric: identifier, target } = metric.pods ?? {}
      const errors = [...validateIdentifier(identifier, `${path}.metric`), ...validateTarget(target, `${path}.target`)]
      if (!isPositive(target?.averageValue)) {
        errors.push(required(`${path}.target.averageValue`, 'must specify a positive target averageValue'))
      }
      return errors
    }
    case 'resource': {
      const { name, target } = metric.resource ?? {}
      const errors = name ? [] : [required(`${path}.name`, 'must specify a resource name')]
      return [...errors, ...validateResourceTarget(target, path)]
    }
    case 'containerResource': {
      const { name = '', container = '', target } = metric.containerResource ?? {}
      const errors = name
        ? validateContainerResourceName(name, `${path}.name`)
        : [required(`${path}.name`, 'must specify a resource name')]
      if (!container) errors.push(required(`${path}.container`, 'must specify a container'))
      else errors.push(...isDns1123Label(container).map((message) => invalid(`${path}.container`, container, message)))
      return [...errors, ...validateResourceTarget(target, path)]
    }
  }
}

function validateIdentifier(identifier: AutoscalingV2MetricIdentifier | undefined, path: string): FieldError[] {
  const { name = '' } = identifier ?? {}
  if (!name) return [required(`${path}.name`, 'must specify a metric name')]
  return isPathSegmentName(name).map((message) => invalid(`${path}.name`, name, message))
}

const TARGET_TYPES = ['Utilization', 'Value', 'AverageValue']

function validateTarget(target: AutoscalingV2MetricTarget | undefined, path: string): FieldError[] {
  const { type = '', value, averageValue, averageUtilization } = target ?? {}
  const errors: FieldError[] = []
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric target type'))
  if (!TARGET_TYPES.includes(type))
    errors.push(invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  if (value !== undefined && !isPositive(value)) errors.push(invalid(`${path}.value`, value, 'must be positive'))
  if (averageValue !== undefined && !isPositive(averageValue)) {
    errors.push(invalid(`${path}.averageValue`, averageValue, 'must be positive'))
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  }
  return errors
}

function valueOrAverage(
  target: AutoscalingV2MetricTarget | undefined,
  path: string,
  neither: string,
  both: string,
): FieldError[] {
  const { value, averageValue } = target ?? {}
  if (value === undefined && averageValue === undefined) return [required(`${path}.target.averageValue`, neither)]
  return value !== undefined && averageValue !== undefined ? [forbiddenField(`${path}.target.value`, both)] : []
}

function validateResourceTarget(target: AutoscalingV2MetricTarget | undefined, path: string): FieldError[] {
  const errors = validateTarget(target, `${path}.target`)
  const { averageUtilization, averageValue } = target ?? {}
  if (averageUtilization === undefined && averageValue === undefined) {
    errors.push(required(`${path}.target.averageUtilization`, 'must set either a target raw value or a target utilization'))
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.push(forbiddenField(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization'))
  }
  return errors
}

const isPositive = (quantity: string | undefined): boolean => quantity !== undefined && quantityFromJson(quantity).sign > 0

const CONTAINER_RESOURCES = ['cpu', 'memory', 'ephemeral-storage']

/** A resource that containers have: one of Kubernetes' own, or an extended one with a domain. */
function validateContainerResourceName(name: string, path: string): FieldError[] {
  const errors = isQualifiedName(name).map((message) => invalid(path, name, message))
  if (!name.includes('/')) {
    const known = CONTAINER_RESOURCES.includes(name) || name.startsWith('hugepages-')
    if (!known) errors.push(invalid(path, name, 'must be a standard resource for containers'))
  } else if (!name.includes('kubernetes.io/') && (name.startsWith('requests.') || isQualifiedName(`requests.${name}`).length)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"))
  }
  return errors
}
