import fs from 'node:fs'
import path from 'node:path'
import type { Json } from './json.ts'

/**
 * A field's type: a scalar's name, `#` and a full type name, a list or a map.
 *
 * Scalars: string, bytes (base64 text), boolean, int32, int64, double, quantity, intorstring, time, microtime, duration, raw (any
 * object), fields (FieldsV1), json (any value), propsorarray, propsorbool, propsorstrings (parts of JSON schema).
 */
export type TypeExpression = string | { list: TypeExpression } | { map: TypeExpression }

/** What is known of one field, as `npm run generate` writes it. */
export interface FieldFacts {
  name: string
  type: TypeExpression
  /** Go's name of the type where `type` doesn't tell it, such as `v1.Protocol` or `[]v1.IPFamily`: errors of decoding print it. */
  goType?: string
  required?: boolean
  /** Left out when nothing is given, though required. */
  omitted?: boolean
  /** The structs that embed this field in Go, each followed by a dot: part of the path in decoding errors. */
  embedded?: string
  /** What stands there when nothing is given: also tells that the Go field is no pointer. `{}` for a struct that is always written. */
  default?: Json
  /** The Go field is a pointer to a scalar: an explicit zero value is kept. */
  pointer?: boolean
  /** The Go field is a plain IntOrString, Quantity or Duration: always written. */
  value?: boolean
  /** Go writes `null` when nothing is given. */
  nullable?: boolean
  listType?: 'map' | 'set' | 'atomic'
  /** Key fields of a `map` list. */
  keys?: string[]
  /** The map or struct in this field is replaced as a whole by apply. */
  atomic?: boolean
  /** For strategic merge patch: merge, replace, retainKeys (comma separated). */
  patchStrategy?: string
  mergeKey?: string
}

export interface TypeFacts {
  /** In the order of the Go struct, which is the order of the encoded JSON. */
  fields: FieldFacts[]
  /** The whole struct is one value to apply. */
  atomic?: boolean
  gvk?: { group: string; version: string; kind: string }
}

/** Whether Go writes a list or map field even when nothing is in it. */
export function isAlwaysWritten(field: FieldFacts): boolean {
  return Boolean((field.required && !field.omitted) || field.nullable)
}

/** Short type name → facts, for one Go package. */
export type PackageFacts = Record<string, TypeFacts>

/** Looks types up by full name, reading a package's file when it is first asked for. */
export class SchemaFacts {
  readonly #dir: string
  readonly #packages = new Map<string, PackageFacts>()

  /** @param dir holds `<package>.json` files */
  constructor(dir: string = path.join(import.meta.dirname, '../generated/schemas')) {
    this.#dir = dir
  }

  /** @param name such as `io.k8s.api.core.v1.Pod` (a leading `#` is fine); throws when there is no such type */
  type(name: string): TypeFacts {
    const full = name.startsWith('#') ? name.slice(1) : name
    const dot = full.lastIndexOf('.')
    const facts = this.package(full.slice(0, dot))[full.slice(dot + 1)]
    if (!facts) throw new Error(`no schema facts for ${full}`)
    return facts
  }

  package(name: string): PackageFacts {
    let found = this.#packages.get(name)
    if (!found) {
      found = JSON.parse(fs.readFileSync(path.join(this.#dir, `${name}.json`), 'utf8')) as PackageFacts
      this.#packages.set(name, found)
    }
    return found
  }

  /** The facts of one field, or undefined. */
  field(type: TypeFacts, name: string): FieldFacts | undefined {
    return type.fields.find((f) => f.name === name)
  }
}
