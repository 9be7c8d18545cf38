import type { TypeDecoder } from '../machinery/decode.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { Atom } from '../machinery/managed-fields/atoms.ts'
import { equalButTimes } from '../machinery/managed-fields/entries.ts'
import type { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { fieldsOf, NO_FIELDS, union } from '../machinery/managed-fields/fields.ts'
import { managedFieldsAfterUpdate, type Writer } from '../machinery/managed-fields/update.ts'
import {
  type FieldFilter,
  sameButManagedFields,
  type VersionView,
  type Views,
  without,
} from '../machinery/managed-fields/views.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { apiVersionOf, type KindDefinition } from './kind.ts'
import type { RequestContext } from './request-context.ts'
import { ServedResource } from './served.ts'
import { timestamp } from './write-rules.ts'

/** Keeps the managed fields of one kind's objects. */
export class FieldManager {
  readonly #kind: KindDefinition
  readonly #decoder: TypeDecoder
  readonly #atoms: FactAtoms
  readonly #views = new Map<string, VersionView>()
  readonly #filters = new Map<string, FieldFilter | undefined>()
  readonly #versions: readonly string[]

  constructor(kind: KindDefinition, decoder: TypeDecoder, atoms: FactAtoms) {
    this.#kind = kind
    this.#decoder = decoder
    this.#atoms = atoms
    this.#versions = [kind, ...(kind.alsoServed ?? [])].map(apiVersionOf)
  }

  readonly views: Views = (apiVersion) => {
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
    const next = managedFieldsAfterUpdate({
      before,
      after: object,
      writer: this.writer(context),
      views: this.views,
      filter: this.filter(subresource),
    })
    const meta = metaOf(object)
    if (next) meta.managedFields = next
    else delete meta.managedFields
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

function viewOf(served: ServedResource, decoder: TypeDecoder, atoms: FactAtoms): VersionView {
  const atom: Atom = atoms.atom(served.schema)
  const empty: JsonObject = { ...decoder.decode(served.schema, {}), kind: served.kind.kind, apiVersion: served.apiVersion }
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
