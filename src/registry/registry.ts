import type { AdmissionChain } from '../admission/plugin.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import type { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
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

  /** Every group version that is served. */
  groupVersions(): { group: string; version: string }[] {
    const found = new Map<string, { group: string; version: string }>()
    for (const { served } of this.#endpoints.values())
      found.set(served.apiVersion, { group: served.group, version: served.version })
    return [...found.values()]
  }

  serves(group: string, version: string): boolean {
    for (const { served } of this.#endpoints.values()) if (served.group === group && served.version === version) return true
    return false
  }

  servesGroup(group: string): boolean {
    for (const { served } of this.#endpoints.values()) if (served.group === group) return true
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

  /** Ends all watches. */
  close(reason: Error): void {
    for (const resource of this.#resources.values()) resource.store.cache.close(reason)
  }
}
