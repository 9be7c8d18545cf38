import type { FieldError } from '../machinery/field-errors.ts'
import type { Json, JsonObject } from '../machinery/json.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import type { FieldFilter, Views } from '../machinery/managed-fields/views.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { ObjectCodec } from './codec.ts'
import type { Column } from './columns.ts'
import type { WriteContext } from './context.ts'

/**
 * All there is to say of one kind. Everything else (routes, discovery, OpenAPI, storage keys, tables, selectors, tests) derives from it.
 * `T` is the storage version's type from src/generated/types.ts; hooks see decoded objects of that version and may change the object
 * that they are given (never `old`).
 */
export interface KindSpec<T extends KubeObject> {
  /** API group; empty for the core group. */
  group: string
  /** The storage version, which is also the preferred one. */
  version: string
  kind: string
  /** Lower-case plural, as in paths. */
  resource: string
  /** Lower-case singular; the kind in lower case when unset. */
  singular?: string
  shortNames?: readonly string[]
  categories?: readonly string[]
  scope: 'Namespaced' | 'Cluster'
  /** Full name of the storage version's type facts, such as `io.k8s.api.apps.v1.Deployment`. */
  schema: string
  /** Other group versions that serve the same objects. */
  alsoServed?: readonly ServedVersion<T>[]
  /** The part of the storage key after `/registry/`; the resource's name when unset. */
  storagePrefix?: string
  /** Verbs served on the resource itself; all eight when unset. */
  verbs?: readonly Verb[]
  /** Answers requests without any storage (reviews, component statuses). */
  virtual?: VirtualResource<T>

  /** Which names are allowed, by the name of a validator in machinery/validation.ts; a DNS subdomain when unset. */
  names?: 'subdomain' | 'label' | 'label1035' | 'pathSegment' | ((name: string, prefix: boolean) => string[])

  /** Fills in defaults, after decoding and before admission, on every write and of every object (also of patched ones). */
  defaults?(object: T): void
  /** Resets what a creator may not set. `status` is emptied and `generation` set before this by the generic strategy. */
  prepareForCreate?(object: T, context: WriteContext): void
  /** Keeps what an update may not change. Status is taken over from `old` and generation handled before this. */
  prepareForUpdate?(object: T, old: T, context: WriteContext): void
  /** Rules beyond the metadata's, which the generic strategy checks. */
  validate?(object: T, context: WriteContext): FieldError[]
  /** Called instead of `validate` on updates (call it yourself for the common rules). */
  validateUpdate?(object: T, old: T, context: WriteContext): FieldError[]
  /** Texts for Warning headers; `old` is unset on create. */
  warnings?(object: T, old: T | undefined, context: WriteContext): string[]

  /**
   * How `metadata.generation` is kept: `spec` sets 1 on create and adds one when the spec changes; `annotations` when the annotations
   * change, too; a function decides by itself whether a change counts; `none` (the default) leaves it alone.
   */
  generation?: 'spec' | 'annotations' | 'none' | ((object: T, old: T) => boolean)
  /** Whether PUT may create (default no). */
  createOnUpdate?: boolean
  /** Whether PUT without a resource version overwrites (default yes). */
  unconditionalUpdate?: boolean
  /** Updates check only what changed of the metadata: the kind's own validation of updates doesn't look at all of it again. */
  updateSkipsMetadata?: boolean
  /** Whether DELETE answers with the deleted object (default no: a Status). */
  returnsDeleted?: boolean
  /** What becomes of dependents when a delete names no policy: `background` (default) or `orphan` (adds the orphan finalizer). */
  defaultPropagation?: 'background' | 'orphan'
  /** Why an object of this name can't be deleted by itself; undefined for all others. Collections are deleted whole. */
  undeletable?(name: string): string | undefined
  /** A Warning for deletes that name no policy, where dependents stay. */
  orphanWarning?: string
  /**
   * Grace: returns the seconds to wait before the object goes; undefined or 0 deletes at once. `requested` is what the caller asked for.
   * May change `object` (a copy that is stored if it waits).
   */
  gracePeriod?(object: T, requested: number | undefined, context: WriteContext): number | undefined
  /**
   * For kinds whose first DELETE only marks an object, even one without finalizers, and whose later ones remove it once nothing holds
   * it (namespaces). Every DELETE answers with the object.
   */
  termination?: {
    /** Changes the object that was marked just now, before it is stored. */
    begin(object: T): void
    /** Whether something besides metadata.finalizers holds the object; asked on deletes and on updates of a marked object. */
    held(object: T): boolean
  }

  /**
   * Takes what the object needs from elsewhere (addresses, ports). Called before `prepareForCreate` and validation, whose failures the
   * result undoes, and on dry runs, too. Its own errors come before all of validation's.
   */
  beforeCreate?(object: T, context: WriteContext): Promise<Undo | undefined>
  /** The same before `prepareForUpdate`, and only for writes of the resource itself, not of its subresources. */
  beforeUpdate?(object: T, old: T, context: WriteContext): Promise<Undo | undefined>
  /** Gives back what the old object held and the new one doesn't, after the update was stored. Never called on dry runs. */
  afterUpdate?(object: T, old: T, context: WriteContext): Promise<void>
  /** Gives back what a deleted object held. Never called on dry runs. */
  afterDelete?(object: T, context: WriteContext): Promise<void>

