import type { AppsV1StatefulSet } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { scale } from '../autoscaling/scale.ts'
import { defaultClaimSpec, defaultPodTemplate } from '../core/pod-spec-defaults.ts'
import { containerColumns, selectorText } from '../core/template-columns.ts'
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './stateful-set-rules.ts'
import { templateStrategy } from './template-strategy.ts'

export const statefulSet = defineKind<AppsV1StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  resource: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.apps.v1.StatefulSet',
  names: 'label',
  defaults,
  generation: 'spec',
  ...templateStrategy,
  prepareForCreate: (set, context) => {
    dropMaxUnavailable(set, undefined, context)
    templateStrategy.prepareForCreate(set, context)
  },
  prepareForUpdate: (set, old, context) => {
    dropMaxUnavailable(set, old, context)
    templateStrategy.prepareForUpdate(set, old, context)
  },
  validate: validateStatefulSet,
  validateUpdate: validateStatefulSetUpdate,
  status: { validate: validateStatefulSetStatus },
  subresources: [scale((set) => selectorText(set.spec?.selector), { group: 'apps', resource: 'statefulsets' })],
  blankSpec: { replicas: 0, selector: null },
  columns: [
    column(
      'Ready',
      'Number of the pod with ready state',
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ),
    age,
    ...containerColumns<AppsV1StatefulSet>(({ spec }) => spec?.template),
  ],
})

function defaults(set: AppsV1StatefulSet): void {
  set.spec ??= {}
  const { spec } = set
  spec.replicas ??= 1
  spec.template ??= {}
  defaultPodTemplate(spec.template)
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.kind = 'PersistentVolumeClaim'
    claim.apiVersion = 'v1'
    claim.spec ??= {}
    defaultClaimSpec(claim.spec)
    claim.status ??= {}
    claim.status.phase ??= 'Pending'
  }
  if (!spec.podManagementPolicy) spec.podManagementPolicy = 'OrderedReady'
  const strategy = (spec.updateStrategy ??= {})
  if (!strategy.type) {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) {
    strategy.rollingUpdate.partition ??= 0
    // A default only behind its feature gate, which is off by default and unknown here: see dropMaxUnavailable.
  }
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {})
  if (!retention.whenDeleted) retention.whenDeleted = 'Retain'
  if (!retention.whenScaled) retention.whenScaled = 'Retain'
  spec.revisionHistoryLimit ??= 10
}

function dropMaxUnavailable(set: AppsV1StatefulSet, old: AppsV1StatefulSet | undefined, context: WriteContext): void {
  const rolling = set.spec?.updateStrategy?.rollingUpdate
  if (rolling?.maxUnavailable === undefined || context.env.settings.feature('MaxUnavailableStatefulSet')) return
  if (old?.spec?.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) rolling.maxUnavailable = undefined
}
