import type {
  AutoscalingV1HorizontalPodAutoscaler,
  AutoscalingV2HorizontalPodAutoscaler,
  AutoscalingV2HorizontalPodAutoscalerBehavior,
  AutoscalingV2HorizontalPodAutoscalerCondition,
  AutoscalingV2HPAScalingRules,
  AutoscalingV2MetricSpec,
  AutoscalingV2MetricStatus,
} from '../../generated/types.ts'
import { isObject, type JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { metricSpecFromV1, metricSpecToV1, metricStatusFromV1, metricStatusToV1 } from './hpa-v1-metrics.ts'

type V1 = AutoscalingV1HorizontalPodAutoscaler
type V2 = AutoscalingV2HorizontalPodAutoscaler

/** autoscaling/v1 carries in annotations what its fields can't hold. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'
const CARRIERS = [METRICS, BEHAVIOR, CURRENT_METRICS, CONDITIONS]

/** autoscaling/v1 → v2. An annotation that doesn't parse is ignored, as the reference does; all are taken off. */
export function fromV1(object: KubeObject): V2 {
  const { metadata = {}, spec = {}, status = {} } = object as V1
  const annotations = metadata.annotations ?? {}
  const cpu = spec.targetCPUUtilizationPercentage
  const metrics: AutoscalingV2MetricSpec[] = parseList(annotations[METRICS], metricSpecFromV1) ?? []
  if (cpu !== undefined) {
    metrics.push({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpu } } })
  }
  const currentCpu = status.currentCPUUtilizationPercentage
  const current: AutoscalingV2MetricStatus[] | undefined =
    currentCpu === undefined
      ? undefined
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentCpu } } }]
  const { targetCPUUtilizationPercentage: _target, ...restOfSpec } = spec
  const { currentCPUUtilizationPercentage: _current, ...restOfStatus } = status
  return {
    metadata: { ...metadata, annotations: withoutCarriers(annotations) },
    spec: { ...restOfSpec, metrics, behavior: parseBehavior(annotations[BEHAVIOR]) },
    status: {
      ...restOfStatus,
      currentMetrics: parseList(annotations[CURRENT_METRICS], metricStatusFromV1) ?? current,
      conditions: parseList(annotations[CONDITIONS], (raw) => raw as AutoscalingV2HorizontalPodAutoscalerCondition),
    },
  } as V2
}

/** v2 → autoscaling/v1. */
export function toV1(hpa: V2): KubeObject {
  const { metadata = {}, spec = {}, status = {} } = hpa
  const annotations: Record<string, string> = withoutCarriers(metadata.annotations) ?? {}
  const metrics = spec.metrics ?? []
  const others = metrics.filter((metric) => !isCpuUtilization(metric))
  const current = status.currentMetrics ?? []
  if (others.length) annotations[METRICS] = goJson(others.map(metricSpecToV1))
  if (current.length) annotations[CURRENT_METRICS] = goJson(current.map(metricStatusToV1))
  if (status.conditions?.length) annotations[CONDITIONS] = goJson(status.conditions)
  if (spec.behavior) annotations[BEHAVIOR] = goJson(printBehavior(spec.behavior))
  const firstCpu = metrics.find((metric) => metric.type === 'Resource' && metric.resource?.name === 'cpu')
  const lastCpu = current.findLast(
    (m) => m.type === 'Resource' && m.resource?.name === 'cpu' && m.resource.current?.averageUtilization,
  )
  const { metrics: _metrics, behavior: _behavior, ...restOfSpec } = spec
  const { currentMetrics: _current, conditions: _conditions, ...restOfStatus } = status
  return {
    metadata: { ...metadata, annotations: sorted(annotations) },
    spec: { ...restOfSpec, targetCPUUtilizationPercentage: firstCpu?.resource?.target?.averageUtilization },
    status: { ...restOfStatus, currentCPUUtilizationPercentage: lastCpu?.resource?.current?.averageUtilization },
  } as V1
}

const isCpuUtilization = (metric: AutoscalingV2MetricSpec): boolean =>
  metric.type === 'Resource' && metric.resource?.name === 'cpu' && metric.resource.target?.averageUtilization !== undefined

function withoutCarriers(annotations: Record<string, string> | undefined): Record<string, string> | undefined {
  if (!annotations || !CARRIERS.some((key) => key in annotations)) return annotations && { ...annotations }
  const rest = Object.entries(annotations).filter(([key]) => !CARRIERS.includes(key))
  return rest.length ? Object.fromEntries(rest) : undefined
}

function sorted(annotations: Record<string, string>): Record<string, string> | undefined {
  const keys = Object.keys(annotations).sort()
  return keys.length ? Object.fromEntries(keys.map((key) => [key, annotations[key] as string])) : undefined
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function parseList<T>(text: string | undefined, convert: (raw: JsonObject) => T): T[] | undefined {
  const list = parse(text)
  if (!Array.isArray(list) || !list.every(isObject)) return undefined
  try {
    return list.map(convert)
  } catch {
    return undefined
  }
}

/** The annotation holds Go's own names of the fields, upper case first; in reading, case doesn't matter. */
function parseBehavior(text: string | undefined): AutoscalingV2HorizontalPodAutoscalerBehavior | undefined {
  const raw = lowerFirst(parse(text))
  if (!isObject(raw)) return undefined
  const { scaleUp, scaleDown } = raw as AutoscalingV2HorizontalPodAutoscalerBehavior
  return scaleUp || scaleDown ? ({ scaleUp, scaleDown } as AutoscalingV2HorizontalPodAutoscalerBehavior) : undefined
}

function lowerFirst(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerFirst)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== null)
      .map(([key, v]) => [key.charAt(0).toLowerCase() + key.slice(1), lowerFirst(v)]),
  )
}

function printBehavior({ scaleUp, scaleDown }: AutoscalingV2HorizontalPodAutoscalerBehavior): object {
  const rules = (r: AutoscalingV2HPAScalingRules | undefined): object | null =>
    r
      ? {
          StabilizationWindowSeconds: r.stabilizationWindowSeconds ?? null,
          SelectPolicy: r.selectPolicy ?? null,
          Policies:
            r.policies?.map((p) => ({ Type: p.type ?? '', Value: p.value ?? 0, PeriodSeconds: p.periodSeconds ?? 0 })) ?? null,
          Tolerance: r.tolerance ?? null,
        }
      : null
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) }
}

/** JSON as Go writes it: with the characters escaped that matter in HTML. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
