import type { Json } from '../json.ts'
import type { Element } from './elements.ts'

/**
 * What a value's type means to field ownership. A type of Kubernetes has one of the three parts; values without a known type have all,
 * and the one that fits the value counts. Built-in kinds make these of schema facts; custom resources bring their own.
 */
export interface Atom {
  readonly scalar: ScalarKind | undefined
  readonly list: ListAtom | undefined
  readonly map: MapAtom | undefined
}

export type ScalarKind = 'string' | 'numeric' | 'boolean' | 'untyped'

export interface ListAtom {
  readonly relation: 'atomic' | 'set' | 'map'
  /** Sorted by name; only of `map` lists. */
  readonly keys: readonly ListKey[]
  readonly item: Atom
}

export interface ListKey {
  readonly name: string
  /** Stands for the key of an item without it. */
  readonly default: Json | undefined
}

/** Structs, maps, and what is partly either. */
export interface MapAtom {
  readonly atomic: boolean
  /** Declared fields, sorted by name. */
  readonly fields: readonly PlacedField[]
  readonly byName: ReadonlyMap<string, PlacedField>
  /** The type of members that aren't declared; undefined when there may be none. */
  readonly element: Atom | undefined
}

export interface FieldAtom {
  readonly name: string
  /** `f:` and the name. */
  readonly element: Element
  readonly atom: Atom
  /** An empty list or map in it isn't written. */
  readonly omitsEmpty?: boolean
}

/** A declared field at its place among the others. */
export interface PlacedField extends FieldAtom {
  readonly place: number
}

const scalar = (kind: ScalarKind): Atom => Object.freeze({ scalar: kind, list: undefined, map: undefined })

export const STRING = scalar('string')
export const NUMERIC = scalar('numeric')
export const BOOLEAN = scalar('boolean')
export const SCALAR = scalar('untyped')

const NO_NAMES: ReadonlyMap<string, PlacedField> = new Map()

/** A map of such members. */
export function mapOf(element: Atom, atomic = false): Atom {
  return { scalar: undefined, list: undefined, map: { atomic, fields: [], byName: NO_NAMES, element } }
}

/** A list of such items that is one value. */
export function atomicListOf(item: Atom): Atom {
  return { scalar: undefined, list: { relation: 'atomic', keys: [], item }, map: undefined }
}

/** The parts of an atom, before they are known: types refer to themselves. */
export interface AtomShell {
  scalar: ScalarKind | undefined
  list: ListAtom | undefined
  map: MapAtom | undefined
}

export function structOf(declared: readonly FieldAtom[], atomic: boolean, element?: Atom): MapAtom {
  const fields = [...declared]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((field, place) => ({
      name: field.name,
      element: field.element,
      atom: field.atom,
      omitsEmpty: field.omitsEmpty === true,
      place,
    }))
  return { atomic, fields, byName: new Map(fields.map((field) => [field.name, field])), element }
}

/** Any value, as a whole. */
export const UNTYPED_ATOMIC: Atom = (() => {
  const shell: AtomShell = { scalar: 'untyped', list: undefined, map: undefined }
  shell.list = { relation: 'atomic', keys: [], item: shell }
  shell.map = { atomic: true, fields: [], byName: NO_NAMES, element: shell }
  return shell
})()

/** Any value, by its own form: maps by member, lists as a whole. */
export const DEDUCED: Atom = (() => {
  const shell: AtomShell = { scalar: 'untyped', list: undefined, map: undefined }
  shell.list = { relation: 'atomic', keys: [], item: UNTYPED_ATOMIC }
  shell.map = { atomic: false, fields: [], byName: NO_NAMES, element: shell }
  return shell
})()

/** Which part of an atom a value is seen by; `none` for null and for what doesn't fit. */
export type Part = 'scalar' | 'list' | 'map' | 'none'

export function partOf(value: Json | undefined, atom: Atom): Part {
  if (value === null || value === undefined) return 'none'
  if (typeof value !== 'object') return atom.scalar ? 'scalar' : 'none'
  if (Array.isArray(value)) return atom.list ? 'list' : 'none'
  return atom.map ? 'map' : 'none'
}

/** The part that counts when none fits. */
export function firstPart(atom: Atom): Part {
  return atom.map ? 'map' : atom.scalar ? 'scalar' : atom.list ? 'list' : 'none'
}
