import { humanDuration } from '../machinery/duration.ts'
import type { KubeObject } from '../machinery/object.ts'

export type Cell = string | number | boolean | null

/** One column of a kind's table. */
export interface Column<T extends KubeObject> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  /** `name` marks the object's name. */
  format: string
  /** Text, or `@<type>.<field>` to take that field's description. */
  description: string
  /** 0 is shown always, 1 only with `-o wide`. */
  priority: number
  /** The cell is sent, but the column isn't declared (as the reference does for IPAddress). */
  undeclared?: boolean
  /** The cell's value; a null is printed as `<none>` by clients. `now` is in ms since the epoch. */
  cell(object: T, now: number): Cell
}

export interface ColumnOptions {
  type?: Column<KubeObject>['type']
  format?: string
  wide?: boolean
  undeclared?: boolean
}

/**
 * @param description text, or `@io.k8s.api.core.v1.PodStatus.phase` to take that field's description
 */
export function column<T extends KubeObject>(
  name: string,
  description: string,
  cell: (object: T, now: number) => Cell,
  options: ColumnOptions = {},
): Column<T> {
  return {
    name,
    type: options.type ?? 'string',
    format: options.format ?? '',
    description,
    priority: options.wide ? 1 : 0,
    ...(options.undeclared ? { undeclared: true } : {}),
    cell,
  }
}

/** The age of a time as clients print it; `<unknown>` when there is none. */
export function ageOf(time: string | null | undefined, now: number): string {
  return time ? humanDuration(Math.max(0, now - Date.parse(time))) : '<unknown>'
}

/** The usual last column. */
export const age: Column<KubeObject> = column(
  'Age',
  '@io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta.creationTimestamp',
  (object, now) => ageOf(object.metadata?.creationTimestamp, now),
)
