/** What an expression's value may be, as the checker sees it. */
export type Kind =
  | 'dyn'
  | 'error'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'list'
  | 'map'
  | 'type'
  | 'param'
  | 'struct'
  | 'opaque'

/** A field of an object type. */
export interface Field {
  readonly type: Type
  /** The JSON member that holds it, when its name is no identifier and so was escaped. */
  readonly property?: string
}

/** How a list is one thing whatever its order: as a set, or by the fields that tell its elements apart. */
export type ListIdentity = 'set' | readonly string[]

/** A type. Two that look alike are alike: compare with `sameType`. */
export class Type {
  readonly kind: Kind
  /** What messages and `type()` call it. */
  readonly name: string
  /** A list's element, a map's key and value, what an optional or a type is of. */
  readonly params: readonly Type[]
  /** An object's fields. Asked for by name, since an object's fields may be its own type's again. */
  readonly field: ((name: string) => Field | undefined) | undefined
  /** Most elements, members, characters or bytes that a schema lets a value have; for estimates. */
  readonly maxSize: number | undefined
  /** Undefined for lists with an order, and for everything else. */
  readonly identity: ListIdentity | undefined

  constructor(
    kind: Kind,
    name: string,
    params: readonly Type[] = [],
    field?: Type['field'],
    maxSize?: number,
    identity?: ListIdentity,
  ) {
    this.kind = kind
    this.name = name
    this.params = params
    this.field = field
    this.maxSize = maxSize
    this.identity = identity
  }

  /** As the reference prints it in compile errors. */
  toString(): string {
    const { kind, params } = this
    if (kind === 'error') return '!error!'
    return params.length ? `${this.name}(${params.join(', ')})` : this.name
  }

  /** The same type with a bound on its values' size. */
  within(maxSize: number | undefined): Type {
    return new Type(this.kind, this.name, this.params, this.field, maxSize, this.identity)
  }
}

export const DYN = new Type('dyn', 'dyn')
export const ERROR = new Type('error', 'error')
export const NULL = new Type('null', 'null')
export const BOOL = new Type('bool', 'bool')
export const INT = new Type('int', 'int')
export const UINT = new Type('uint', 'uint')
export const DOUBLE = new Type('double', 'double')
export const STRING = new Type('string', 'string')
export const BYTES = new Type('bytes', 'bytes')
export const TIMESTAMP = new Type('timestamp', 'timestamp')
export const DURATION = new Type('duration', 'duration')

export const listType = (element: Type, maxSize?: number, identity?: ListIdentity): Type =>
  new Type('list', 'list', [element], undefined, maxSize, identity)
export const mapType = (key: Type, value: Type, maxSize?: number): Type =>
  new Type('map', 'map', [key, value], undefined, maxSize)
export const typeType = (of?: Type): Type => new Type('type', 'type', of ? [of] : [])
export const optionalType = (of: Type): Type => new Type('opaque', 'optional_type', [of])
export const opaqueType = (name: string): Type => new Type('opaque', name)
/** A type variable of a function's signature, or a fresh one of the checker. */
export const typeParam = (name: string): Type => new Type('param', name)

/** An object whose fields are known, and no others. */
export function objectType(name: string, fields: Readonly<Record<string, Type | Field>>): Type {
  const known = new Map(
    Object.entries(fields).map(([key, field]) => [key, field instanceof Type ? { type: field } : field] as const),
  )
  return new Type('struct', name, [], (field) => known.get(field))
}

/** An object that may have any fields, of which nothing is known. */
export const openType = (name: string): Type => new Type('struct', name, [], () => ({ type: DYN }))

/** What `type()` says of the types whose names differ from those in messages. */
const RUNTIME_NAMES: Partial<Record<Kind, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
}

export const runtimeName = (type: Type): string => RUNTIME_NAMES[type.kind] ?? type.name

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    a.params.length === b.params.length &&
    a.params.every((p, i) => sameType(p, b.params[i]!))
  )
}

const SIMPLE: ReadonlyMap<string, Type> = new Map(
  [DYN, BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION, NULL].map((type) => [type.name, type]),
)

/** Reads a type as signatures write it: `list(A)`, `map(string, dyn)`, `kubernetes.URL`. One capital letter is a type variable. */
export function parseType(text: string): Type {
  const simple = SIMPLE.get(text)
  if (simple) return simple
  if (/^[A-Z]$/.test(text)) return typeParam(text)
  const open = text.indexOf('(')
  if (open < 0) return text === 'type' ? typeType() : opaqueType(text)
  const params = splitTypes(text.slice(open + 1, -1)).map(parseType)
  const name = text.slice(0, open)
  if (name === 'list') return listType(params[0]!)
  if (name === 'map') return mapType(params[0]!, params[1]!)
  if (name === 'type') return typeType(params[0])
  return new Type('opaque', name, params)
}

/** Splits at the commas that are in no parentheses. */
export function splitTypes(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  const last = text.slice(start).trim()
  return last ? [...parts, last] : parts
}
