import type { CoreV1ConfigMap, NetworkingV1ServiceCIDR } from '../../generated/types.ts'
import type { ObjectAccess } from '../context.ts'
import { ensureObject } from './ensure.ts'
import { ensureKubernetesService, type KubernetesServiceSettings } from './kubernetes-service.ts'

export interface FreshObjectsDeps {
  objects(resource: string, group?: string): ObjectAccess
  settings: FreshObjectsSettings
  /** ms since the epoch */
  clock(): number
}

export interface FreshObjectsSettings extends KubernetesServiceSettings {
  /** `--service-cluster-ip-range`, primary first. */
  readonly serviceClusterIpRanges: readonly string[]
  /** The certificates that clients are checked against, in PEM; extension servers read them from the store. */
  readonly clientCa?: string
  /** The same for proxies that name users in headers: what `requestheader-…` entries say. */
  readonly requestHeader?: Readonly<Record<string, string>>
}

const SYSTEM_NAMESPACES: readonly string[] = ['kube-system', 'kube-public', 'default', 'kube-node-lease']

const CLIENT_CA_KEY = 'client-ca-file'

const PRIORITY_CLASSES = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

/**
 * Creates what every server holds, as far as it is missing. Run at each start, before requests are served: the namespaces and the
 * range of cluster IPs have to be there for anything else.
 */
export async function ensureFreshObjects(deps: FreshObjectsDeps): Promise<void> {
  const { objects, settings, clock } = deps
  for (const name of SYSTEM_NAMESPACES) await ensureObject(objects('namespaces'), { metadata: { name } })
  await ensureServiceCidr(deps)
  for (const { name, value, description } of PRIORITY_CLASSES) {
    const priorityClass = { metadata: { name }, value, description }
    await ensureObject(objects('priorityclasses', 'scheduling.k8s.io'), priorityClass)
  }
  await ensureKubernetesService(objects, settings)
  await ensureAuthenticationConfig(objects, settings)
  await ensureTokenTracking(objects, clock())
}

/** The ServiceCIDR `kubernetes` stands for the range on the command line. Its condition is this server's to set. */
async function ensureServiceCidr({ objects, settings, clock }: FreshObjectsDeps): Promise<void> {
  const cidrs = objects('servicecidrs', 'networking.k8s.io')
  const wanted = [...settings.serviceClusterIpRanges]
  await ensureObject(cidrs, { metadata: { name: 'kubernetes' }, spec: { cidrs: wanted } } as NetworkingV1ServiceCIDR)
  const condition = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: `${new Date(clock()).toISOString().slice(0, 19)}Z`,
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
  }
  await cidrs.update('', 'kubernetes', (stored) => {
    const cidr = stored as NetworkingV1ServiceCIDR
    if (cidr.metadata?.deletionTimestamp) return undefined
    const given = cidr.spec?.cidrs ?? []
    const gainsFamily = given.length === 1 && wanted.length === 2 && given[0] === wanted[0]
    if (gainsFamily) cidr.spec = { cidrs: wanted }
    if (cidr.status?.conditions?.some(({ type }) => type === 'Ready')) return gainsFamily ? cidr : undefined
    cidr.status = { conditions: [condition] }
    return cidr
  })
}

/** Tells extension servers which client certificates to trust. Follows the server's own when those change. */
async function ensureAuthenticationConfig(
  objects: FreshObjectsDeps['objects'],
  { clientCa, requestHeader }: Pick<FreshObjectsSettings, 'clientCa' | 'requestHeader'>,
): Promise<void> {
  const data = { ...(clientCa ? { [CLIENT_CA_KEY]: clientCa } : {}), ...requestHeader }
  if (Object.keys(data).length === 0) return
  const maps = objects('configmaps')
  const wanted: CoreV1ConfigMap = {
    metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
    data,
  }
  await ensureObject(maps, wanted)
  await maps.update('kube-system', 'extension-apiserver-authentication', (stored) => {
    const map = stored as CoreV1ConfigMap
    if (Object.entries(data).every(([key, value]) => map.data?.[key] === value)) return undefined
    map.data = { ...map.data, ...data }
    return map
  })
}

/** Since when the use of old-style service account tokens has been tracked. */
async function ensureTokenTracking(objects: FreshObjectsDeps['objects'], now: number): Promise<void> {
  const wanted: CoreV1ConfigMap = {
    metadata: { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' },
    data: { since: new Date(now).toISOString().slice(0, 10) },
  }
  await ensureObject(objects('configmaps'), wanted)
}
