import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { badRequest } from '../machinery/status.ts'
import { age, type Column, column } from '../registry/columns.ts'
import type { KindDefinition } from '../registry/kind.ts'
import { orderedMeta } from '../registry/write-rules.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'

export type IncludeObject = 'Metadata' | 'Object' | 'None'

/** @throws StatusError 400 */
export function includeObject(value: string | null): IncludeObject {
  if (value === null || value === '') return 'Metadata'
  if (value === 'Metadata' || value === 'Object' || value === 'None') return value
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  )
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const CREATED_AT: Column<KubeObject> = column(
  'Created At',
  `@${META}.creationTimestamp`,
  (object) => object.metadata?.creationTimestamp ?? null,
  { type: 'date' },
)

/** What tables are made of: a served resource, or a subresource with columns of its own. */
export interface Tabled {
  readonly columns: readonly Column<KubeObject>[] | undefined
  readonly kind: Pick<KindDefinition, 'displayName' | 'rowConditions' | 'fieldAnnotations' | 'custom'>
  fromStorage(object: KubeObject): KubeObject
  /** What the cells of a stored object's row are read from: a fresh copy. */
  object(entry: CacheEntry): KubeObject
}

/** Makes meta.k8s.io Tables, which is what kubectl prints. */
export class TableMaker {
  readonly #describe: (reference: string) => string
  readonly #clock: () => number
  readonly #definitions = new WeakMap<readonly Column<KubeObject>[], JsonObject[]>()
  readonly #columns = new WeakMap<Tabled, readonly Column<KubeObject>[]>()

  /** @param describe the API description of `type.field` */
  constructor(deps: { describe: (reference: string) => string; clock: () => number }) {
    this.#describe = deps.describe
    this.#clock = deps.clock
  }

  #columnsOf(served: Tabled): readonly Column<KubeObject>[] {
    let columns = this.#columns.get(served)
    if (!columns) {
      const own = served.columns ?? [CREATED_AT]
      const { displayName } = served.kind
      const name: Column<KubeObject> = column(
        'Name',
        `@${META}.name`,
        (object) => (displayName ? displayName(object) : (object.metadata?.name ?? '')),
        { format: 'name' },
      )
      columns = own.some((c) => c.name === 'Name') ? own : [name, ...own]
      this.#columns.set(served, columns)
    }
    return columns
  }

  definitions(served: Tabled): JsonObject[] {
    const columns = this.#columnsOf(served)
    let definitions = this.#definitions.get(columns)
    if (!definitions) {
      definitions = columns
        .filter((c) => !c.undeclared)
        .map((c) => ({
          name: c.name,
          type: c.type,
          format: c.format,
          description: c.description.startsWith('@') ? this.#describe(c.description.slice(1)) : c.description,
          priority: c.priority,
        }))
      this.#definitions.set(columns, definitions)
    }
    return definitions
  }

  row(served: Tabled, entry: CacheEntry, include: IncludeObject, version: string): JsonObject {
    return this.rowOf(served, served.object(entry), include, version)
  }

  rowOf(served: Tabled, object: KubeObject, include: IncludeObject, version: string): JsonObject {
    const now = this.#clock()
    const row: JsonObject = { cells: this.#columnsOf(served).map((c) => c.cell(object, now)) }
    const conditions = served.kind.rowConditions?.(object)
    if (conditions?.length) row.conditions = conditions
    if (include === 'Metadata') row.object = partial(object, version, served)
    else if (include === 'Object') row.object = served.fromStorage(object) as JsonObject
    else row.object = null
    return row
  }

  table(served: Tabled, rows: JsonObject[], metadata: JsonObject, version: string): JsonObject {
    return {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
      columnDefinitions: this.definitions(served),
      rows,
    }
  }
}

/** An object cut down to its metadata, without the annotations that carry fields. */
export function partial(object: KubeObject, version: string, of: Tabled): JsonObject {
  let metadata = object.metadata ?? {}
  const { fieldAnnotations, custom } = of.kind
  if (custom) metadata = orderedMeta(metadata)
  if (fieldAnnotations && metadata.annotations) {
    const { annotations: all, ...rest } = metadata
    const kept = Object.entries(all).filter(([key]) => !fieldAnnotations.includes(key))
    metadata = kept.length ? { ...metadata, annotations: Object.fromEntries(kept) } : rest
  }
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: metadata as JsonObject }
}

export { age }
