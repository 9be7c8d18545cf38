import { setImmediate } from 'node:timers/promises'
import { GarbageCollector } from '../controllers/garbage-collector.ts'
import { NamespaceDeletion } from '../controllers/namespace-deletion.ts'
import { DEFAULT_SERVICE_ACCOUNT, type KeptObject, PerNamespace, rootCaConfigMap } from '../controllers/per-namespace.ts'
import type { CoreV1Namespace } from '../generated/types.ts'
import type { Logger } from '../observability/logger.ts'
import { controllerEnabled } from '../options/standalone.ts'
import type { Options } from '../options/table.ts'
import { apiVersionOf } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'
import type { Resource } from '../registry/resource.ts'
import { CacheFollower, type FollowHandler } from './cache-follower.ts'

export interface ControllersDeps {
  options: Options
  logger: Logger
  registry: Registry
  /** ms since the epoch. */
  clock: () => number
  /** What clients check this server's certificate by, in PEM. */
  ca: () => string
}

export interface Controllers extends AsyncDisposable {
  /** Tells that `ca` says something else now. */
  caChanged(): void
  /** Resolves once the garbage collector knows of all that is stored, and there is nothing left to do that needn't wait. */
  settled(): Promise<void>
  /** Begins nothing more, and resolves when what runs is done. */
  close(): Promise<void>
}

/** How often the garbage collector looks for resources that are served since or no more. */
const RESOURCES_EVERY_MS = 5_000

/**
 * Starts the loops that a server without kube-controller-manager needs, as far as `--controllers` says. Resolves when every namespace has
 * what it is to have; the garbage collector loads what it needs to know in the background.
 */
export async function startControllers(deps: ControllersDeps): Promise<Controllers> {
  const controllers = new RunningControllers(deps)
  try {
    await controllers.start()
    return controllers
  } catch (error) {
    await controllers.close()
    throw error
  }
}

