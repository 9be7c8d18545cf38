import type {
  AutoscalingV2CrossVersionObjectReference,
  AutoscalingV2MetricSpec,
  AutoscalingV2MetricStatus,
  MetaV1LabelSelector,
} from '../../generated/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { canonicalQuantity } from '../../machinery/quantity.ts'

/** A metric as autoscaling/v1 keeps it in its annotations; the type isn't part of the served API. */
interface V1Metric {
  type?: string
  object?: V1Source
  pods?: V1Source
  resource?: V1Source
  containerResource?: V1Source
  external?: V1Source
}

/** The fields of all its kinds of sources and statuses together. */
interface V1Source {
  name?: string
  container?: string
  target?: AutoscalingV2CrossVersionObjectReference
  metricName?: string
  selector?: MetaV1LabelSelector
  metricSelector?: MetaV1LabelSelector
  averageValue?: string
  targetValue?: string
  targetAverageValue?: string
  targetAverageUtilization?: number
  currentValue?: string
  currentAverageValue?: string
  currentAverageUtilization?: number
}

const ref = ({ kind = '', name = '', apiVersion }: AutoscalingV2CrossVersionObjectReference = {}) => ({ kind, name, apiVersion })

/** A quantity that isn't a pointer in the v1 type: always there. */
const quantity = (value: string | undefined): string => canonicalQuantity(value ?? '0')
const optionalQuantity = (value: string | undefined): string | undefined => value && canonicalQuantity(value)

export function metricSpecToV1(metric: AutoscalingV2MetricSpec): V1Metric {
  const { type = '', object, pods, resource, containerResource, external } = metric
  return {
    type,
    object: object && {
      target: ref(object.describedObject),
      metricName: object.metric?.name ?? '',
      targetValue: quantity(object.target?.value),
      selector: object.metric?.selector,
      averageValue: object.target?.averageValue,
    },
    pods: pods && {
      metricName: pods.metric?.name ?? '',
      targetAverageValue: quantity(pods.target?.averageValue),
      selector: pods.metric?.selector,
    },
    resource: resource && {
      name: resource.name ?? '',
      targetAverageUtilization: resource.target?.averageUtilization,
      targetAverageValue: resource.target?.averageValue,
    },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      targetAverageUtilization: containerResource.target?.averageUtilization,
      targetAverageValue: containerResource.target?.averageValue,
      container: containerResource.container ?? '',
    },
    external: external && {
      metricName: external.metric?.name ?? '',
      metricSelector: external.metric?.selector,
      targetValue: external.target?.value,
      targetAverageValue: external.target?.averageValue,
    },
  }
}

export function metricStatusToV1(metric: AutoscalingV2MetricStatus): V1Metric {
  const { type = '', object, pods, resource, containerResource, external } = metric
  return {
    type,
    object: object && {
      target: ref(object.describedObject),
      metricName: object.metric?.name ?? '',
      currentValue: quantity(object.current?.value),
      selector: object.metric?.selector,
      averageValue: object.current?.averageValue,
    },
    pods: pods && {
      metricName: pods.metric?.name ?? '',
      currentAverageValue: quantity(pods.current?.averageValue),
      selector: pods.metric?.selector,
    },
    resource: resource && {
      name: resource.name ?? '',
      currentAverageUtilization: resource.current?.averageUtilization,
      currentAverageValue: quantity(resource.current?.averageValue),
    },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      currentAverageUtilization: containerResource.current?.averageUtilization,
      currentAverageValue: quantity(containerResource.current?.averageValue),
      container: containerResource.container ?? '',
    },
    external: external && {
      metricName: external.metric?.name ?? '',
      metricSelector: external.metric?.selector,
      currentValue: quantity(external.current?.value),
      currentAverageValue: external.current?.averageValue,
    },
  }
}

/** @throws QuantityError */
export function metricSpecFromV1(raw: JsonObject): AutoscalingV2MetricSpec {
  const { type = '', object, pods, resource, containerResource, external } = raw as V1Metric
  return {
    type,
    object: object && {
      describedObject: ref(object.target),
      metric: { name: object.metricName, selector: object.selector },
      target: {
        type: object.averageValue === undefined ? 'Value' : 'AverageValue',
        value: quantity(object.targetValue),
        averageValue: optionalQuantity(object.averageValue),
      },
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      target: { type: 'AverageValue', averageValue: quantity(pods.targetAverageValue) },
    },
    resource: resource && { name: resource.name, target: resourceTarget(resource) },
    containerResource: containerResource && {
      name: containerResource.name,
      target: resourceTarget(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      target: {
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        value: optionalQuantity(external.targetValue),
        averageValue: optionalQuantity(external.targetAverageValue),
      },
    },
  }
}

const resourceTarget = (source: V1Source) => ({
  type: source.targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
  averageValue: optionalQuantity(source.targetAverageValue),
  averageUtilization: source.targetAverageUtilization,
})

/** @throws QuantityError */
export function metricStatusFromV1(raw: JsonObject): AutoscalingV2MetricStatus {
  const { type = '', object, pods, resource, containerResource, external } = raw as V1Metric
  return {
    type,
    object: object && {
      metric: { name: object.metricName, selector: object.selector },
      current: { value: quantity(object.currentValue), averageValue: optionalQuantity(object.averageValue) },
      describedObject: ref(object.target),
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      current: { averageValue: quantity(pods.currentAverageValue) },
    },
    resource: resource && { name: resource.name, current: resourceCurrent(resource) },
    containerResource: containerResource && {
      name: containerResource.name,
      current: resourceCurrent(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      current: { value: quantity(external.currentValue), averageValue: optionalQuantity(external.currentAverageValue) },
    },
  }
}

const resourceCurrent = (source: V1Source) => ({
  averageValue: quantity(source.currentAverageValue),
  averageUtilization: source.currentAverageUtilization,
})
