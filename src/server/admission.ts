import { certificateApproval } from '../admission/certificate-approval.ts'
import { certificateSigning } from '../admission/certificate-signing.ts'
import { certificateSubjectRestriction } from '../admission/certificate-subject-restriction.ts'
import { defaultIngressClass } from '../admission/default-ingress-class.ts'
import { defaultStorageClass } from '../admission/default-storage-class.ts'
import { defaultTolerationSeconds } from '../admission/default-toleration-seconds.ts'
import { namespaceLifecycle } from '../admission/namespace-lifecycle.ts'
import { nodeRestriction } from '../admission/node-restriction.ts'
import type { Facts, ObjectReader } from '../admission/objects.ts'
import { persistentVolumeClaimResize } from '../admission/persistent-volume-claim-resize.ts'
import type { AdmissionPlugin } from '../admission/plugin.ts'
import { priority } from '../admission/priority.ts'
import { runtimeClass } from '../admission/runtime-class.ts'
import { serviceAccount } from '../admission/service-account.ts'
import type { SignerAccess } from '../admission/signers.ts'
import { storageObjectInUseProtection } from '../admission/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from '../admission/taint-nodes-by-condition.ts'
import type { AudienceAccess } from '../admission/token-audiences.ts'
import { resourceAttributes } from '../authorization/attributes.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { KubeObject } from '../machinery/object.ts'
import { enabledAdmissionPlugins } from '../options/admission.ts'
import { featureEnabled } from '../options/feature-gates.ts'
import type { Options } from '../options/table.ts'
import type { Registry } from '../registry/registry.ts'
import { afterPrefix } from '../registry/resource.ts'
import type { KindStore } from '../registry/store.ts'
import { generatedName } from '../registry/write-rules.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { Snapshot } from '../storage/watch-cache.ts'

export interface AdmissionDeps {
  options: Options
  registry: Registry
  authorizer: Authorizer
  /** An integer in [0, max). */
  random: (max: number) => number
}

/** The plugins that the flags switch on, in the reference's order. */
export function admissionPlugins({ options, registry, authorizer, random }: AdmissionDeps): AdmissionPlugin[] {
  const objects = objectReader(registry)
  const signers = signerAccess(authorizer)
  const seconds = {
    notReady: options.defaultNotReadyTolerationSeconds,
    unreachable: options.defaultUnreachableTolerationSeconds,
  }
  const built = [
    namespaceLifecycle(objects),
    serviceAccount({
      objects,
      generateName: (base) => generatedName(base, random),
      pause: (ms, namespace) => changeWithin(registry.resource('serviceaccounts').store, namespace, ms),
    }),
    nodeRestriction({
      objects,
      restrictAudiences: featureEnabled(options.featureGates, 'ServiceAccountNodeAudienceRestriction'),
      access: audienceAccess(authorizer),
    }),
    taintNodesByCondition,
    priority(objects),
    defaultTolerationSeconds(seconds),
    defaultStorageClass(objects),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(objects),
    runtimeClass(objects),
    certificateApproval(signers),
    certificateSigning(signers),
    certificateSubjectRestriction,
    defaultIngressClass(objects),
  ]
  const byName = new Map(built.map((plugin) => [plugin.name, plugin]))
  return enabledAdmissionPlugins(options.enableAdmissionPlugins, options.disableAdmissionPlugins).map((name) => {
    const plugin = byName.get(name)
    if (!plugin) throw new Error(`no admission plugin ${name}`)
    return plugin
  })
}

/** Resolves when something changes in a namespace, or after this many ms. */
async function changeWithin(store: KindStore, namespace: string, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const watcher = store.cache.watchFrom(store.cache.snapshot(), {
    prefix: store.prefix(namespace),
    exact: false,
    onEvent: () => resolve(),
    onFail: () => resolve(),
  })
  await promise
  clearTimeout(timer)
  watcher.close()
}

/** Other kinds' objects as the watch caches hold them. */
export function objectReader(registry: Registry): ObjectReader {
  return {
    facts<T extends {}>({ group, resource }: { group: string; resource: string }, derive: (object: KubeObject) => T): Facts<T> {
      return new CachedFacts(registry.resource(resource, group).store, derive)
    },
  }
}

/** What was derived is kept beside the cache's entries, and goes with them. */
class CachedFacts<T extends {}> implements Facts<T> {
  readonly #store: KindStore
  readonly #derive: (object: KubeObject) => T
  readonly #known = new WeakMap<CacheEntry, T>()
  #listed: { tree: Snapshot['tree']; all: readonly T[] } | undefined

  constructor(store: KindStore, derive: (object: KubeObject) => T) {
    this.#store = store
    this.#derive = derive
  }

  get(namespace: string, name: string): T | undefined | Promise<T | undefined> {
    const { cache } = this.#store
    return cache.loaded ? this.#get(namespace, name) : cache.ready().then(() => this.#get(namespace, name))
  }

  async fresh(namespace: string, name: string): Promise<T | undefined> {
    const { cache } = this.#store
    await cache.ready()
    await cache.consistentSnapshot()
    return this.#get(namespace, name)
  }

  all(): readonly T[] | Promise<readonly T[]> {
    const { cache } = this.#store
    return cache.loaded ? this.#all() : cache.ready().then(() => this.#all())
  }

  #get(namespace: string, name: string): T | undefined {
    const entry = this.#store.cache.get(this.#store.key(namespace, name))
    return entry && this.#of(entry)
  }

  #of(entry: CacheEntry): T {
    let facts = this.#known.get(entry)
    if (facts === undefined) {
      facts = this.#derive(entry.object<KubeObject>())
      this.#known.set(entry, facts)
    }
    return facts
  }

  #all(): readonly T[] {
    const { tree } = this.#store.cache.snapshot()
    if (this.#listed?.tree === tree) return this.#listed.all
    const all: T[] = []
    const prefix = this.#store.prefix('')
    tree.forEach(prefix, afterPrefix(prefix), (entry) => {
      all.push(this.#of(entry))
      return true
    })
    this.#listed = { tree, all }
    return all
  }
}

/** Signers are a resource that nobody stores: rights to it are asked for as if somebody sent a request. */
function signerAccess(authorizer: Authorizer): SignerAccess {
  return {
    async allowed(user, verb, name) {
      const asked = resourceAttributes({ verb, apiGroup: 'certificates.k8s.io', resource: 'signers', name })
      return (await authorizer.authorize(user, asked)).verdict === 'allow'
    },
  }
}

function audienceAccess(authorizer: Authorizer): AudienceAccess {
  return {
    async mayRequestAudience(user, audience, namespace, serviceAccount) {
      const verb = 'request-serviceaccounts-token-audience'
      const asked = resourceAttributes({ verb, resource: audience, namespace, name: serviceAccount })
      return (await authorizer.authorize(user, asked)).verdict === 'allow'
    },
  }
}
