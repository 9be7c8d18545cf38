import { alwaysAdmit, alwaysDeny } from '../admission/always.ts'
import { alwaysPullImages } from '../admission/always-pull-images.ts'
import { certificateApproval } from '../admission/certificate-approval.ts'
import { certificateSigning } from '../admission/certificate-signing.ts'
import { certificateSubjectRestriction } from '../admission/certificate-subject-restriction.ts'
import { defaultIngressClass } from '../admission/default-ingress-class.ts'
import { defaultStorageClass } from '../admission/default-storage-class.ts'
import { defaultTolerationSeconds } from '../admission/default-toleration-seconds.ts'
import { denyServiceExternalIPs } from '../admission/deny-service-external-ips.ts'
import { extendedResourceToleration } from '../admission/extended-resource-toleration.ts'
import { limitPodHardAntiAffinityTopology } from '../admission/limit-pod-hard-anti-affinity-topology.ts'
import { limitRanger } from '../admission/limit-ranger.ts'
import { namespaceExists } from '../admission/namespace-exists.ts'
import { namespaceLifecycle } from '../admission/namespace-lifecycle.ts'
import { nodeRestriction } from '../admission/node-restriction.ts'
import type { Facts, ObjectReader } from '../admission/objects.ts'
import { persistentVolumeClaimResize } from '../admission/persistent-volume-claim-resize.ts'
import type { AdmissionPlugin } from '../admission/plugin.ts'
import { podSecurityConfig } from '../admission/pod-security/config.ts'
import { podSecurity } from '../admission/pod-security/pod-security.ts'
import { mutatingAdmissionPolicy } from '../admission/policies/mutating.ts'
import { validatingAdmissionPolicy } from '../admission/policies/validating.ts'
import { priority } from '../admission/priority.ts'
import { resourceQuota } from '../admission/resource-quota/resource-quota.ts'
import { runtimeClass } from '../admission/runtime-class.ts'
import { serviceAccount } from '../admission/service-account.ts'
import type { SignerAccess } from '../admission/signers.ts'
import { storageObjectInUseProtection } from '../admission/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from '../admission/taint-nodes-by-condition.ts'
import type { AudienceAccess } from '../admission/token-audiences.ts'
import { mutatingAdmissionWebhook } from '../admission/webhooks/mutating.ts'
import { validatingAdmissionWebhook } from '../admission/webhooks/validating.ts'
import { resourceAttributes } from '../authorization/attributes.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { CoreV1Pod } from '../generated/types.ts'
import { aggregateBy, podQosClass } from '../kinds/core/pod-resources.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import type { Json } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { SchemaFacts } from '../machinery/schema.ts'
import { enabledAdmissionPlugins } from '../options/admission.ts'
import { featureEnabled } from '../options/feature-gates.ts'
import type { Options } from '../options/table.ts'
import type { Registry } from '../registry/registry.ts'
import { afterPrefix } from '../registry/resource.ts'
import type { KindStore } from '../registry/store.ts'
import { generatedName } from '../registry/write-rules.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { Snapshot } from '../storage/watch-cache.ts'
import type { AdmissionConfigs } from './admission-config.ts'
import { objectForms } from './object-forms.ts'
import { policyDeps } from './policies.ts'
import { type WebhookParts, webhookDeps } from './webhooks.ts'

export interface AdmissionDeps {
  options: Options
  registry: Registry
  authorizer: Authorizer
  /** An integer in [0, max). */
  random: (max: number) => number
  clock: () => number
  configs: AdmissionConfigs
  facts: SchemaFacts
  decoder: TypeDecoder
  webhooks: WebhookParts
}

