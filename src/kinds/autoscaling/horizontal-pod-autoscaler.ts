import type { AutoscalingV2HorizontalPodAutoscaler, AutoscalingV2HPAScalingRules } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { fromV1, toV1 } from './hpa-conversion.ts'
import { metricsText } from './hpa-metrics-text.ts'
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './hpa-rules.ts'

type Autoscaler = AutoscalingV2HorizontalPodAutoscaler

const SPEC = '@io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec'

export const horizontalPodAutoscaler = defineKind<Autoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  alsoServed: [
    {
      group: 'autoscaling',
      version: 'v1',
      schema: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
      toStorage: fromV1,
      fromStorage: toV1,
    },
  ],
  defaults,
  prepareForCreate: (hpa, context) => {
    writeNoMetrics(hpa)
    dropTolerance(hpa, undefined, context)
  },
  prepareForUpdate: dropTolerance,
  validate: validateAutoscaler,
  validateUpdate: validateAutoscalerUpdate,
  status: { prepare: writeNoMetrics, validate: validateAutoscalerStatus },
  columns: [
    column(
      'Reference',
      `${SPEC}.scaleTargetRef`,
      ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
    ),
    column('Targets', `${SPEC}.metrics`, (hpa) => metricsText(hpa.spec?.metrics ?? [], hpa.status?.currentMetrics ?? [])),
    column('MinPods', `${SPEC}.minReplicas`, (hpa) => String(hpa.spec?.minReplicas ?? '<unset>')),
    column('MaxPods', `${SPEC}.maxReplicas`, (hpa) => hpa.spec?.maxReplicas ?? 0),
    column(
      'Replicas',
      '@io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus.currentReplicas',
      (hpa) => hpa.status?.currentReplicas ?? 0,
    ),
    age,
  ],
})

const DEFAULT_CPU_UTILIZATION = 80

function defaults(hpa: Autoscaler): void {
  hpa.spec ??= {}
  const { spec } = hpa
  spec.minReplicas ??= 1
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: DEFAULT_CPU_UTILIZATION }
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
  }
  if (spec.behavior) {
    const { scaleUp, scaleDown } = spec.behavior
    spec.behavior = { scaleUp: { ...scaleUpRules(), ...given(scaleUp) }, scaleDown: { ...scaleDownRules(), ...given(scaleDown) } }
  }
  writeNoMetrics(hpa)
}

const PERIOD_SECONDS = 15

const scaleUpRules = (): AutoscalingV2HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS },
    { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS },
  ],
})

/** The window is the controller's flag when it isn't set. */
const scaleDownRules = (): AutoscalingV2HPAScalingRules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }],
})

function given(rules: AutoscalingV2HPAScalingRules | undefined): AutoscalingV2HPAScalingRules {
  return Object.fromEntries(Object.entries(rules ?? {}).filter(([, value]) => value !== undefined))
}

/** The list of current metrics is written even when there are none. */
function writeNoMetrics(hpa: Autoscaler): void {
  const status = (hpa.status ??= {}) as { currentMetrics?: unknown }
  status.currentMetrics ??= null
}

/** The tolerance exists behind a feature gate. */
function dropTolerance(hpa: Autoscaler, old: Autoscaler | undefined, context: WriteContext): void {
  const rules = (object: Autoscaler | undefined) => [object?.spec?.behavior?.scaleDown, object?.spec?.behavior?.scaleUp]
  if (!rules(hpa).some((r) => r?.tolerance !== undefined)) return
  if (context.env.settings.feature('HPAConfigurableTolerance') || rules(old).some((r) => r?.tolerance !== undefined)) return
  for (const r of rules(hpa)) if (r) r.tolerance = undefined
}
