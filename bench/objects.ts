import type { Client } from './client.ts'

export const NAMESPACE = 'bench'

/**
 * A pod as deployments make them, with what one usually has: probes, volumes, resources, a sidecar, a spread. About 3.5 kB of JSON once
 * its defaults are set, without the record of field managers.
 */
export function pod(name: string, namespace = NAMESPACE): object {
  const probe = (path: string, periodSeconds: number) => ({ httpGet: { path, port: 'web' }, periodSeconds, failureThreshold: 4 })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/name': 'shop', 'app.kubernetes.io/component': 'cart', track: 'stable', load: 'yes' },
      annotations: {
        'example.com/config-digest': 'sha256:5d41402abc4b2a76b9719d911017c592ae3c1e0b4f7d6a2c',
        'example.com/owner': 'team-checkout@example.com',
        'example.com/round': '0',
      },
    },
    spec: {
      containers: [
        {
          name: 'cart',
          image: 'registry.example.com/shop/cart:2.17.0',
          command: ['/usr/bin/cart', '--listen=:8443', '--log=json'],
          env: [
            { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            { name: 'REDIS', valueFrom: { secretKeyRef: { name: 'redis', key: 'address' } } },
            { name: 'REGION', value: 'eu-central' },
          ],
          ports: [
            { name: 'web', containerPort: 8443 },
            { name: 'stats', containerPort: 9100 },
          ],
          resources: { requests: { cpu: '150m', memory: '192Mi' }, limits: { cpu: '1', memory: '384Mi' } },
          livenessProbe: probe('/live', 20),
          readinessProbe: probe('/ready', 5),
          volumeMounts: [
            { name: 'settings', mountPath: '/etc/cart', readOnly: true },
            { name: 'scratch', mountPath: '/var/tmp' },
          ],
        },
        {
          name: 'shipper',
          image: 'registry.example.com/infra/log-shipper:0.9.3',
          args: ['--source=/var/tmp', '--target=logs.infra.svc.cluster.local:514'],
          env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          resources: { requests: { cpu: '20m', memory: '32Mi' } },
        },
      ],
      volumes: [
        { name: 'settings', configMap: { name: 'cart-settings' } },
        { name: 'scratch', emptyDir: { sizeLimit: '1Gi' } },
      ],
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
      tolerations: [{ key: 'shop', operator: 'Exists', effect: 'NoSchedule' }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'shop' } },
        },
      ],
    },
  }
}

/** Creates a namespace with the service account that pods in it need. */
export async function createNamespace(client: Client, name: string): Promise<void> {
  await client.demand('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  // Where a controller makes it, it may be there already.
  const account = JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })
  const { status, body } = await client.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, account)
  if (status !== 201 && status !== 409) throw new Error(body)
}

export const podName = (index: number): string => `pod-${String(index).padStart(5, '0')}`

/** Creates the pods that reads are measured on. */
export async function createPods(client: Client, count: number): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await client.demand('POST', `/api/v1/namespaces/${NAMESPACE}/pods`, pod(podName(next++)))
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}