/** The plugins that the flags switch on, in the reference's order. */
export function admissionPlugins(deps: AdmissionDeps): AdmissionPlugin[] {
  const { options, registry, authorizer, random, clock, configs } = deps
  const objects = objectReader(registry)
  const policies = policyDeps(objects, registry, authorizer, objectForms(deps))
  const signers = signerAccess(authorizer)
  const seconds = {
    notReady: options.defaultNotReadyTolerationSeconds,
    unreachable: options.defaultUnreachableTolerationSeconds,
  }
  const podLevelResources = featureEnabled(options.featureGates, 'PodLevelResources')
  const built = [
    alwaysAdmit,
    namespaceLifecycle(objects),
    namespaceExists(objects),
    limitPodHardAntiAffinityTopology,
    limitRanger({ objects, total: aggregateBy, podLevelResources }),
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
    podSecurity({
      objects,
      podsIn: (namespace) => podsIn(registry, namespace),
      ...configOf(configs, 'PodSecurity', podSecurityConfig),
    }),
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
    alwaysPullImages,
    extendedResourceToleration,
    denyServiceExternalIPs,
    resourceQuota({
      objects,
      store: {
        updateStatus: (namespace, name, change) =>
          registry.objects('resourcequotas').update(namespace, name, change, { subresource: 'status' }),
      },
      pods: { total: aggregateBy, qosClass: podQosClass, podLevelResources, now: clock },
      extendedResources: featureEnabled(options.featureGates, 'DRAExtendedResource'),
    }),
    alwaysDeny,
    mutatingAdmissionPolicy(policies),
    mutatingAdmissionWebhook(webhookDeps(deps.webhooks, 'MutatingAdmissionWebhook', policies, deps)),
    validatingAdmissionPolicy(policies),
    validatingAdmissionWebhook(webhookDeps(deps.webhooks, 'ValidatingAdmissionWebhook', policies, deps)),
  ]
  const byName = new Map(built.map((plugin) => [plugin.name, plugin]))
  return enabledAdmissionPlugins(options.enableAdmissionPlugins, options.disableAdmissionPlugins).map((name) => {
    const plugin = byName.get(name)
    if (!plugin) throw new Error(`no admission plugin ${name}`)
    if (configs.has(name) && UNREAD.has(name))
      throw new Error(`the configuration of admission plugin ${name} is not supported yet`)
    return plugin
  })
}

/** The plugins that the reference configures with a file, and that are not configured here. */
const UNREAD: ReadonlySet<string> = new Set([
  'EventRateLimit',
  'ImagePolicyWebhook',
  'PodNodeSelector',
  'PodTolerationRestriction',
  'ResourceQuota',
])

/** @throws Error with one line */
function configOf<T>(configs: AdmissionConfigs, name: string, read: (document: Json) => T): T | undefined {
  const document = configs.get(name)
  if (document === undefined) return undefined
  try {
    return read(document)
  } catch (error) {
    throw new Error(`the configuration of admission plugin ${name}: ${(error as Error).message}`)
  }
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

const NONE: readonly never[] = []

/** What was derived is kept beside the cache's entries, and goes with them. */
class CachedFacts<T extends {}> implements Facts<T> {
  readonly #store: KindStore
  readonly #derive: (object: KubeObject) => T
  readonly #known = new WeakMap<CacheEntry, T>()
  #listed: { tree: Snapshot['tree']; all: readonly T[] } | undefined
  /** Of the namespaces that were asked for since the tree is as it is. */
  readonly #byNamespace = new Map<string, readonly T[]>()
  #byNamespaceOf: Snapshot['tree'] | undefined

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

  inNamespace(namespace: string): readonly T[] | Promise<readonly T[]> {
    const { cache } = this.#store
    return cache.loaded ? this.#inNamespace(namespace) : cache.ready().then(() => this.#inNamespace(namespace))
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
    const all = this.#under(tree, this.#store.prefix(''))
    this.#listed = { tree, all }
    return all
  }

  #inNamespace(namespace: string): readonly T[] {
    const { tree } = this.#store.cache.snapshot()
    if (tree.size === 0) return NONE
    if (this.#byNamespaceOf !== tree) {
      this.#byNamespace.clear()
      this.#byNamespaceOf = tree
    }
    let found = this.#byNamespace.get(namespace)
    if (!found) {
      found = this.#under(tree, this.#store.prefix(namespace))
      this.#byNamespace.set(namespace, found.length ? found : NONE)
    }
    return found
  }

  #under(tree: Snapshot['tree'], prefix: string): T[] {
    const found: T[] = []
    tree.forEach(prefix, afterPrefix(prefix), (entry) => {
      found.push(this.#of(entry))
      return true
    })
    return found
  }
}

/** Decoding is left to the caller: pods are large, and there may be thousands. */
async function podsIn(registry: Registry, namespace: string): Promise<(() => CoreV1Pod)[]> {
  const { store } = registry.resource('pods')
  await store.cache.ready()
  const found: (() => CoreV1Pod)[] = []
  const prefix = store.prefix(namespace)
  store.cache.snapshot().tree.forEach(prefix, afterPrefix(prefix), (entry) => {
    found.push(() => entry.object<CoreV1Pod>())
    return true
  })
  return found
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
