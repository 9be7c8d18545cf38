import type { CoreV1Node } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { cidrErrors, familyOf } from '../addresses.ts'
import { roundResources } from './pod-spec-defaults.ts'
import { proxySubresource } from './proxy.ts'

const INFO = '@io.k8s.api.core.v1.NodeSystemInfo'

export const node = defineKind<CoreV1Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  resource: 'nodes',
  storagePrefix: 'minions',
  shortNames: ['no'],
  scope: 'Cluster',
  schema: 'io.k8s.api.core.v1.Node',
  defaults(node) {
    const { spec, status } = node
    roundResources(status?.capacity)
    roundResources(status?.allocatable)
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
    // The singular field wins over the list's first entry.
    if (spec?.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR]
    else if (spec?.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0] || undefined
  },
  prepareForCreate(node) {
    // The kubelet's configuration can't come from the API any more.
    if (node.spec) node.spec.configSource = undefined
    if (node.status) node.status.config = undefined
  },
  prepareForUpdate(node, old) {
    if (node.spec && !old.spec?.configSource) node.spec.configSource = undefined
  },
  validate: (node) => podRangeErrors(node, []),
  validateUpdate: (node, old) => podRangeErrors(node, old.spec?.podCIDRs ?? []),
  warnings: (node) => (node.spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
  status: {
    setOnCreate: true,
    prepare(node, old) {
      if (node.status && !old.status?.config) node.status.config = undefined
    },
  },
  subresources: [proxySubresource('NodeProxyOptions')],
  columns: [
    column('Status', 'The status of the node', condition),
    column('Roles', 'The roles of the node', roles),
    age,
    column('Version', `${INFO}.kubeletVersion`, (node) => node.status?.nodeInfo?.kubeletVersion ?? ''),
    column('Internal-IP', '@io.k8s.api.core.v1.NodeStatus.addresses', (node) => address(node, 'InternalIP'), { wide: true }),
    column('External-IP', '@io.k8s.api.core.v1.NodeStatus.addresses', (node) => address(node, 'ExternalIP'), { wide: true }),
    column('OS-Image', `${INFO}.osImage`, (node) => node.status?.nodeInfo?.osImage || '<unknown>', { wide: true }),
    column('Kernel-Version', `${INFO}.kernelVersion`, kernel, { wide: true }),
    column(
      'Container-Runtime',
      `${INFO}.containerRuntimeVersion`,
      (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
      { wide: true },
    ),
  ],
  fields: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
})

function condition(node: CoreV1Node): string {
  const ready = node.status?.conditions?.findLast(({ type }) => type === 'Ready')
  const text = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
  return node.spec?.unschedulable ? `${text},SchedulingDisabled` : text
}

const ROLE_PREFIX = 'node-role.kubernetes.io/'

function roles(node: CoreV1Node): string {
  const found = new Set<string>()
  const labels = node.metadata?.labels ?? {}
  for (const key in labels) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) found.add(key.slice(ROLE_PREFIX.length))
    else if (key === 'kubernetes.io/role' && labels[key]) found.add(labels[key])
  }
  return [...found].sort().join(',') || '<none>'
}

function address(node: CoreV1Node, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>'
}

function kernel(node: CoreV1Node): string {
  const { kernelVersion, architecture } = node.status?.nodeInfo ?? {}
  if (!kernelVersion) return '<unknown>'
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion
}

function podRangeErrors(node: CoreV1Node, old: readonly string[]): FieldError[] {
  const ranges = node.spec?.podCIDRs ?? []
  const errors = ranges.flatMap((range, i) => cidrErrors(`spec.podCIDRs[${i}]`, range, old))
  const families = ranges.map((range) => familyOf(range.split('/')[0] ?? ''))
  if (ranges.length > 1 && !errors.length && (ranges.length > 2 || families[0] === families[1])) {
    errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
  }
  return errors
}
