import type { AppsV1ReplicaSet } from '../../generated/types.ts'
import type { FieldError } from '../../machinery/field-errors.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { scale } from '../autoscaling/scale.ts'
import { defaultPodTemplate } from '../core/pod-spec-defaults.ts'
import { immutable, notMoreThan, notNegative } from '../core/rules.ts'
import { containerColumns, selectorText, shownSelector } from '../core/template-columns.ts'
import { validateRunningTemplate, validateSelector, withoutEmpties } from './selector-rules.ts'
import { templateStrategy } from './template-strategy.ts'

const SPEC = '@io.k8s.api.apps.v1.ReplicaSetSpec'
const STATUS = '@io.k8s.api.apps.v1.ReplicaSetStatus'

export const replicaSet = defineKind<AppsV1ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  resource: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.apps.v1.ReplicaSet',
  defaults: (set) => {
    set.spec ??= {}
    set.spec.replicas ??= 1
    set.spec.template ??= {}
    defaultPodTemplate(set.spec.template)
  },
  generation: 'spec',
  ...templateStrategy,
  validate,
  validateUpdate: (set, old, context) => [
    ...validate(set, context),
    ...immutable('spec.selector', withoutEmpties(set.spec?.selector), withoutEmpties(old.spec?.selector)),
  ],
  status: { validate: validateStatus },
  subresources: [scale((set) => selectorText(set.spec?.selector), { group: 'apps', resource: 'replicasets' })],
  columns: [
    column('Desired', `${SPEC}.replicas`, ({ spec }) => spec?.replicas ?? 0, { type: 'integer' }),
    column('Current', `${STATUS}.replicas`, ({ status }) => status?.replicas ?? 0, { type: 'integer' }),
    column('Ready', `${STATUS}.readyReplicas`, ({ status }) => status?.readyReplicas ?? 0, { type: 'integer' }),
    age,
    ...containerColumns<AppsV1ReplicaSet>(({ spec }) => spec?.template),
    column('Selector', `${SPEC}.selector`, ({ spec }) => shownSelector(spec?.selector), { wide: true }),
  ],
})

function validate({ spec = {} }: AppsV1ReplicaSet, context: WriteContext): FieldError[] {
  return [
    ...notNegative(spec, 'spec', ['replicas', 'minReadySeconds']),
    ...validateSelector(spec, 'deployment'),
    ...validateRunningTemplate(spec, 'ReplicaSet', context),
  ]
}

function validateStatus({ status = {} }: AppsV1ReplicaSet): FieldError[] {
  const counts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const
  return [
    ...notNegative(status, 'status', ['replicas', ...counts, 'terminatingReplicas', 'observedGeneration']),
    ...notMoreThan(status, 'status', 'replicas', counts),
    ...notMoreThan(status, 'status', 'readyReplicas', ['availableReplicas'], 'cannot be greater than readyReplicas'),
  ]
}
