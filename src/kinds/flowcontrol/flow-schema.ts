import type { FlowcontrolV1FlowSchema } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { conditionErrors } from './condition-rules.ts'
import { validateFlowSchema } from './flow-schema-rules.ts'

const TYPES = '@io.k8s.api.flowcontrol.v1'

const precedence = (object: FlowcontrolV1FlowSchema): number => object.spec?.matchingPrecedence ?? 0
const nameOf = (object: FlowcontrolV1FlowSchema): string => object.metadata?.name ?? ''

export const flowSchema = defineKind<FlowcontrolV1FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  resource: 'flowschemas',
  scope: 'Cluster',
  schema: 'io.k8s.api.flowcontrol.v1.FlowSchema',
  generation: 'spec',
  defaults(object) {
    if (object.spec && !object.spec.matchingPrecedence) object.spec.matchingPrecedence = 1000
  },
  validate: validateFlowSchema,
  status: { prepare: keepMetadata, validate: (object) => conditionErrors(object.status?.conditions) },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  columns: [
    column(
      'PriorityLevel',
      `${TYPES}.PriorityLevelConfigurationReference.name`,
      (object) => object.spec?.priorityLevelConfiguration?.name ?? '',
    ),
    column('MatchingPrecedence', `${TYPES}.FlowSchemaSpec.matchingPrecedence`, precedence),
    column(
      'DistinguisherMethod',
      `${TYPES}.FlowSchemaSpec.distinguisherMethod`,
      (object) => object.spec?.distinguisherMethod?.type ?? '<none>',
    ),
    age,
    column(
      'MissingPL',
      'references a broken or non-existent PriorityLevelConfiguration',
      (object) => object.status?.conditions?.find((condition) => condition.type === 'Dangling')?.status ?? '?',
    ),
  ],
  // As requests are matched: first the lowest number, then the first name.
  tableOrder: (a, b) => precedence(a) - precedence(b) || (nameOf(a) < nameOf(b) ? -1 : 1),
})