class RunningControllers implements Controllers {
  readonly #deps: ControllersDeps
  readonly #kept: PerNamespace[] = []
  readonly #deletion: NamespaceDeletion | undefined
  readonly #collector: GarbageCollector | undefined
  readonly #kinds: ServedKinds
  readonly #followers: CacheFollower[] = []
  /** Those of the garbage collector. */
  readonly #collected = new Map<Resource, CacheFollower>()
  #collecting: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(deps: ControllersDeps) {
    this.#deps = deps
    const { registry, clock } = deps
    this.#kinds = new ServedKinds(registry)
    if (this.#enabled('serviceaccount-controller')) this.#keep(DEFAULT_SERVICE_ACCOUNT)
    if (this.#enabled('root-ca-certificate-publisher-controller'))
      this.#keep(rootCaConfigMap(deps.ca, deps.options.tlsCertFile === ''))
    if (this.#enabled('namespace-controller')) {
      this.#deletion = new NamespaceDeletion({
        namespaces: () => registry.objects('namespaces'),
        resources: () => this.#kinds.resources().filter(({ kind }) => kind.scope === 'Namespaced'),
        clock,
        onError: this.#failed('a namespace that is deleted could not be emptied yet', 'namespace'),
      })
    }
    if (deps.options.enableGarbageCollector && this.#enabled('garbage-collector-controller')) {
      this.#collector = new GarbageCollector({
        resourceOf: (apiVersion, kind) => this.#kinds.find(apiVersion, kind),
        onError: this.#failed('an object with owners could not be looked after', 'key'),
      })
    }
  }

  #all(): (PerNamespace | NamespaceDeletion | GarbageCollector)[] {
    return [...this.#kept, this.#deletion, this.#collector].filter((controller) => controller !== undefined)
  }

  #enabled(name: string): boolean {
    return controllerEnabled(this.#deps.options.controllers, name)
  }

  #failed(message: string, field: string) {
    return (error: unknown, about: string): void => this.#deps.logger.warn(message, { [field]: about, error })
  }

  #keep(kept: KeptObject): void {
    this.#kept.push(
      new PerNamespace({
        kept,
        objects: () => this.#deps.registry.objects(kept.resource),
        onError: this.#failed(`${kept.resource} ${kept.name} could not be kept`, 'namespace'),
      }),
    )
  }

  async start(): Promise<void> {
    const { registry } = this.#deps
    // What is there already is known before the namespaces ask for it.
    for (const kept of this.#kept) {
      const { resource, name } = kept.kept
      await this.#follow(registry.resource(resource), {
        put: ({ key }) => {
          if (key.endsWith(`/${name}`)) kept.check(namespaceIn(key))
        },
        remove: (namespace, removed) => {
          if (removed === name) kept.check(namespace)
        },
      })
    }
    if (this.#kept.length > 0 || this.#deletion) {
      await this.#follow(registry.resource('namespaces'), {
        put: (entry) => {
          const namespace = entry.object<CoreV1Namespace>()
          const { name = '' } = namespace.metadata ?? {}
          for (const kept of this.#kept) kept.putNamespace(name, namespace.status?.phase !== 'Terminating')
          this.#deletion?.put(namespace)
        },
        remove: (_, name) => {
          for (const kept of this.#kept) kept.removeNamespace(name)
          this.#deletion?.remove(name)
        },
      })
    }
    await Promise.all(this.#kept.map((kept) => kept.settled()))
    if (this.#collector) this.#collecting = this.#collect(this.#collector)
  }

  async #follow(resource: Resource, handler: FollowHandler): Promise<CacheFollower> {
    const onError = (error: unknown): void =>
      this.#deps.logger.warn('what controllers look after could not be loaded again', { resource: resource.kind.resource, error })
    const follower = new CacheFollower(resource.store, handler, onError)
    this.#followers.push(follower)
    await follower.start()
    return follower
  }

  /** One resource after the other, so that requests come in between: nothing is collected before all are known. */
  async #collect(collector: GarbageCollector): Promise<void> {
    let generation = -1
    for (;;) {
      await setImmediate()
      try {
        // What is defined meanwhile is followed the next time.
        generation = this.#deps.registry.generation
        await this.#followResources(collector)
        break
      } catch (error) {
        if (this.#closed) return
        this.#deps.logger.warn('the garbage collector could not load what is stored', { error })
        await new Promise((resolve) => setTimeout(resolve, RESOURCES_EVERY_MS).unref())
      }
    }
    if (this.#closed) return
    collector.start()
    this.#timer = setInterval(() => {
      const { generation: now } = this.#deps.registry
      if (now === generation) return
      generation = now
      this.#followResources(collector).then(
        // Owners of kinds that weren't known may be there now.
        () => collector.lookAgain(),
        (error: unknown) => this.#deps.logger.warn('the garbage collector could not load what is stored', { error }),
      )
    }, RESOURCES_EVERY_MS).unref()
  }

  async #followResources(collector: GarbageCollector): Promise<void> {
    // Events own nothing and are owned by nobody, but there are many.
    const served = new Set(this.#kinds.resources().filter(({ kind }) => kind.resource !== 'events' || kind.group !== ''))
    for (const [resource, follower] of this.#collected) {
      if (served.has(resource)) continue
      follower.close()
      this.#collected.delete(resource)
    }
    for (const resource of served) {
      if (this.#collected.has(resource) || this.#closed) continue
      const follower = await this.#follow(resource, {
        put: (entry) => collector.put(resource, entry),
        remove: (_namespace, _name, key, last) => collector.remove(key, last),
        caughtUp: () => collector.lookAgain(),
      })
      this.#collected.set(resource, follower)
      await setImmediate()
    }
  }

  caChanged(): void {
    for (const kept of this.#kept) kept.check()
  }

  async settled(): Promise<void> {
    await this.#collecting
    for (const controller of this.#all()) await controller.settled()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all(this.#all().map((controller) => controller.close()))
    for (const follower of this.#followers) follower.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** The resources that are served and can be deleted; found anew when others are served. */
class ServedKinds {
  readonly #registry: Registry
  #generation = -1
  #byKind = new Map<string, Resource>()
  #resources: readonly Resource[] = []

  constructor(registry: Registry) {
    this.#registry = registry
  }

  find(apiVersion: string, kind: string): Resource | undefined {
    this.#refresh()
    return this.#byKind.get(`${apiVersion}/${kind}`)
  }

  resources(): readonly Resource[] {
    this.#refresh()
    return this.#resources
  }

  #refresh(): void {
    if (this.#generation === this.#registry.generation) return
    this.#generation = this.#registry.generation
    this.#byKind = new Map()
    const resources = new Set<Resource>()
    for (const { served, resource } of this.#registry.endpoints()) {
      const { kind } = resource
      if (kind.virtual || !['delete', 'list', 'watch'].every((verb) => kind.verbs.some((has) => has === verb))) continue
      // Versions of a custom resource are all the same objects: one stands for all.
      const main = kind.custom ? this.#registry.resource(kind.resource, kind.group) : resource
      this.#byKind.set(`${apiVersionOf(served)}/${kind.kind}`, main)
      resources.add(main)
    }
    this.#resources = [...resources]
  }
}

function namespaceIn(key: string): string {
  const parts = key.split('/')
  return parts.at(-2) ?? ''
}
