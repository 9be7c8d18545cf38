import type { ApiextensionsV1CustomResourceColumnDefinition } from '../generated/types.ts'
import { stringifyJson } from '../machinery/go-json.ts'
import { goFloat } from '../machinery/go-number.ts'
import type { Json, JsonObject } from '../machinery/json.ts'
import { compileJsonPath } from '../machinery/json-path.ts'
import type { KubeObject } from '../machinery/object.ts'
import { age, ageOf, type Cell, type Column, column } from '../registry/columns.ts'

type Definition = ApiextensionsV1CustomResourceColumnDefinition

/** The default column, whose cell is a time where the column says so. */
const AGE: Column<KubeObject> = { ...age, type: 'date' }

/** A version's columns after the name. */
export function printerColumns(definitions: readonly Definition[] | undefined): readonly Column<KubeObject>[] {
  return definitions?.length ? definitions.map(printerColumn) : [AGE]
}

function printerColumn({ name = '', type = '', format, description, priority, jsonPath = '' }: Definition): Column<KubeObject> {
  const find = compileJsonPath(jsonPath)
  const cell = (object: KubeObject, now: number): Cell => {
    const [first] = find?.(object as JsonObject) ?? []
    if (first === undefined) return null
    return type === 'string' ? textOf(first) : cellOf(first, type, now)
  }
  const told = description || `Custom resource definition column (in JSONPath format): ${jsonPath}`
  const made = column(name, told, cell, { type: type as Column<KubeObject>['type'], format: format ?? '' })
  return { ...made, priority: priority ?? 0 }
}

/** A value as Go prints it; lists and maps are JSON. */
function textOf(value: Json): string {
  if (value === null) return '<nil>'
  if (typeof value === 'object') return stringifyJson(value)
  return typeof value === 'number' && !Number.isInteger(value) ? goFloat(value) : String(value)
}

/** What doesn't fit its column isn't shown. */
function cellOf(value: Json, type: string, now: number): Cell {
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? Number(value) : null
    case 'number':
      return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      if (typeof value !== 'string') return null
      return value === '' ? '<unknown>' : isTime(value) ? ageOf(value, now) : '<invalid>'
    default:
      return null
  }
}

const isTime = (text: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
