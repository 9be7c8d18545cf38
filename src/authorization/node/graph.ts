import type { CoreV1PersistentVolume, CoreV1Pod } from '../../generated/types.ts'
import { referencesOf, volumeSecrets } from './references.ts'

/** Kinds of which each object belongs to one node. */
export type OwnedKind = 'pods' | 'volumeattachments' | 'resourceslices'

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

interface PodFacts {
  node: string
  /** Keys into `#uses`. */
  uses: readonly string[]
}

interface VolumeFacts {
  /** `namespace/name` of the claim. */
  claim: string
  secrets: readonly string[]
}

/** Which objects have to do with which node: through the pods that run there, their claims and volumes. */
export class NodeGraph {
  readonly #pods = new Map<string, PodFacts>()
  /** How many pods on each node use an object, by `resource/namespace/name`. */
  readonly #uses = new Map<string, Map<string, number>>()
  readonly #volumes = new Map<string, VolumeFacts>()
  /** Volumes by the secrets that they need. */
  readonly #volumesOf = new Map<string, Set<string>>()
  readonly #owned = new Map<string, string>()

  setPod(pod: CoreV1Pod): void {
    const { namespace = '', name = '', annotations } = pod.metadata ?? {}
    this.deletePod(namespace, name)
    const node = pod.spec?.nodeName
    if (!node) return
    // A node makes its mirror pods by itself: they may not open anything to it.
    const references = annotations?.[MIRROR_ANNOTATION] === undefined ? referencesOf(pod) : []
    const uses = [...references].map((reference) => {
      const slash = reference.indexOf('/')
      return `${reference.slice(0, slash)}/${namespace}/${reference.slice(slash + 1)}`
    })
    this.#pods.set(`${namespace}/${name}`, { node, uses })
    for (const key of uses) {
      let counts = this.#uses.get(key)
      if (!counts) this.#uses.set(key, (counts = new Map()))
      counts.set(node, (counts.get(node) ?? 0) + 1)
    }
  }

  deletePod(namespace: string, name: string): void {
    const key = `${namespace}/${name}`
    const facts = this.#pods.get(key)
    if (!facts) return
    this.#pods.delete(key)
    for (const used of facts.uses) {
      const counts = this.#uses.get(used) as Map<string, number>
      const left = (counts.get(facts.node) ?? 0) - 1
      if (left > 0) counts.set(facts.node, left)
      else counts.delete(facts.node)
      if (counts.size === 0) this.#uses.delete(used)
    }
  }

  setVolume(volume: CoreV1PersistentVolume): void {
    const name = volume.metadata?.name ?? ''
    this.deleteVolume(name)
    const claim = volume.spec?.claimRef
    if (!claim) return
    const secrets = volumeSecrets(volume)
    this.#volumes.set(name, { claim: `${claim.namespace ?? ''}/${claim.name ?? ''}`, secrets })
    for (const secret of secrets) {
      const volumes = this.#volumesOf.get(secret)
      if (volumes) volumes.add(name)
      else this.#volumesOf.set(secret, new Set([name]))
    }
  }

  deleteVolume(name: string): void {
    const facts = this.#volumes.get(name)
    if (!facts) return
    this.#volumes.delete(name)
    for (const secret of facts.secrets) {
      const volumes = this.#volumesOf.get(secret)
      volumes?.delete(name)
      if (volumes?.size === 0) this.#volumesOf.delete(secret)
    }
  }

  /** @param node empty when the object belongs to none */
  setOwned(kind: OwnedKind, name: string, node: string): void {
    if (node) this.#owned.set(`${kind}/${name}`, node)
    else this.#owned.delete(`${kind}/${name}`)
  }

  /** Whether an object has to do with a node. */
  related(node: string, resource: string, namespace: string, name: string): boolean {
    switch (resource) {
      case 'pods':
        return this.#pods.get(`${namespace}/${name}`)?.node === node
      case 'volumeattachments':
      case 'resourceslices':
        return this.#owned.get(`${resource}/${name}`) === node
      case 'persistentvolumes':
        return this.#mounts(node, name)
      case 'secrets':
        if (this.#used(node, resource, `${namespace}/${name}`)) return true
        for (const volume of this.#volumesOf.get(`${namespace}/${name}`) ?? []) if (this.#mounts(node, volume)) return true
        return false
      default:
        return this.#used(node, resource, `${namespace}/${name}`)
    }
  }

  #mounts(node: string, volume: string): boolean {
    const facts = this.#volumes.get(volume)
    return facts !== undefined && this.#used(node, 'persistentvolumeclaims', facts.claim)
  }

  #used(node: string, resource: string, where: string): boolean {
    return this.#uses.get(`${resource}/${where}`)?.has(node) ?? false
  }
}
