import { equal, type JsonObject } from '../json.ts'
import type { KubeObject } from '../object.ts'
import { type Atom, type AtomShell, structOf } from './atoms.ts'
import { compareObjects } from './compare.ts'
import { difference, type Fields, fieldsOf, type MutableFields, NO_FIELDS, recursiveDifference, SELF, union } from './fields.ts'

/** Keeps those of a write's fields that it can own: what the kind resets belongs to nobody. */
export type FieldFilter = (fields: Fields) => Fields

/** All but these fields and what lies below them. */
export function without(fields: Fields): FieldFilter {
  return (given) => recursiveDifference(given, fields)
}

/**
 * How one version of a kind sees objects. All that managed fields know of kinds.
 */
export interface VersionView {
  readonly apiVersion: string
  readonly atom: Atom
  /** An object of this version in which nothing is set: what an object that is created is compared with. */
  readonly empty: JsonObject
  /** An object of the storage version as this version shows it; may share parts. */
  show(object: KubeObject): JsonObject
  /** Takes an object of this version, as a client might write it, to the storage version, decoded and defaulted. */
  store(object: JsonObject): KubeObject
}

/** The views of a kind; undefined for versions that aren't served (any more). */
export type Views = (apiVersion: string) => VersionView | undefined

/** Fields that have no owner, whoever sets them. */
const UNOWNED_METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]

const UNOWNED: Fields = [
  fieldsOf('f:apiVersion'),
  fieldsOf('f:kind'),
  fieldsOf('f:metadata'),
  ...UNOWNED_METADATA.map((name) => fieldsOf('f:metadata', `f:${name}`)),
].reduce(union, NO_FIELDS)

export function withoutUnowned(fields: Fields): Fields {
  return difference(fields, UNOWNED)
}

const owned = new WeakMap<Atom, Atom>()

/** The type without the fields that nobody owns, so that comparisons don't look at them. */
export function ownedPart(atom: Atom): Atom {
  let found = owned.get(atom)
  if (!found) {
    found = leaveOut(atom, ['apiVersion', 'kind'], (name, of) => (name === 'metadata' ? leaveOut(of, UNOWNED_METADATA) : of))
    owned.set(atom, found)
  }
  return found
}

function leaveOut(atom: Atom, names: readonly string[], change = (_name: string, of: Atom): Atom => of): Atom {
  const { map } = atom
  if (!map || map.element) return atom
  const fields = map.fields
    .filter((field) => !names.includes(field.name))
    .map((field) => ({ ...field, atom: change(field.name, field.atom) }))
  const shell: AtomShell = { scalar: undefined, list: undefined, map: structOf(fields, map.atomic) }
  return shell
}

/** What a write changed, as one version sees it. */
export interface Changed {
  /** Fields that were added or modified. */
  readonly set: Fields
  readonly removed: Fields
}

const UNCHANGED: Changed = { set: NO_FIELDS, removed: NO_FIELDS }

/**
 * @param filter leaves out what the write resets anyway
 * @param written see `compareObjects`
 * @throws TypingError
 */
export function changedFields(
  before: JsonObject,
  after: JsonObject,
  view: VersionView,
  filter: FieldFilter | undefined,
  written = false,
): Changed {
  const { added, modified, removed } = compareObjects(before, after, ownedPart(view.atom), written)
  const set = withoutUnowned(union(added, modified))
  if (set === NO_FIELDS && removed === NO_FIELDS) return UNCHANGED
  return filter ? { set: filter(set), removed: filter(removed) } : { set, removed }
}

/** Whether both are the same but for their managed fields. */
export function sameButManagedFields(a: KubeObject, b: KubeObject): boolean {
  return equal(
    { ...a, metadata: { ...a.metadata, managedFields: undefined, resourceVersion: undefined } },
    { ...b, metadata: { ...b.metadata, managedFields: undefined, resourceVersion: undefined } },
  )
}

/**
 * Nothing but what lies at or below these paths.
 * @param paths elements with spaces between them; `*` stands for any
 */
export function only(...paths: readonly string[]): FieldFilter {
  const patterns = paths.map((path) => path.split(' '))
  return (given) => matching(given, patterns) ?? NO_FIELDS
}

function matching(fields: Fields, patterns: readonly (readonly string[])[]): Fields | undefined {
  let kept: MutableFields | undefined
  for (const element in fields) {
    const node = fields[element] as Fields
    const rest = patterns.filter(([first]) => first === '*' || first === element).map((pattern) => pattern.slice(1))
    if (element === SELF || rest.length === 0) continue
    const found = rest.some((pattern) => pattern.length === 0) ? node : matching(node, rest)
    if (found) (kept ??= {})[element] = found
  }
  return kept
}
