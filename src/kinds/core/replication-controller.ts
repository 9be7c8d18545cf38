import type { CoreV1ReplicationController } from '../../generated/types.ts'
import { nameIsDnsSubdomain } from '../../machinery/metadata-validation.ts'
import { metaOf } from '../../machinery/object.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { scale } from '../autoscaling/scale.ts'
import { defaultPodTemplate } from './pod-spec-defaults.ts'
import { dropDisabledTemplateFields } from './pod-spec-features.ts'
import { templateWarnings } from './pod-spec-warnings.ts'
import { validateReplicationController, validateReplicationControllerStatus } from './replication-controller-rules.ts'
import { containerColumns, labelsText, selectorOfMap } from './template-columns.ts'

const SPEC = '@io.k8s.api.core.v1.ReplicationControllerSpec'
const STATUS = '@io.k8s.api.core.v1.ReplicationControllerStatus'

export const replicationController = defineKind<CoreV1ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  resource: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  updateSkipsMetadata: true,
  // Names are checked by rules that count bytes, prefixes by those that say characters.
  names: (name, prefix) => [...(prefix ? nameIsDnsSubdomain(name, true) : isDns1123Subdomain(name, 'bytes'))],
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.ReplicationController',
  storagePrefix: 'controllers',
  defaults,
  generation: 'spec',
  defaultPropagation: 'orphan',
  prepareForCreate: (rc, context) => dropDisabledTemplateFields(rc.spec?.template, undefined, context),
  prepareForUpdate: (rc, old, context) => dropDisabledTemplateFields(rc.spec?.template, old.spec?.template, context),
  validate: validateReplicationController,
  warnings: (rc, old) =>
    old && rc.metadata?.generation === old.metadata?.generation ? [] : templateWarnings('spec.template', rc.spec?.template),
  status: { validate: validateReplicationControllerStatus },
  subresources: [
    scale((rc) => selectorOfMap(rc.spec?.selector), {
      group: '',
      resource: 'replicationcontrollers',
      storagePrefix: 'controllers',
    }),
  ],
  columns: [
    column('Desired', `${SPEC}.replicas`, (rc) => rc.spec?.replicas ?? 0, { type: 'integer' }),
    column('Current', `${STATUS}.replicas`, (rc) => rc.status?.replicas ?? 0, { type: 'integer' }),
    column('Ready', `${STATUS}.readyReplicas`, (rc) => rc.status?.readyReplicas ?? 0, { type: 'integer' }),
    age,
    ...containerColumns<CoreV1ReplicationController>((rc) => rc.spec?.template),
    column('Selector', `${SPEC}.selector`, (rc) => labelsText(rc.spec?.selector), { wide: true }),
  ],
  fields: { 'status.replicas': (rc) => String(rc.status?.replicas ?? 0) },
})

const isEmpty = (map: object | undefined): boolean => !map || Object.keys(map).length === 0

/** Selector and labels are the template's unless given. */
function defaults(rc: CoreV1ReplicationController): void {
  rc.spec ??= {}
  const { spec } = rc
  spec.replicas ??= 1
  defaultPodTemplate(spec.template)
  const labels = spec.template?.metadata?.labels
  if (!labels) return
  if (isEmpty(spec.selector)) spec.selector = labels
  if (isEmpty(rc.metadata?.labels)) metaOf(rc).labels = labels
}