  /** Whether the kind has a `status` that only the status subresource writes; true adds that subresource. */
  status?: boolean | StatusStrategy<T>
  subresources?: readonly Subresource<T>[]

  /**
   * What belongs to no manager though it writes it, since the kind resets it: paths such as `metadata.labels`, or a filter, by
   * subresource (empty for the object itself). Unset: `status`, and `spec` for the status subresource, of kinds that have a status.
   */
  resetFields?: Readonly<Record<string, readonly string[] | FieldFilter>>

  /** Table columns after `Name`, which every kind has (unless one of these is called so). Unset: Name and Created At. */
  columns?: readonly Column<T>[]
  /** What the Name column shows instead of the object's name, such as `standard (default)`. */
  displayName?(object: T): string
  /**
   * Annotations that carry what was a field once. Whoever asks for the metadata alone doesn't get them, since they are written only
   * where the object turns into its version.
   */
  fieldAnnotations?: readonly string[]
  /** What the spec of an empty object, such as a bookmark's, has though it is empty. */
  blankSpec?: JsonObject
  /** Conditions of a table row, such as a pod's being completed. */
  rowConditions?(object: T): JsonObject[]
  /** The order of a list's rows in tables, for kinds whose lists are shown in another order than that of the list. */
  tableOrder?(a: T, b: T): number
  /**
   * Selectable fields besides metadata.name and metadata.namespace. Absent values are ''. A kind that declares any (even none, as `{}`)
   * refuses others with "field label not supported: x", the rest with `"x" is not a known field selector: …`.
   */
  fields?: Readonly<Record<string, (object: T) => string>>
  /** The text of a Warning header on every answer of this version, such as `v1 Endpoints is deprecated in v1.33+; use …`. */
  deprecated?: string
  /** How long objects live by themselves, in seconds. */
  ttlSeconds?(object: T, context: WriteContext): number | undefined
  /** What objects are like by version, of kinds that have no type facts. */
  jsonSchemas?: Readonly<Record<string, Schema>>
  /** Set for what a definition made at run time. */
  custom?: CustomKind
}

/**
 * What kinds have that come into being at run time. Each version of a custom resource is a kind of its own, with rules of its own, on the
 * store that they share; hooks see objects of that version.
 */
