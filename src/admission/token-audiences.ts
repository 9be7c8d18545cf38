import type {
  AuthenticationV1TokenRequest,
  CoreV1PersistentVolume,
  CoreV1PersistentVolumeClaim,
  CoreV1Pod,
  StorageV1CSIDriver,
} from '../generated/types.ts'
import { goQuote } from '../machinery/go-text.ts'
import type { UserInfo } from '../machinery/user.ts'
import { find, type ObjectReader } from './objects.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** Rights to ask for tokens of an audience that no pod names. */
export interface AudienceAccess {
  /** @param audience stands in the place of a resource, the service account in that of its name */
  mayRequestAudience(user: UserInfo, audience: string, namespace: string, serviceAccount: string): Promise<boolean>
}

/**
 * Which audiences the tokens may have that a kubelet asks for: those that the pod's volumes name, by themselves or through their CSI
 * drivers. https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-audience-restriction-for-nodes
 *
 * @returns what is wrong with a request for a token, whose pod has been looked at already
 */
export function tokenAudiences(
  objects: ObjectReader,
  access: AudienceAccess,
): (attributes: AdmissionAttributes) => Promise<string | undefined> {
  const pods = objects.facts({ group: '', resource: 'pods' }, (object) => object as CoreV1Pod)
  const claims = objects.facts({ group: '', resource: 'persistentvolumeclaims' }, (object) => ({
    volume: (object as CoreV1PersistentVolumeClaim).spec?.volumeName ?? '',
  }))
  const volumes = objects.facts({ group: '', resource: 'persistentvolumes' }, (object) => ({
    driver: (object as CoreV1PersistentVolume).spec?.csi?.driver ?? '',
  }))
  const drivers = objects.facts({ group: 'storage.k8s.io', resource: 'csidrivers' }, (object) => ({
    audiences: ((object as StorageV1CSIDriver).spec?.tokenRequests ?? []).map((request) => request.audience ?? ''),
  }))

  const driverHas = async (driver: string, audience: string): Promise<boolean> =>
    driver !== '' && ((await find(drivers, '', driver))?.audiences.includes(audience) ?? false)

  const podHas = async (pod: CoreV1Pod, namespace: string, audience: string): Promise<boolean> => {
    for (const volume of pod.spec?.volumes ?? []) {
      const tokens = volume.projected?.sources?.flatMap(({ serviceAccountToken }) => serviceAccountToken ?? []) ?? []
      if (tokens.some((token) => (token.audience ?? '') === audience)) return true
      if (volume.csi && (await driverHas(volume.csi.driver ?? '', audience))) return true
      const claimName =
        volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata?.name}-${volume.name}` : undefined)
      if (!claimName) continue
      const claim = await find(claims, namespace, claimName)
      const bound = claim?.volume ? await find(volumes, '', claim.volume) : undefined
      if (bound && (await driverHas(bound.driver, audience))) return true
    }
    return false
  }

  return async ({ operation, object, namespace, name, user }) => {
    if (operation !== 'CREATE') return undefined
    const { audiences = [], boundObjectRef } = (object as AuthenticationV1TokenRequest).spec ?? {}
    if (audiences.length > 1) return 'node may only request 0 or 1 audiences'
    const audience = audiences[0] ?? ''
    const pod = await find(pods, namespace, boundObjectRef?.name ?? '')
    if (pod && (await podHas(pod, namespace, audience))) return undefined
    if (await access.mayRequestAudience(user, audience, namespace, name)) return undefined
    return `audience ${goQuote(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`
  }
}
