import { itemsOf, META_FIELDS, propertiesOf, type Schema, valuesOf } from '../json-schema/schema.ts'
import { SchemaFacts } from '../schema.ts'
import {
  type Atom,
  type AtomShell,
  BOOLEAN,
  DEDUCED,
  type FieldAtom,
  type ListAtom,
  type MapAtom,
  mapOf,
  NUMERIC,
  STRING,
  structOf,
  UNTYPED_ATOMIC,
} from './atoms.ts'
import { FactAtoms } from './fact-atoms.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** Any object: where nothing is said of a resource, not even its metadata is known. */
const ANY_OBJECT = mapOf(DEDUCED)

/**
 * A structural schema of one version of a custom resource, as managed fields and server-side apply see it.
 *
 * @param schema the root's; undefined when the version has none: then everything is kept, and known by its form only
 * @param metadata what ObjectMeta is, at the root and in embedded resources
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export function schemaAtom(schema: Schema | undefined, metadata: Atom = objectMeta()): Atom {
  if (!schema) return ANY_OBJECT
  const atoms = new SchemaAtoms(metadata)
  return { scalar: undefined, list: undefined, map: atoms.map(schema, true, false) }
}

let known: Atom | undefined

/** Compiled from the facts, which never change, when it is first asked for. */
function objectMeta(): Atom {
  known ??= new FactAtoms(new SchemaFacts()).atom(OBJECT_META)
  return known
}

class SchemaAtoms {
  readonly #metadata: Atom

  constructor(metadata: Atom) {
    this.#metadata = metadata
  }

  /** @param preserving whether the schema or one above it keeps unknown fields: what is below it does so, too */
  #atom(schema: Schema, preserving: boolean): Atom {
    switch (schema.type) {
      case 'object':
        return { scalar: undefined, list: undefined, map: this.map(schema, false, preserving) }
      case 'array':
        return { scalar: undefined, list: this.#list(schema, preserving), map: undefined }
      case 'string':
        return STRING
      case 'integer':
      case 'number':
        return NUMERIC
      case 'boolean':
        return BOOLEAN
    }
    // Integers or strings, and whatever has no type, are what their values look like.
    const shell: AtomShell = { scalar: 'untyped', list: this.#list(schema, preserving), map: undefined }
    shell.map = this.map(schema, false, preserving)
    return shell
  }

  map(schema: Schema, root: boolean, inherited: boolean): MapAtom {
    const preserving = inherited || schema['x-kubernetes-preserve-unknown-fields'] === true
    const isResource = root || schema['x-kubernetes-embedded-resource'] === true
    const fields: FieldAtom[] = isResource ? this.#resourceFields() : []
    for (const [name, property] of Object.entries(propertiesOf(schema))) {
      if (!isResource || !META_FIELDS.has(name)) fields.push(fieldOf(name, this.#atom(property, preserving)))
    }
    return structOf(fields, schema['x-kubernetes-map-type'] === 'atomic', this.#element(schema, fields.length > 0, preserving))
  }

  #resourceFields(): FieldAtom[] {
    return [fieldOf('apiVersion', STRING), fieldOf('kind', STRING), fieldOf('metadata', this.#metadata)]
  }

  /** An object of which nothing is said at all may have any fields. */
  #element(schema: Schema, hasFields: boolean, preserving: boolean): Atom | undefined {
    const values = valuesOf(schema)
    if (values) return this.#atom(values, preserving)
    if (schema.additionalProperties !== undefined) return schema.additionalProperties === true ? DEDUCED : undefined
    return preserving || !hasFields ? DEDUCED : undefined
  }

  #list(schema: Schema, inherited: boolean): ListAtom {
    const preserving = inherited || schema['x-kubernetes-preserve-unknown-fields'] === true
    const items = itemsOf(schema)
    const item = items ? this.#atom(items, preserving) : UNTYPED_ATOMIC
    const relation = relationOf(schema)
    if (relation !== 'map') return { relation, keys: [], item }
    const names = [...(schema['x-kubernetes-list-map-keys'] ?? [])].sort()
    const properties = items ? propertiesOf(items) : {}
    return { relation, keys: names.map((name) => ({ name, default: properties[name]?.default })), item }
  }
}

const fieldOf = (name: string, atom: Atom): FieldAtom => ({ name, element: `f:${name}`, atom })

function relationOf(schema: Schema): ListAtom['relation'] {
  const type = schema['x-kubernetes-list-type']
  return type === 'map' || type === 'set' ? type : 'atomic'
}
