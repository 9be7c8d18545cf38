import type { AppsV1Deployment } from '../../generated/types.ts'
import { metaOf } from '../../machinery/object.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { scale } from '../autoscaling/scale.ts'
import { defaultPodTemplate } from '../core/pod-spec-defaults.ts'
import { containerColumns, selectorText } from '../core/template-columns.ts'
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from './deployment-rules.ts'
import { templateStrategy } from './template-strategy.ts'

const STATUS = '@io.k8s.api.apps.v1.DeploymentStatus'

export const deployment = defineKind<AppsV1Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  resource: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.apps.v1.Deployment',
  defaults,
  generation: 'annotations',
  ...templateStrategy,
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  resetFields: { '': ['status'], status: ['spec', 'metadata.labels'] },
  status: {
    prepare: (deployment, old) => {
      metaOf(deployment).labels = metaOf(old).labels
    },
    validate: validateDeploymentStatus,
  },
  subresources: [scale((deployment) => selectorText(deployment.spec?.selector), { group: 'apps', resource: 'deployments' })],
  blankSpec: { replicas: 0, selector: null },
  columns: [
    column(
      'Ready',
      'Number of the pod with ready state',
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ),
    column('Up-to-date', `${STATUS}.updatedReplicas`, ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', `${STATUS}.availableReplicas`, ({ status }) => status?.availableReplicas ?? 0),
    age,
    ...containerColumns<AppsV1Deployment>(({ spec }) => spec?.template),
    column('Selector', '@io.k8s.api.apps.v1.DeploymentSpec.selector', ({ spec }) => selectorText(spec?.selector), { wide: true }),
  ],
})

const ROLLING = '25%'

function defaults(deployment: AppsV1Deployment): void {
  deployment.spec ??= {}
  const { spec } = deployment
  spec.replicas ??= 1
  spec.template ??= {}
  defaultPodTemplate(spec.template)
  const strategy = (spec.strategy ??= {})
  if (!strategy.type) strategy.type = 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const { maxUnavailable = ROLLING, maxSurge = ROLLING } = strategy.rollingUpdate ?? {}
    strategy.rollingUpdate = { maxUnavailable, maxSurge }
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
}
