import type {
  FlowcontrolV1FlowSchema,
  FlowcontrolV1FlowSchemaSpec,
  FlowcontrolV1PriorityLevelConfiguration,
  FlowcontrolV1PriorityLevelConfigurationSpec,
  FlowcontrolV1ResourcePolicyRule,
  FlowcontrolV1Subject,
} from '../../generated/types.ts'

/**
 * The priority levels and flow schemas that every cluster has.
 * https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults
 */

/** `-` for exempt ones; else shares, the percentage that may be lent, and, with queues, their number, hand size and length. */
type LevelFacts = '-' | readonly [shares: number, lendable: number, queues?: number, hand?: number, length?: number]

const LEVELS: Readonly<Record<string, LevelFacts>> = {
  exempt: '-',
  'catch-all': [5, 0],
  system: [30, 33, 64, 6, 50],
  'node-high': [40, 25, 64, 6, 50],
  'leader-election': [10, 0, 16, 4, 50],
  'workload-high': [40, 50, 128, 6, 50],
  'workload-low': [100, 90, 128, 6, 50],
  'global-default': [20, 50, 128, 6, 50],
}

interface SchemaFacts {
  readonly level: string
  readonly precedence: number
  readonly by?: 'ByUser' | 'ByNamespace'
  /** `user:NAME`, `group:NAME` or `account:NAMESPACE`, which stands for all accounts there. */
  readonly subjects: readonly string[]
  /** `VERBS GROUP: RESOURCES`, with ` cluster` where that includes what has no namespace. Unset for anything at all. */
  readonly resources?: readonly string[]
  /** Paths that may be read; with them nothing else is matched. */
  readonly paths?: readonly string[]
}

const EVERYONE = ['group:system:unauthenticated', 'group:system:authenticated']

const SCHEMAS: Readonly<Record<string, SchemaFacts>> = {
  exempt: { level: 'exempt', precedence: 1, subjects: ['group:system:masters'] },
  'catch-all': { level: 'catch-all', precedence: 10_000, by: 'ByUser', subjects: EVERYONE },
  probes: { level: 'exempt', precedence: 2, subjects: EVERYONE, paths: ['/healthz', '/readyz', '/livez'] },
  'system-leader-election': {
    level: 'leader-election',
    precedence: 100,
    by: 'ByUser',
    subjects: ['user:system:kube-controller-manager', 'user:system:kube-scheduler', 'account:kube-system'],
    resources: ['get,create,update coordination.k8s.io: leases'],
  },
  'system-node-high': {
    level: 'node-high',
    precedence: 400,
    by: 'ByUser',
    subjects: ['group:system:nodes'],
    resources: ['* : nodes,nodes/status cluster', '* coordination.k8s.io: leases'],
  },
  'system-nodes': { level: 'system', precedence: 500, by: 'ByUser', subjects: ['group:system:nodes'] },
  'kube-controller-manager': {
    level: 'workload-high',
    precedence: 800,
    by: 'ByNamespace',
    subjects: ['user:system:kube-controller-manager'],
  },
  'kube-scheduler': { level: 'workload-high', precedence: 800, by: 'ByNamespace', subjects: ['user:system:kube-scheduler'] },
  'kube-system-service-accounts': {
    level: 'workload-high',
    precedence: 900,
    by: 'ByNamespace',
    subjects: ['account:kube-system'],
  },
  'service-accounts': { level: 'workload-low', precedence: 9000, by: 'ByUser', subjects: ['group:system:serviceaccounts'] },
  'global-default': { level: 'global-default', precedence: 9900, by: 'ByUser', subjects: EVERYONE },
}

/** What a cluster can't do without: their specs are fixed. */
export const MANDATORY: ReadonlySet<string> = new Set(['exempt', 'catch-all'])

export const defaultPriorityLevels = (): FlowcontrolV1PriorityLevelConfiguration[] =>
  Object.keys(LEVELS).map((name) => ({ metadata: { name }, spec: priorityLevelSpec(name)! }))

export const defaultFlowSchemas = (): FlowcontrolV1FlowSchema[] =>
  Object.keys(SCHEMAS).map((name) => ({ metadata: { name }, spec: flowSchemaSpec(name)! }))

/** The spec of a default priority level; undefined for others. */
export function priorityLevelSpec(name: string): FlowcontrolV1PriorityLevelConfigurationSpec | undefined {
  const facts = Object.hasOwn(LEVELS, name) ? LEVELS[name] : undefined
  if (facts === undefined) return undefined
  if (facts === '-') return { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }
  const [nominalConcurrencyShares, lendablePercent, queues, handSize, queueLengthLimit] = facts
  const queuing = queues === undefined ? undefined : { queues, handSize: handSize!, queueLengthLimit: queueLengthLimit! }
  const limitResponse = queuing ? { type: 'Queue', queuing } : { type: 'Reject' }
  return { type: 'Limited', limited: { nominalConcurrencyShares, limitResponse, lendablePercent } }
}

/** The spec of a default flow schema; undefined for others. */
export function flowSchemaSpec(name: string): FlowcontrolV1FlowSchemaSpec | undefined {
  const facts = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined
  if (!facts) return undefined
  const { level, precedence, by, paths, resources } = facts
  const all = !paths && !resources
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    ...(by ? { distinguisherMethod: { type: by } } : {}),
    rules: [
      {
        subjects: facts.subjects.map(subject),
        ...(paths ? {} : { resourceRules: (resources ?? ['* *: * cluster']).map(resourceRule) }),
        ...(all ? { nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] } : {}),
        ...(paths ? { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: [...paths] }] } : {}),
      },
    ],
  }
}

function subject(text: string): FlowcontrolV1Subject {
  const colon = text.indexOf(':')
  const name = text.slice(colon + 1)
  switch (text.slice(0, colon)) {
    case 'user':
      return { kind: 'User', user: { name } }
    case 'group':
      return { kind: 'Group', group: { name } }
    default:
      return { kind: 'ServiceAccount', serviceAccount: { namespace: name, name: '*' } }
  }
}

function resourceRule(text: string): FlowcontrolV1ResourcePolicyRule {
  const [, verbs = '', group = '', resources = '', cluster] = /^(\S+) (\S*): (\S+)( cluster)?$/.exec(text) ?? []
  return {
    verbs: verbs.split(','),
    apiGroups: [group],
    resources: resources.split(','),
    ...(cluster ? { clusterScope: true } : {}),
    namespaces: ['*'],
  }
}
