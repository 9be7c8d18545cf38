import type { CoreV1ComponentStatus } from '../../generated/types.ts'
import { notFound } from '../../machinery/status.ts'
import { column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'

export const componentStatus = defineKind<CoreV1ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  resource: 'componentstatuses',
  shortNames: ['cs'],
  scope: 'Cluster',
  schema: 'io.k8s.api.core.v1.ComponentStatus',
  verbs: ['get', 'list'],
  deprecated: 'v1 ComponentStatus is deprecated in v1.19+',
  virtual: {
    list: statuses,
    async get(name, context) {
      const found = (await statuses(context)).find(({ metadata }) => metadata?.name === name)
      if (!found) throw notFound({ group: '', resource: 'componentstatus' }, name)
      return found
    },
  },
  columns: [
    column('Status', 'Status of the component conditions', (component) => {
      const healthy = healthOf(component)
      return healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown'
    }),
    column('Message', 'Message of the component conditions', (component) => healthOf(component)?.message ?? ''),
    column('Error', 'Error of the component conditions', (component) => healthOf(component)?.error ?? ''),
  ],
})

const healthOf = (component: CoreV1ComponentStatus) => component.conditions?.find(({ type }) => type === 'Healthy')

async function statuses(context: WriteContext): Promise<CoreV1ComponentStatus[]> {
  const components = (await context.env.componentHealth?.()) ?? []
  return components.map(({ name, healthy, message }) => ({
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [{ type: 'Healthy', status: healthy ? 'True' : 'False', message }],
  }))
}
