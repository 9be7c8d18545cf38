import { isObject, type JsonObject } from '../json.ts'
import { type FieldFacts, isAlwaysWritten, type SchemaFacts, type TypeExpression, type TypeFacts } from '../schema.ts'
import {
  type Atom,
  type AtomShell,
  atomicListOf,
  BOOLEAN,
  type FieldAtom,
  type ListAtom,
  type ListKey,
  mapOf,
  NUMERIC,
  SCALAR,
  STRING,
  structOf,
  UNTYPED_ATOMIC,
} from './atoms.ts'

/** Values that are no plain JSON scalars of one kind may come in several forms, which only decoding tells apart. */
const SCALARS: Record<string, Atom> = {
  string: STRING,
  bytes: STRING,
  boolean: BOOLEAN,
  int32: NUMERIC,
  int64: NUMERIC,
  double: NUMERIC,
  quantity: SCALAR,
  intorstring: SCALAR,
  time: SCALAR,
  microtime: SCALAR,
  duration: STRING,
  raw: mapOf(UNTYPED_ATOMIC, true),
  fields: mapOf(UNTYPED_ATOMIC, true),
  json: UNTYPED_ATOMIC,
  propsorarray: UNTYPED_ATOMIC,
  propsorbool: UNTYPED_ATOMIC,
  propsorstrings: UNTYPED_ATOMIC,
}

/** The atoms of built-in types, compiled from the facts of a type and all that it refers to when it is first asked for. */
export class FactAtoms {
  readonly #facts: SchemaFacts
  readonly #granular = new Map<string, AtomShell>()
  readonly #atomic = new Map<string, AtomShell>()

  constructor(facts: SchemaFacts) {
    this.#facts = facts
  }

  /** @param typeName full name, such as `io.k8s.api.core.v1.Pod` */
  atom(typeName: string): Atom {
    return this.#struct(typeName, false)
  }

  /**
   * An object in which nothing is set, of what decoding an empty one gives: declared defaults aren't there before decoding fills them in.
   * @param decoded is changed
   */
  unset(typeName: string, decoded: JsonObject): JsonObject {
    for (const { name, type, default: given } of this.#facts.type(typeName).fields) {
      const value = decoded[name]
      if (isObject(value) && typeof type === 'string' && type.startsWith('#')) this.unset(type.slice(1), value)
      else if (given !== undefined && value === given && value) decoded[name] = undefined
    }
    return decoded
  }

  #struct(name: string, atomic: boolean): Atom {
    const cache = atomic ? this.#atomic : this.#granular
    const known = cache.get(name)
    if (known) return known
    const shell: AtomShell = { scalar: undefined, list: undefined, map: undefined }
    cache.set(name, shell)
    const facts = this.#facts.type(name)
    shell.map = structOf(
      facts.fields.map((field) => this.#field(field)),
      atomic || facts.atomic === true,
    )
    return shell
  }

  #field(field: FieldFacts): FieldAtom {
    const omitsEmpty = typeof field.type !== 'string' && !isAlwaysWritten(field)
    return { name: field.name, element: `f:${field.name}`, atom: this.#fieldType(field), omitsEmpty }
  }

  #fieldType(field: FieldFacts): Atom {
    const { type } = field
    if (typeof type !== 'string') {
      if ('list' in type) return { scalar: undefined, list: this.#list(field, type.list), map: undefined }
      return mapOf(this.#type(type.map), field.atomic === true)
    }
    return type.startsWith('#') ? this.#struct(type.slice(1), field.atomic === true) : this.#type(type)
  }

  #list(field: FieldFacts, itemType: TypeExpression): ListAtom {
    const item = this.#type(itemType)
    const { keys, relation } = listRelation(field)
    if (relation !== 'map') return { relation, keys: [], item }
    const facts = typeof itemType === 'string' && itemType.startsWith('#') ? this.#facts.type(itemType) : undefined
    return { relation, keys: keys.map((name) => keyOf(name, facts, itemType)).sort((a, b) => (a.name < b.name ? -1 : 1)), item }
  }

  #type(type: TypeExpression): Atom {
    if (typeof type !== 'string') return 'list' in type ? atomicListOf(this.#type(type.list)) : mapOf(this.#type(type.map))
    if (type.startsWith('#')) return this.#struct(type.slice(1), false)
    return SCALARS[type] ?? UNTYPED_ATOMIC
  }
}

/** Lists that don't say what they are do so by their patch strategy; else they are one value. */
function listRelation(field: FieldFacts): { relation: ListAtom['relation']; keys: string[] } {
  if (field.listType) return { relation: field.listType, keys: field.keys ?? [] }
  if (!field.patchStrategy?.split(',').includes('merge')) return { relation: 'atomic', keys: [] }
  return field.mergeKey ? { relation: 'map', keys: [field.mergeKey] } : { relation: 'set', keys: [] }
}

/** The one type whose key has a default that decoding doesn't fill in: what is absent stays so, and yet counts as a key. */
const NAMELESS = '#io.k8s.api.core.v1.LocalObjectReference'

function keyOf(name: string, facts: TypeFacts | undefined, itemType: TypeExpression): ListKey {
  const field = facts?.fields.find((f) => f.name === name)
  const required = field?.required && field.type === 'string' ? '' : undefined
  return { name, default: field?.default ?? (itemType === NAMELESS ? '' : required) }
}
