import type {
  FlowcontrolV1LimitedPriorityLevelConfiguration,
  FlowcontrolV1PriorityLevelConfiguration,
  FlowcontrolV1QueuingConfiguration,
} from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { conditionErrors } from './condition-rules.ts'
import { validatePriorityLevel } from './priority-level-rules.ts'

const TYPES = '@io.k8s.api.flowcontrol.v1'
const NONE = '<none>'

export const priorityLevelConfiguration = defineKind<FlowcontrolV1PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  resource: 'prioritylevelconfigurations',
  scope: 'Cluster',
  schema: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration',
  generation: 'spec',
  defaults(object) {
    if (object.spec?.limited) defaultLimited(object.spec.limited)
    if (object.spec?.exempt) {
      object.spec.exempt.nominalConcurrencyShares ??= 0
      object.spec.exempt.lendablePercent ??= 0
    }
  },
  validate: validatePriorityLevel,
  status: { prepare: keepMetadata, validate: (object) => conditionErrors(object.status?.conditions) },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  columns: [
    column('Type', `${TYPES}.PriorityLevelConfigurationSpec.type`, (object) => object.spec?.type ?? ''),
    column('NominalConcurrencyShares', `${TYPES}.LimitedPriorityLevelConfiguration.nominalConcurrencyShares`, (object) =>
      object.spec?.limited ? (object.spec.limited.nominalConcurrencyShares ?? 0) : NONE,
    ),
    column('Queues', `${TYPES}.QueuingConfiguration.queues`, queuingCell('queues')),
    column('HandSize', `${TYPES}.QueuingConfiguration.handSize`, queuingCell('handSize')),
    column('QueueLengthLimit', `${TYPES}.QueuingConfiguration.queueLengthLimit`, queuingCell('queueLengthLimit')),
    age,
  ],
})

function defaultLimited(limited: FlowcontrolV1LimitedPriorityLevelConfiguration): void {
  limited.nominalConcurrencyShares ??= 30
  limited.lendablePercent ??= 0
  const queuing = limited.limitResponse?.queuing
  if (!queuing) return
  queuing.queues ||= 64
  queuing.handSize ||= 8
  queuing.queueLengthLimit ||= 50
}

function queuingCell(field: keyof FlowcontrolV1QueuingConfiguration) {
  return (object: FlowcontrolV1PriorityLevelConfiguration): number | string => {
    const queuing = object.spec?.limited?.limitResponse?.queuing
    return queuing ? (queuing[field] ?? 0) : NONE
  }
}
