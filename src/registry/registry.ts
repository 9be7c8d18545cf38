import type { AdmissionChain } from '../admission/plugin.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import type { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { WatchEndedError } from '../storage/cache-watch.ts'
import type { KindEnvironment, ObjectAccess } from './context.ts'
import { apiVersionOf, type KindDefinition } from './kind.ts'
import { Resource } from './resource.ts'
import { ServedResource } from './served.ts'
import { KindStore, type StoreDeps } from './store.ts'
import { StoredProtobuf } from './stored-protobuf.ts'

export interface RegistryDeps extends StoreDeps {
  admission: AdmissionChain
  decoder: TypeDecoder
  /** The built-in types as managed fields see them. */
  atoms: FactAtoms
  clock: () => number
  random: (max: number) => number
  uuid: () => string
  garbageCollection: boolean
}

/** One resource as a path names it: what version it is in, and the registry behind it. */
export interface Endpoint {
  readonly served: ServedResource
  readonly resource: Resource
}

/** Every resource that the server has, by the group version that serves it. */
export class Registry {
  readonly #deps: RegistryDeps
  readonly #protobuf: StoredProtobuf
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #resources = new Map<string, Resource>()
  #kinds: KindDefinition[] = []
  #generation = 0

  constructor(deps: RegistryDeps) {
    this.#deps = deps
    this.#protobuf = new StoredProtobuf(deps.decoder)
  }

  /** @param served whether a group version is switched on (`--runtime-config`) */
  add(kinds: readonly KindDefinition[], env: KindEnvironment, served: (gv: { group: string; version: string }) => boolean): void {
    const fromProtobuf = (kind: KindDefinition, value: Buffer) => this.#protobuf.toJson(kind, value)
    for (const kind of kinds) {
      const { admission, decoder, atoms, clock, random, uuid, garbageCollection } = this.#deps
      const store = new KindStore(kind, { ...this.#deps, fromProtobuf })
      const resource = new Resource({ store, admission, decoder, atoms, env, clock, random, uuid, garbageCollection })
      this.#resources.set(`${kind.group}/${kind.resource}`, resource)
      if (served(kind)) this.#serve(new ServedResource(kind, decoder), resource)
      for (const other of kind.alsoServed ?? [])
        if (served(other)) this.#serve(new ServedResource(kind, decoder, other), resource)
    }
    const shown = kinds
      .filter((kind) => served(kind))
      .map((kind) => {
        const alsoServed = kind.alsoServed?.filter((other) => served(other)) ?? []
        return alsoServed.length === (kind.alsoServed?.length ?? 0) ? kind : { ...kind, alsoServed }
      })
    this.#kinds = [...this.#kinds, ...shown]
    this.#generation++
  }

  /**
   * Serves a custom resource by these kinds, one for each version, on the store that it has or gets. Watches of what was served of it
   * before end, unless objects are read and shown as they were (`sameObjects`).
   * @param kinds all of one group and resource, that of the storage version among them
   */
  define(kinds: readonly KindDefinition[], env: KindEnvironment, { sameObjects = false } = {}): void {
    const [first] = kinds
    if (!first) return
    const name = `${first.group}/${first.resource}`
    const { admission, decoder, atoms, clock, random, uuid, garbageCollection } = this.#deps
    let store = this.#resources.get(name)?.store
    if (store && !store.kind.custom) throw new Error(`${name} is a built-in resource`)
    this.#hideCustom(first)
    if (!sameObjects) store?.cache.startOver(new WatchEndedError())
    for (const kind of kinds) {
      store = new KindStore(kind, this.#deps, store)
      const resource = new Resource({ store, admission, decoder, atoms, env, clock, random, uuid, garbageCollection })
      // The one that stands for all is that of the version in which objects are stored.
      if (kind.custom?.storageVersion === kind.version) this.#resources.set(name, resource)
      if (kind.custom?.served) this.#serve(new ServedResource(kind, decoder), resource)
    }
    this.#kinds = [...this.#kinds, ...kinds.filter(({ custom }) => custom?.served)]
    this.#generation++
  }

  /** Serves a custom resource no more. */
  undefine(of: { group: string; resource: string }): void {
    const name = `${of.group}/${of.resource}`
    const store = this.#resources.get(name)?.store
    if (!store?.kind.custom) return
    this.#hideCustom(of)
    this.#resources.delete(name)
    store.cache.close(new WatchEndedError())
    this.#generation++
  }

  #hideCustom(of: { group: string; resource: string }): void {
    for (const [key, { served }] of this.#endpoints)
      if (served.kind.custom && served.group === of.group && served.kind.resource === of.resource) this.#endpoints.delete(key)
    this.#kinds = this.#kinds.filter((kind) => !kind.custom || kind.group !== of.group || kind.resource !== of.resource)
  }

  #serve(served: ServedResource, resource: Resource): void {
    this.#endpoints.set(`${served.apiVersion}/${served.kind.resource}`, { served, resource })
  }

  /** Every kind with the versions that are served; a new list when `generation` changes. */
  kinds(): readonly KindDefinition[] {
    return this.#kinds
  }

  get generation(): number {
    return this.#generation
  }

  find(group: string, version: string, resource: string): Endpoint | undefined {
    return this.#endpoints.get(`${apiVersionOf({ group, version })}/${resource}`)
  }

  /** Where a kind is served. */
  resourceOf({ group, version, kind }: { group: string; version: string; kind: string }): Endpoint | undefined {
    for (const endpoint of this.#endpoints.values()) {
      const { served } = endpoint
      if (served.kind.kind === kind && served.group === group && served.version === version) return endpoint
    }
    return undefined
  }

  endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values()
  }

  /** Every group version of built-in resources that is served. */
  groupVersions(): { group: string; version: string }[] {
    const found = new Map<string, { group: string; version: string }>()
    for (const { served } of this.#endpoints.values())
      if (!served.kind.custom) found.set(served.apiVersion, { group: served.group, version: served.version })
    return [...found.values()]
  }

  serves(group: string, version: string): boolean {
    for (const { served } of this.#endpoints.values()) if (served.group === group && served.version === version) return true
    return false
  }

  /** Whether a group has built-in resources that are served. */
  servesGroup(group: string): boolean {
    for (const { served } of this.#endpoints.values()) if (served.group === group && !served.kind.custom) return true
    return false
  }

  resources(): Iterable<Resource> {
    return this.#resources.values()
  }

  resource(resource: string, group = ''): Resource {
    const found = this.#resources.get(`${group}/${resource}`)
    if (!found) throw new Error(`no resource ${resource}${group && `.${group}`}`)
    return found
  }

  objects(resource: string, group = ''): ObjectAccess {
    return this.resource(resource, group)
  }

  /** The kinds that serve a resource, one for each version of a custom one. */
  versionsOf(group: string, resource: string): KindDefinition[] {
    return this.#kinds.filter((kind) => kind.group === group && kind.resource === resource)
  }

  /** The objects of a custom resource, whether it is served in any version or not; undefined when it isn't defined. */
  customObjects(group: string, resource: string): ObjectAccess | undefined {
    const found = this.#resources.get(`${group}/${resource}`)
    return found?.kind.custom && found
  }

  /** Ends all watches. */
  close(reason: Error): void {
    for (const resource of this.#resources.values()) resource.store.cache.close(reason)
  }
}
