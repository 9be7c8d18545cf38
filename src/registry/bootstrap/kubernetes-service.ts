import type { CoreV1Endpoints, CoreV1Service, DiscoveryV1EndpointSlice } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { addressRange, toText } from '../allocators/address-range.ts'
import type { ObjectAccess } from '../context.ts'
import { ensureObject } from './ensure.ts'

export interface KubernetesServiceSettings {
  /** `--service-cluster-ip-range`, primary first. */
  readonly serviceClusterIpRanges: readonly string[]
  /** At which address and port others reach this server. */
  readonly advertiseAddress: string
  readonly securePort: number
  /** `--kubernetes-service-node-port`; 0 for none. */
  readonly kubernetesServiceNodePort: number
  /** False with `--endpoint-reconciler-type=none`: somebody else keeps the endpoints. */
  readonly managesEndpoints: boolean
}

const NAMESPACE = 'default'
const NAME = 'kubernetes'

/** The service by which pods reach this server, at the first address of the range, and its endpoints. */
export async function ensureKubernetesService(
  objects: (resource: string, group?: string) => ObjectAccess,
  settings: KubernetesServiceSettings,
): Promise<void> {
  await ensureObject(objects('services'), serviceObject(settings))
  if (!settings.managesEndpoints) return
  await keepEqual<CoreV1Endpoints>(objects('endpoints'), endpointsObject(settings), ['subsets'])
  await keepEqual<DiscoveryV1EndpointSlice>(objects('endpointslices', 'discovery.k8s.io'), sliceObject(settings), [
    'addressType',
    'endpoints',
    'ports',
  ])
}

function serviceObject({
  serviceClusterIpRanges,
  securePort,
  kubernetesServiceNodePort,
}: KubernetesServiceSettings): CoreV1Service {
  const range = addressRange(serviceClusterIpRanges[0]!)
  const nodePort = kubernetesServiceNodePort
  return {
    metadata: { namespace: NAMESPACE, name: NAME, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: nodePort ? 'NodePort' : 'ClusterIP',
      clusterIP: toText(range.family, range.first),
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: securePort, ...(nodePort ? { nodePort } : {}) }],
    },
  }
}

function endpointsObject({ advertiseAddress, securePort }: KubernetesServiceSettings): CoreV1Endpoints {
  return {
    metadata: { namespace: NAMESPACE, name: NAME, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: advertiseAddress }], ports: [{ name: 'https', port: securePort, protocol: 'TCP' }] }],
  }
}

function sliceObject({ advertiseAddress, securePort }: KubernetesServiceSettings): DiscoveryV1EndpointSlice {
  return {
    metadata: { namespace: NAMESPACE, name: NAME, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: advertiseAddress.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
    ports: [{ name: 'https', protocol: 'TCP', port: securePort }],
  }
}

/** Creates an object, or sets these of its fields if they differ. */
async function keepEqual<T extends CoreV1Endpoints | DiscoveryV1EndpointSlice>(
  access: ObjectAccess,
  wanted: T,
  fields: readonly (keyof T)[],
): Promise<void> {
  await ensureObject(access, wanted)
  const { namespace = '', name = '' } = wanted.metadata ?? {}
  await access.update(namespace, name, (stored) => {
    const object = stored as T
    if (fields.every((field) => equal(object[field], wanted[field]))) return undefined
    for (const field of fields) object[field] = wanted[field]
    return object
  })
}
