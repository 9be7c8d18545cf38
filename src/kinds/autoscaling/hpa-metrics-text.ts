import type { AutoscalingV2MetricSpec, AutoscalingV2MetricStatus } from '../../generated/types.ts'

const SHOWN = 2
const UNKNOWN = '<unknown>'

/** The Targets column: what each metric is and what it should be. */
export function metricsText(specs: readonly AutoscalingV2MetricSpec[], statuses: readonly AutoscalingV2MetricStatus[]): string {
  if (!specs.length) return '<none>'
  const texts = specs.map((spec, i) => metricText(spec, statuses[i]))
  const more = texts.length - SHOWN
  return more > 0 ? `${texts.slice(0, SHOWN).join(', ')} + ${more} more...` : texts.join(', ')
}

function metricText(spec: AutoscalingV2MetricSpec, status: AutoscalingV2MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueText(spec.external, status?.external)
    case 'Object':
      return valueText(spec.object, status?.object)
    case 'Pods':
      return `${status?.pods?.current?.averageValue ?? UNKNOWN}/${spec.pods?.target?.averageValue ?? UNKNOWN}`
    case 'Resource':
      return utilizationText(spec.resource, status?.resource)
    case 'ContainerResource':
      return utilizationText(spec.containerResource, status?.containerResource)
    default:
      return '<unknown type>'
  }
}

interface Values {
  value?: string
  averageValue?: string
  averageUtilization?: number
}

function valueText(spec: { target?: Values } | undefined, status: { current?: Values } | undefined): string {
  if (spec?.target?.averageValue !== undefined)
    return `${status?.current?.averageValue ?? UNKNOWN}/${spec.target.averageValue} (avg)`
  return `${status?.current?.value ?? UNKNOWN}/${spec?.target?.value ?? UNKNOWN}`
}

function utilizationText(spec: { name?: string; target?: Values } | undefined, status: { current?: Values } | undefined): string {
  const head = `${spec?.name ?? ''}: `
  if (spec?.target?.averageValue !== undefined)
    return `${head}${status?.current?.averageValue ?? UNKNOWN}/${spec.target.averageValue}`
  const percent = (value: number | undefined, otherwise: string): string => (value === undefined ? otherwise : `${value}%`)
  return `${head}${percent(status?.current?.averageUtilization, UNKNOWN)}/${percent(spec?.target?.averageUtilization, '<auto>')}`
}
