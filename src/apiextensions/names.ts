import {
  type Condition,
  conditionOf,
  type Definition,
  isTrue,
  sameCondition,
  withCondition,
} from '../kinds/apiextensions/conditions.ts'
import { equal } from '../machinery/json.ts'

/** The names that a group's definitions have been granted. */
interface Taken {
  /** Plurals, singulars and short names. */
  resources: Set<string>
  /** Kinds and kinds of lists. */
  kinds: Set<string>
}

/**
 * The definition with the names that it may have, and what is told of them; the very same if that is nothing new.
 * @param others the group's definitions
 * @param now RFC 3339
 */
export function withAcceptedNames(definition: Definition, others: Iterable<Definition>, now: string): Definition {
  const { spec = {}, status = {} } = definition
  if (isTrue(definition, 'NamesAccepted') && equal(spec.names, status.acceptedNames)) return definition
  const { acceptedNames, condition } = acceptedOf(definition, takenBy([definition, ...others]))
  if (equal(acceptedNames, status.acceptedNames ?? {}) && sameCondition(condition, conditionOf(definition, 'NamesAccepted')))
    return definition
  const named = withCondition({ ...definition, status: { ...status, acceptedNames } }, condition, now)
  const established = conditionOf(definition, 'Established')
  if (established?.status === 'True') return named
  return withCondition(named, condition.status === 'True' ? INSTALLING : (established ?? NOT_ACCEPTED), now)
}

const NOT_ACCEPTED: Condition = {
  type: 'Established',
  status: 'False',
  reason: 'NotAccepted',
  message: 'not all names are accepted',
}

const INSTALLING: Condition = {
  type: 'Established',
  status: 'False',
  reason: 'Installing',
  message: 'the initial names have been accepted',
}

/** A definition whose names are accepted is established, and stays so. */
export function asEstablished(definition: Definition, now: string): Definition {
  if (!isTrue(definition, 'NamesAccepted') || isTrue(definition, 'Established')) return definition
  const message = 'the initial names have been accepted'
  return withCondition(definition, { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message }, now)
}

function takenBy(definitions: Iterable<Definition>): Taken {
  const taken: Taken = { resources: new Set(), kinds: new Set() }
  for (const { status } of definitions) {
    const { plural = '', singular = '', shortNames = [], kind = '', listKind = '' } = status?.acceptedNames ?? {}
    for (const name of [plural, singular, ...shortNames]) taken.resources.add(name)
    taken.kinds.add(kind).add(listKind)
  }
  return taken
}

type Names = NonNullable<NonNullable<Definition['spec']>['names']>

function acceptedOf({ spec, status }: Definition, taken: Taken): { acceptedNames: Names; condition: Condition } {
  const wanted: Names = spec?.names ?? {}
  const has: Names = status?.acceptedNames ?? {}
  const accepted: Names = { ...has }
  let condition: Condition = {
    type: 'NamesAccepted',
    status: 'True',
    reason: 'NoConflicts',
    message: 'no conflicts found',
  }
  // Of several conflicts the last one is told.
  const conflict = (reason: string, message: string): void => {
    condition = { type: 'NamesAccepted', status: 'False', reason, message }
  }
  const single = (name: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: Set<string>): void => {
    const asked = wanted[name] ?? ''
    if (asked === (has[name] ?? '') || !used.has(asked)) accepted[name] = asked
    else conflict(reason, inUse(asked))
  }
  single('plural', 'PluralConflict', taken.resources)
  single('singular', 'SingularConflict', taken.resources)
  const short = (wanted.shortNames ?? []).filter((name) => !has.shortNames?.includes(name) && taken.resources.has(name))
  if (short.length) conflict('ShortNamesConflict', aggregated(short.map(inUse)))
  else if (wanted.shortNames) accepted.shortNames = wanted.shortNames
  else delete accepted.shortNames
  single('kind', 'KindConflict', taken.kinds)
  single('listKind', 'ListKindConflict', taken.kinds)
  if (wanted.categories) accepted.categories = wanted.categories
  else delete accepted.categories
  return { acceptedNames: accepted, condition }
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`

const aggregated = (messages: readonly string[]): string => {
  const different = [...new Set(messages)]
  return different.length === 1 ? (different[0] as string) : `[${different.join(', ')}]`
}
