import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { SchemaFacts } from '../machinery/schema.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { AccessReviewer } from './access.ts'
import type { ExpressionChecks } from './expressions.ts'
import type { TokenIssuer } from './tokens.ts'

/** What a kind's hooks may know and use of the server around them. */
export interface WriteContext {
  /** The time of the request, in ms since the epoch. */
  readonly now: number
  readonly user: UserInfo
  readonly dryRun: boolean
  /** The group version that the request speaks, such as `v1` or `events.k8s.io/v1`. */
  readonly apiVersion: string
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string
  /** The name in the path; empty on create. */
  readonly name: string
  /** Empty for the resource itself. */
  readonly subresource: string
  readonly operation: 'create' | 'update' | 'delete' | 'connect'
  readonly env: KindEnvironment
  /** Adds a Warning header to the answer. */
  warn(text: string): void
  /** Adds an annotation to the request's audit events. */
  annotate(key: string, value: string): void
}

/** The same for every request: what the composition root supplies. */
export interface KindEnvironment {
  readonly settings: KindSettings
  readonly serviceAddresses: ServiceAddresses
  readonly nodePorts: PortAllocator
  /** Who somebody is and what they may do. */
  readonly access: AccessReviewer
  /** Issues service account tokens. */
  readonly tokens?: TokenIssuer
  /** What is known of the types, for messages that print whole objects. */
  readonly facts?: SchemaFacts
  /** Compiles the expressions in objects; without it they are taken as they are. */
  readonly expressions?: ExpressionChecks
  /** How the other components of the control plane are; without it nothing is known of them. */
  componentHealth?(): Promise<readonly ComponentHealth[]>
  /** The resource that serves a kind; undefined when none does. */
  resourceOf?(kind: { group: string; version: string; kind: string }): string | undefined
  /** Other kinds' objects. Throws when no such resource is served. */
  objects(resource: string, group?: string): ObjectAccess
}

export interface ComponentHealth {
  readonly name: string
  readonly healthy: boolean
  readonly message: string
}

export interface KindSettings {
  readonly allowPrivileged: boolean
  /** CIDRs of cluster IPs, primary first. */
  readonly serviceClusterIpRanges: readonly string[]
  /** Feature gates with their values. */
  feature(name: string): boolean
  readonly defaultNotReadyTolerationSeconds: number
  readonly defaultUnreachableTolerationSeconds: number
  /** How long an Event is kept. */
  readonly eventTtlSeconds: number
}

/** Reads and writes of stored objects from within the server, past authorization and admission. */
export interface ObjectAccess {
  /** @returns undefined when there is none; the object is the caller's to change */
  get(namespace: string, name: string): Promise<KubeObject | undefined>
  /** @param namespace empty for all */
  list(namespace: string): Promise<KubeObject[]>
  /** Create through defaults, strategy and validation. @param options `fieldManager` names who writes; `kube-apiserver` when unset */
  create(object: KubeObject, options?: { dryRun?: boolean; fieldManager?: string }): Promise<KubeObject>
  /** Reads, changes and stores until no one else wrote in between. Returning undefined from `change` writes nothing. Throws notFound. */
  update(
    namespace: string,
    name: string,
    change: (object: KubeObject) => KubeObject | undefined,
    options?: UpdateOptions,
  ): Promise<KubeObject>
  /** The same as a DELETE with these options by the server itself. Throws notFound, conflict. */
  delete(namespace: string, name: string, options?: { dryRun?: boolean; deleteOptions?: JsonObject }): Promise<KubeObject>
}

export interface UpdateOptions {
  dryRun?: boolean
  subresource?: string
  fieldManager?: string
  /** `change` returns what is applied to the object (server-side apply, by force), not what it becomes. */
  apply?: boolean
}

/** Cluster IPs, each backed by an IPAddress object. */
export interface ServiceAddresses {
  readonly families: readonly ('IPv4' | 'IPv6')[]
  /** The next free address of a family. Throws AllocationError. */
  allocateNext(family: 'IPv4' | 'IPv6', owner: AddressOwner, dryRun: boolean): Promise<string>
  /** Takes this address. Throws AllocationError. */
  allocate(address: string, owner: AddressOwner, dryRun: boolean): Promise<void>
  release(address: string): Promise<void>
}

export interface AddressOwner {
  namespace: string
  name: string
}

/** Ports that services are reached at on every node. In memory: two servers on one store must not share it. */
export interface PortAllocator {
  readonly range: { readonly base: number; readonly size: number }
  has(port: number): boolean
  /** @throws AllocationError */
  allocateNext(): number
  /** @throws AllocationError */
  allocate(port: number): void
  /** Does nothing for a port that isn't allocated. */
  release(port: number): void
}
