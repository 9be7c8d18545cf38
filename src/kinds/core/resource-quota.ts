import type { CoreV1ResourceQuota } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { roundResources } from './pod-spec-defaults.ts'
import { validateResourceQuota, validateResourceQuotaStatus, validateResourceQuotaUpdate } from './resource-quota-validation.ts'

export const resourceQuota = defineKind<CoreV1ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  resource: 'resourcequotas',
  shortNames: ['quota'],
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.ResourceQuota',
  returnsDeleted: true,
  defaults(quota) {
    for (const list of [quota.spec?.hard, quota.status?.hard, quota.status?.used]) roundResources(list)
  },
  validate: validateResourceQuota,
  validateUpdate: validateResourceQuotaUpdate,
  status: { validate: validateResourceQuotaStatus },
  columns: [
    column('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.', (quota) =>
      usage(quota, false),
    ),
    column(
      'Limit',
      'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      (quota) => usage(quota, true),
    ),
    age,
  ],
})

/** `used/hard` of each resource; those of limits have a column of their own. */
function usage(quota: CoreV1ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {}
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ')
}
