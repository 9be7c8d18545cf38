import type { AppsV1DaemonSet } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { metaOf } from '../../machinery/object.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { defaultPodTemplate } from '../core/pod-spec-defaults.ts'
import { containerColumns, labelsText, shownSelector } from '../core/template-columns.ts'
import { validateDaemonSet, validateDaemonSetStatus, validateDaemonSetUpdate } from './daemon-set-rules.ts'
import { templateStrategy } from './template-strategy.ts'

const STATUS = '@io.k8s.api.apps.v1.DaemonSetStatus'

export const daemonSet = defineKind<AppsV1DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  resource: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.apps.v1.DaemonSet',
  defaults,
  generation: 'spec',
  ...templateStrategy,
  prepareForCreate: (set, context) => {
    setTemplateGeneration(set, Math.max(1, templateGeneration(set)))
    templateStrategy.prepareForCreate(set, context)
  },
  prepareForUpdate: (set, old, context) => {
    templateStrategy.prepareForUpdate(set, old, context)
    const changed = !equal(set.spec?.template, old.spec?.template)
    setTemplateGeneration(set, templateGeneration(old) + (changed ? 1 : 0))
  },
  validate: validateDaemonSet,
  validateUpdate: validateDaemonSetUpdate,
  status: {
    prepare: (set, old) => setTemplateGeneration(set, templateGeneration(old)),
    validate: validateDaemonSetStatus,
  },
  fieldAnnotations: ['deprecated.daemonset.template.generation'],
  columns: [
    column('Desired', `${STATUS}.desiredNumberScheduled`, ({ status }) => status?.desiredNumberScheduled ?? 0, {
      type: 'integer',
    }),
    column('Current', `${STATUS}.currentNumberScheduled`, ({ status }) => status?.currentNumberScheduled ?? 0, {
      type: 'integer',
    }),
    column('Ready', `${STATUS}.numberReady`, ({ status }) => status?.numberReady ?? 0, { type: 'integer' }),
    column('Up-to-date', `${STATUS}.updatedNumberScheduled`, ({ status }) => status?.updatedNumberScheduled ?? 0, {
      type: 'integer',
    }),
    column('Available', `${STATUS}.numberAvailable`, ({ status }) => status?.numberAvailable ?? 0, { type: 'integer' }),
    column('Node Selector', '@io.k8s.api.core.v1.PodSpec.nodeSelector', ({ spec }) =>
      labelsText(spec?.template?.spec?.nodeSelector),
    ),
    age,
    ...containerColumns<AppsV1DaemonSet>(({ spec }) => spec?.template),
    column('Selector', '@io.k8s.api.apps.v1.DaemonSetSpec.selector', ({ spec }) => shownSelector(spec?.selector), { wide: true }),
  ],
})

function defaults(set: AppsV1DaemonSet): void {
  set.spec ??= {}
  const { spec } = set
  spec.template ??= {}
  defaultPodTemplate(spec.template)
  const strategy = (spec.updateStrategy ??= {})
  if (!strategy.type) strategy.type = 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const { maxUnavailable = 1, maxSurge = 0 } = strategy.rollingUpdate ?? {}
    strategy.rollingUpdate = { maxUnavailable, maxSurge }
  }
  spec.revisionHistoryLimit ??= 10
  // Every object of this version has it, even before the counter starts.
  if (!set.metadata?.annotations?.[TEMPLATE_GENERATION]) setTemplateGeneration(set, 0)
}

/** The counter of the template's changes was a field in older versions of the API; in apps/v1 it is an annotation. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

function templateGeneration(set: AppsV1DaemonSet): number {
  return Number.parseInt(set.metadata?.annotations?.[TEMPLATE_GENERATION] ?? '', 10) || 0
}

function setTemplateGeneration(set: AppsV1DaemonSet, generation: number): void {
  const meta = metaOf(set)
  meta.annotations = { ...meta.annotations, [TEMPLATE_GENERATION]: String(generation) }
}
