import type { MetaV1ManagedFieldsEntry } from '../generated/types.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import type { JsonObject } from '../machinery/json.ts'
import { applyConfiguration } from '../machinery/managed-fields/apply.ts'
import type { Atom } from '../machinery/managed-fields/atoms.ts'
import { CreatedShapes } from '../machinery/managed-fields/created-shapes.ts'
import { equalButTimes } from '../machinery/managed-fields/entries.ts'
import type { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { fieldsOf, NO_FIELDS, union } from '../machinery/managed-fields/fields.ts'
import { REPLICAS, toParentEntries, toScaleEntries } from '../machinery/managed-fields/scale.ts'
import { managedFieldsAfterUpdate, type Writer } from '../machinery/managed-fields/update.ts'
import {
  type FieldFilter,
  ownedPart,
  sameButManagedFields,
  type VersionView,
  type Views,
  without,
} from '../machinery/managed-fields/views.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { StatusError } from '../machinery/status.ts'
import { apiVersionOf, type KindDefinition, type Subresource } from './kind.ts'
import type { RequestContext } from './request-context.ts'
import { ServedResource } from './served.ts'
import { timestamp } from './write-rules.ts'

/** How a write came about: with a whole object, with a patch of one, or with what the writer wants to own of one. */
export type WriteMode = 'put' | 'patch' | 'apply'

/** Keeps the managed fields of one kind's objects. */
export class FieldManager {
  readonly #kind: KindDefinition
  readonly #decoder: TypeDecoder
  readonly #atoms: FactAtoms
  readonly #views = new Map<string, VersionView>()
  readonly #filters = new Map<string, FieldFilter | undefined>()
  readonly #shapes = new Map<string, CreatedShapes>()
  readonly #versions: readonly string[]

  constructor(kind: KindDefinition, decoder: TypeDecoder, atoms: FactAtoms) {
    this.#kind = kind
    this.#decoder = decoder
    this.#atoms = atoms
    this.#versions = [kind, ...(kind.alsoServed ?? [])].map(apiVersionOf)
  }

  readonly views: Views = (apiVersion) => {
    const { custom } = this.#kind
    if (custom) return custom.views(apiVersion)
    const known = this.#views.get(apiVersion)
    if (known || !this.#versions.includes(apiVersion)) return known
    const other = this.#kind.alsoServed?.find((version) => apiVersionOf(version) === apiVersion)
    const view = viewOf(new ServedResource(this.#kind, this.#decoder, other), this.#decoder, this.#atoms)
    this.#views.set(apiVersion, view)
    return view
  }

  /** What writes through this subresource (empty for the object itself) can't own. */
  filter(subresource: string): FieldFilter | undefined {
    if (!this.#filters.has(subresource)) this.#filters.set(subresource, resetFilter(this.#kind, subresource))
    return this.#filters.get(subresource)
  }

  /** @param object of the storage version; gets its managed fields */
  record(before: KubeObject | undefined, object: KubeObject, context: RequestContext): void {
    const { subresource } = context
    const writer = this.writer(context)
    const next = managedFieldsAfterUpdate({
      before,
      after: object,
      writer,
      views: this.views,
      filter: this.filter(subresource),
      shapes: before || subresource ? undefined : this.#shapesOf(writer.apiVersion),
    })
    const meta = metaOf(object)
    if (next) meta.managedFields = next
    else delete meta.managedFields
  }

  #shapesOf(apiVersion: string): CreatedShapes | undefined {
    let shapes = this.#shapes.get(apiVersion)
    const view = shapes ? undefined : this.views(apiVersion)
    if (view) this.#shapes.set(apiVersion, (shapes = new CreatedShapes(ownedPart(view.atom), view.empty)))
    return shapes
  }

  /** The object after server-side apply, with its managed fields. `live` is undefined when there is none yet. @throws StatusError */
  apply(live: KubeObject | undefined, config: JsonObject, force: boolean, context: RequestContext): KubeObject {
    const { subresource } = context
    const { views } = this
    const filter = this.filter(subresource)
    return applyConfiguration({ live, config, force, writer: this.writer(context), kind: this.#kind.kind, views, filter })
  }

  /** The same for a subresource with a kind of its own; `live` carries the owners that `subresourceOwners` tells of. */
  applySubresource(
    kind: NonNullable<Subresource<KubeObject>['kind']>,
    live: KubeObject,
    config: JsonObject,
    force: boolean,
    context: RequestContext,
  ): KubeObject {
    if (this.#kind.custom) throw new StatusError(500, '', UNCONVERTIBLE_SCALE)
    const view = this.#subresourceView(kind)
    const writer = { ...this.writer(context), apiVersion: view.apiVersion }
    const views: Views = (apiVersion) => (apiVersion === view.apiVersion ? view : undefined)
    return applyConfiguration({ live, config, force, writer, kind: kind.kind, views })
  }

  /** Who owns what a Scale shows of its parent. */
  subresourceOwners(parent: KubeObject): MetaV1ManagedFieldsEntry[] {
    return toScaleEntries(parent.metadata?.managedFields, this.#replicas)
  }

  /**
   * What a write through a subresource makes of the parent's managed fields. A Scale, whose fields are others than its parent's, gets
   * the managed fields of its own, and gives them back as the parent's.
   */
  recordSubresource(
    subresource: Subresource<KubeObject>,
    { current, shown, incoming }: { current: KubeObject; shown: KubeObject; incoming: KubeObject },
    context: RequestContext,
    how: WriteMode,
  ): MetaV1ManagedFieldsEntry[] | undefined {
    const { apiVersion } = this.writer(context)
    if (!subresource.kind) {
      if (how !== 'apply') this.record(current, incoming, context)
      return incoming.metadata?.managedFields
    }
    const parent = current.metadata?.managedFields
    // The reference can't tell whose the fields of a custom resource's Scale are, so that they are nobody's after a write.
    if (this.#kind.custom) return toParentEntries(parent, undefined, apiVersion, this.#replicas)
    if (how === 'apply') return toParentEntries(parent, incoming.metadata?.managedFields, apiVersion, this.#replicas)
    const view = this.#subresourceView(subresource.kind)
    const next = managedFieldsAfterUpdate({
      before: { ...shown, metadata: { ...shown.metadata, managedFields: this.subresourceOwners(current) } },
      after: incoming,
      writer: { ...this.writer(context), apiVersion: view.apiVersion },
      views: (version) => (version === view.apiVersion ? view : undefined),
    })
    return toParentEntries(parent, next, apiVersion, this.#replicas)
  }

  /** For what is created through a subresource and shown, such as a token request. */
  recordCreated(subresource: Subresource<KubeObject>, object: KubeObject, context: RequestContext): void {
    const view = subresource.kind && this.#subresourceView(subresource.kind)
    if (!view) return
    const next = managedFieldsAfterUpdate({
      before: undefined,
      after: object,
      writer: { ...this.writer(context), apiVersion: view.apiVersion },
      views: (version) => (version === view.apiVersion ? view : undefined),
      filter: without(fieldsOf('f:status')),
    })
    if (next) metaOf(object).managedFields = next
  }

  readonly #replicas = (apiVersion: string) => {
    const { custom } = this.#kind
    if (custom) return custom.replicas(apiVersion)
    return this.#versions.includes(apiVersion) ? REPLICAS : undefined
  }

  #subresourceView(kind: NonNullable<Subresource<KubeObject>['kind']>): VersionView {
    const apiVersion = apiVersionOf(kind)
    const empty: JsonObject = { ...this.#decoder.decode(kind.schema, {}), kind: kind.kind, apiVersion }
    empty.metadata ??= {}
    const store = (object: JsonObject): KubeObject => this.#decoder.decode(kind.schema, object) as KubeObject
    return { apiVersion, atom: this.#atoms.atom(kind.schema), empty, show: (object) => object as JsonObject, store }
  }

  writer(context: RequestContext): Writer {
    return {
      manager: context.fieldManager,
      apiVersion: context.apiVersion || apiVersionOf(this.#kind),
      subresource: context.subresource,
      time: timestamp(context.now),
    }
  }
}

const UNCONVERTIBLE_SCALE =
  'failed to create manager for existing fields: failed to convert live object (/; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an invalid group/version: autoscaling/v1'

function viewOf(served: ServedResource, decoder: TypeDecoder, atoms: FactAtoms): VersionView {
  const atom: Atom = atoms.atom(served.schema)
  const unset = atoms.unset(served.schema, decoder.decode(served.schema, {}))
  const empty: JsonObject = { ...unset, kind: served.kind.kind, apiVersion: served.apiVersion }
  empty.metadata ??= {}
  return {
    apiVersion: served.apiVersion,
    atom,
    empty,
    show: (object) => served.fromStorage(object) as JsonObject,
    store: (object) => served.toStorage(object),
  }
}

/**
 * A kind with a status lets nobody own it but through its subresource, which in turn gives nobody the spec. Kinds say what else they
 * reset.
 */
function resetFilter(kind: KindDefinition, subresource: string): FieldFilter | undefined {
  const own = kind.resetFields?.[subresource]
  if (typeof own === 'function') return own
  const paths = own ?? (kind.hasStatus ? DEFAULT_RESETS[subresource] : undefined)
  if (!paths?.length) return undefined
  return without(paths.map((path) => fieldsOf(...path.split('.').map((name) => `f:${name}`))).reduce(union, NO_FIELDS))
}

const DEFAULT_RESETS: Record<string, readonly string[]> = { '': ['status'], status: ['spec'] }

/** Who only took or took over what was the same anyway hasn't written: the stored times stay. */
export function keepTimes(object: KubeObject, before: KubeObject): void {
  const now = metaOf(object)
  const then = before.metadata?.managedFields
  if (now.managedFields === then || !equalButTimes(now.managedFields, then)) return
  if (then && sameButManagedFields(object, before)) now.managedFields = then
}
