import type { CoreV1Pod, ResourceV1DeviceClass, ResourceV1ResourceClaim } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { Quantity, ZERO_QUANTITY } from '../../machinery/quantity.ts'
import type { Facts, ObjectReader } from '../objects.ts'
import type { Amounts } from './amounts.ts'
import { countName, type Evaluator, ONE } from './evaluator.ts'
import { isExtendedForQuota } from './pods.ts'

const COUNT = countName({ group: 'resource.k8s.io', resource: 'resourceclaims' })
const OF_CLASS = '.deviceclass.resource.k8s.io/devices'
const IMPLICIT = 'requests.deviceclass.resource.kubernetes.io/'
const FOR_POD = 'resource.kubernetes.io/extended-resource-claim'
/** The most devices that a claim can be given. */
const MOST_DEVICES = 32

interface OwnedClaim {
  name: string
  created: string
  /** The uid of the pod whose extended resources it is for. */
  pod: string | undefined
}

interface PodFacts {
  uid: string | undefined
  /** The claim for its extended resources. */
  claim: string | undefined
  usage: Amounts
}

export interface DeviceClaimRules {
  readonly objects: ObjectReader
  podUsage(pod: CoreV1Pod): Amounts
  /** Whether devices may be asked for as extended resources (KEP-5004). */
  readonly extendedResources: boolean
}

/**
 * Claims and the devices of each class that they may be given; also as the extended resource that stands for a class.
 * @returns what makes an evaluator for one request, with all that it needs of other objects
 */
export function deviceClaims(rules: DeviceClaimRules): (objects: readonly KubeObject[]) => Promise<Evaluator> {
  const group = 'resource.k8s.io'
  const classes = rules.objects.facts({ group, resource: 'deviceclasses' }, (object) => {
    const { metadata, spec } = object as ResourceV1DeviceClass
    return { name: metadata?.name ?? '', extended: spec?.extendedResourceName ?? '' }
  })
  const claims = rules.objects.facts({ group, resource: 'resourceclaims' }, ownedClaim)
  const pods = rules.objects.facts<PodFacts>({ group: '', resource: 'pods' }, (object) => {
    const pod = object as CoreV1Pod
    const claim = pod.status?.extendedResourceClaimStatus?.resourceClaimName
    return { uid: pod.metadata?.uid, claim, usage: rules.podUsage(pod) }
  })
  return async (objects) => {
    if (!rules.extendedResources) return evaluator(undefined, new Map())
    const extendedOf = new Map<string, string>()
    for (const { name, extended } of await classes.all()) if (extended) extendedOf.set(name, extended)
    const accounted = new Map<KubeObject, Amounts>()
    for (const object of objects) {
      const usage = await usageOfPod(object as ResourceV1ResourceClaim, pods, claims)
      if (usage) accounted.set(object, usage)
    }
    return evaluator(extendedOf, accounted)
  }
}

/**
 * @param extendedOf the extended resource that stands for a class; unset when there are none at all
 * @param accounted what the pod that a claim was made for is charged with already
 */
function evaluator(extendedOf: ReadonlyMap<string, string> | undefined, accounted: ReadonlyMap<KubeObject, Amounts>): Evaluator {
  const extended = new Set(extendedOf?.values())
  return {
    handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
    counts(name) {
      if (name === COUNT || name.endsWith(OF_CLASS)) return true
      if (name.startsWith(IMPLICIT)) return extendedOf?.has(name.slice(IMPLICIT.length)) ?? false
      return isExtendedForQuota(name) && extended.has(name.slice('requests.'.length))
    },
    usage(object) {
      const devices = devicesByClass(object as ResourceV1ResourceClaim)
      const usage = new Map([[COUNT, ONE]])
      for (const [name, count] of devices) usage.set(name + OF_CLASS, Quantity.of(count))
      if (!extendedOf) return usage
      const byPod = accounted.get(object)
      for (const [name, count] of devices) {
        const names = [IMPLICIT + name]
        const stands = extendedOf.get(name)
        if (stands) names.push(`requests.${stands}`)
        for (const resource of names) {
          const rest = Quantity.of(count).sub(byPod?.get(resource) ?? ZERO_QUANTITY)
          if (rest.sign > 0) usage.set(resource, rest)
        }
      }
      return usage
    },
  }
}

/** Of alternatives the one that takes the most. */
function devicesByClass({ spec }: ResourceV1ResourceClaim): Map<string, number> {
  const total = new Map<string, number>()
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
    const most = new Map<string, number>()
    for (const { deviceClassName = '', allocationMode, count = 0 } of firstAvailable?.length ? firstAvailable : [exactly ?? {}]) {
      const devices = allocationMode === 'All' ? MOST_DEVICES : allocationMode === 'ExactCount' ? count : 0
      if (devices > (most.get(deviceClassName) ?? 0)) most.set(deviceClassName, devices)
    }
    for (const [name, devices] of most) total.set(name, (total.get(name) ?? 0) + devices)
  }
  return total
}

function ownedClaim(object: KubeObject): OwnedClaim {
  const { name = '', creationTimestamp = '' } = object.metadata ?? {}
  return { name, created: creationTimestamp, pod: podOf(object)?.uid }
}

/** The pod for whose extended resources a claim was made. */
function podOf({ metadata }: KubeObject): { name: string; uid: string } | undefined {
  if (metadata?.annotations?.[FOR_POD] !== 'true') return undefined
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (owner?.kind !== 'Pod' || owner.apiVersion !== 'v1') return undefined
  return { name: owner.name ?? '', uid: owner.uid ?? '' }
}

/** Of claims that say they are for the same pod, it is the first. */
async function usageOfPod(
  claim: ResourceV1ResourceClaim,
  pods: Facts<PodFacts>,
  claims: Facts<OwnedClaim>,
): Promise<Amounts | undefined> {
  const owner = podOf(claim as KubeObject)
  if (!owner) return undefined
  const { name = '', namespace = '', creationTimestamp = '' } = claim.metadata ?? {}
  const pod = await pods.get(namespace, owner.name)
  if (pod?.uid !== owner.uid) return undefined
  if (pod.claim !== undefined) return pod.claim === name ? pod.usage : undefined
  const isEarlier = (other: OwnedClaim) =>
    other.pod === owner.uid && (other.created < creationTimestamp || (other.created === creationTimestamp && other.name < name))
  return (await claims.inNamespace(namespace)).some(isEarlier) ? undefined : pod.usage
}