export interface CustomKind {
  /** Tells what is made of this kind from what was made of others with the same name, before it or after. */
  readonly tag: string
  readonly listKind: string
  /** The version in which objects are stored. */
  readonly storageVersion: string
  /** Whether it can be reached; the version in which objects are stored is known even if not. */
  readonly served: boolean
  /** The definition is about to go: nothing new is created. */
  readonly terminating: boolean
  readonly codec: ObjectCodec
  /**
   * Brings stored objects to this version, where that takes asking somebody: before anything else is asked of them. Unset where it
   * doesn't.
   * @throws (rejects) StatusError 500
   */
  prepare?(entries: readonly CacheEntry[]): Promise<void>
  /** A stored object's JSON in this version. @throws StatusError 500 when it had to be prepared, and wasn't */
  bytes(entry: CacheEntry): Buffer
  /** An object of another version in this one. May change what it gets. @throws StatusError 500 when that takes asking somebody */
  fromOther(object: JsonObject): KubeObject
  /**
   * Brings an object of another version to this one, where that takes asking somebody; its input stays as it is. Unset where it doesn't.
   * @throws (rejects) StatusError 500
   */
  convert?(object: JsonObject): Promise<JsonObject>
  /** Takes an object of this version to that in which objects are stored. Shares parts with its input. */
  toStored(object: KubeObject): JsonObject | Promise<JsonObject>
  /** How every version sees objects of this one. */
  readonly views: Views
  /** Where versions have the number of replicas that a Scale shows, as managed fields name it. */
  replicas(apiVersion: string): readonly string[] | undefined
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

export type Undo = () => Promise<void>

/** A group version besides the storage version. */
export interface ServedVersion<T extends KubeObject> {
  group: string
  version: string
  schema: string
  /** Both get and return plain objects; kind and apiVersion are set by the caller. They may share parts with their input. */
  toStorage(object: KubeObject): T
  fromStorage(object: T): KubeObject
  /** Defaults of this version, before conversion. */
  defaults?(object: KubeObject): void
  columns?: readonly Column<T>[]
  /** Selectable fields of this version, read from the stored object; the kind's when unset. */
  fields?: Readonly<Record<string, (object: T) => string>>
  /** As KindSpec.deprecated. */
  deprecated?: string
}

export interface StatusStrategy<T extends KubeObject> {
  /** A creator may set the status (default no: it is emptied). */
  setOnCreate?: boolean
  /** Called on the incoming object after everything but status and metadata was taken from `old`. */
  prepare?(object: T, old: T, context: WriteContext): void
  validate?(object: T, old: T, context: WriteContext): FieldError[]
}

/** Anything below `<resource>/<name>/`. Exactly one of `write`, `create` or `connect` says what it does; `read` what GET shows. */
export interface Subresource<T extends KubeObject> {
  name: string
  /** The kind in discovery and in bodies; the parent's when unset. */
  kind?: { group: string; version: string; kind: string; schema: string }
  verbs: readonly ('create' | 'delete' | 'get' | 'patch' | 'update')[]
  /** What GET shows, and what update and patch start from; the parent itself when unset. */
  read?(parent: T): KubeObject
  /** Why a parent has nothing that GET could show. */
  unreadable?(parent: T): string | undefined
  /** Table columns of what `read` shows; the parent's when unset. */
  columns?: readonly Column<KubeObject>[]
  /** Update and patch: returns the changed parent. `incoming` is decoded by `kind`'s schema. Throw StatusErrors. */
  write?(parent: T, incoming: KubeObject, context: WriteContext): T
  validate?(object: T, old: T, context: WriteContext): FieldError[]
  defaults?(object: KubeObject): void
  /** POST: does its work through the context and returns the body and status code of the answer. */
  create?(name: string, body: KubeObject, context: WriteContext): Promise<{ code: number; body: JsonObject }>
  /** Streams and proxies: the HTTP methods. */
  connect?: readonly string[]
  /** Whoever connects must be allowed to create this subresource, also by methods that are other verbs. */
  connectsAsCreate?: boolean
  /**
   * Where a connection leads: throws StatusErrors when there is nothing to connect to, or returns the answer when none is needed.
   * `name` is the one in the path, which proxies extend (`https:name:port`).
   */
  target?(name: string, query: URLSearchParams, context: WriteContext): Promise<ConnectionTarget>
}

/** Where a connection through the server leads. */
export type ConnectionTarget =
  | { readonly to: 'answer'; readonly code: number; readonly body?: JsonObject }
  | KubeletTarget
  | AddressTarget
  | NodeTarget

/** A stream of a container, at its node's kubelet. */
export interface KubeletTarget {
  readonly to: 'kubelet'
  readonly node: KubeObject
  /** Path and query at the kubelet. */
  readonly path: string
  /**
   * A log is an answer that takes its time; the others are connections of another protocol: for a command's streams, or one that carries
   * many.
   */
  readonly stream:
    | { readonly kind: 'log' /** Takes whatever certificate the kubelet has. */; readonly insecure: boolean }
    | {
        readonly kind: 'command'
        readonly stdin: boolean
        readonly stdout: boolean
        readonly stderr: boolean
        readonly tty: boolean
      }
    | { readonly kind: 'ports' }
}

/** A server in the cluster, to which requests are passed on. */
export interface AddressTarget {
  readonly to: 'address'
  readonly scheme: 'http' | 'https'
  readonly host: string
  /** The scheme's own when unset. */
  readonly port: number | undefined
}

/** A server on a node, to which requests are passed on. */
export interface NodeTarget {
  readonly to: 'node'
  readonly node: KubeObject
  /** What the path asks for; the kubelet's own when unset or the same. */
  readonly port: string
  readonly scheme: 'http' | 'https'
}

export interface VirtualResource<T extends KubeObject> {
  create?(object: T, context: WriteContext): Promise<T>
  get?(name: string, context: WriteContext): Promise<T>
  list?(context: WriteContext): Promise<T[]>
}

/** A kind with every default filled in. Hooks stay typed by the spec; users of many kinds see KubeObject. */
export interface KindDefinition extends Omit<KindSpec<KubeObject>, 'singular' | 'shortNames' | 'categories' | 'verbs'> {
  singular: string
  shortNames: readonly string[]
  categories: readonly string[]
  verbs: readonly Verb[]
  storagePrefix: string
  columns: readonly Column<KubeObject>[] | undefined
  hasStatus: boolean
}

const ALL_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Declares a built-in kind; see KindSpec. */
export function defineKind<T extends KubeObject>(spec: KindSpec<T>): KindDefinition {
  // Hooks are called with objects that were decoded by this kind's schema, which is what makes the narrowing sound.
  const general = spec as unknown as KindSpec<KubeObject>
  return Object.freeze({
    ...general,
    singular: spec.singular ?? spec.kind.toLowerCase(),
    shortNames: spec.shortNames ?? [],
    categories: spec.categories ?? [],
    verbs: spec.verbs ?? ALL_VERBS,
    storagePrefix: spec.storagePrefix ?? spec.resource,
    columns: general.columns,
    hasStatus: Boolean(spec.status),
  })
}

/** `v1`, or `apps/v1`. */
export function apiVersionOf(gv: { group: string; version: string }): string {
  return gv.group ? `${gv.group}/${gv.version}` : gv.version
}

export type { Json }
