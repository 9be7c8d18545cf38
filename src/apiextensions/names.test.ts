import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionOf, type Definition } from '../kinds/apiextensions/conditions.ts'
import { asEstablished, withAcceptedNames } from './names.ts'

const NOW = '2026-01-01T00:00:00Z'
const LATER = '2026-01-02T00:00:00Z'

type Names = NonNullable<NonNullable<Definition['spec']>['names']>

const named = (names: Names, accepted?: Names): Definition => ({
  metadata: { name: `${names.plural}.example.com` },
  spec: { group: 'example.com', names },
  status: { ...(accepted ? { acceptedNames: accepted } : {}) },
})

const THING: Names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList', shortNames: ['th'] }

const told = (definition: Definition, type: string) => {
  const { status, reason, message } = conditionOf(definition, type) ?? {}
  return `${status} ${reason}: ${message}`
}

test('free names are accepted, and then the definition is established', () => {
  const accepted = withAcceptedNames(named(THING), [], NOW)
  assert.deepEqual(accepted.status?.acceptedNames, THING)
  assert.equal(told(accepted, 'NamesAccepted'), 'True NoConflicts: no conflicts found')
  assert.equal(told(accepted, 'Established'), 'False Installing: the initial names have been accepted')
  const established = asEstablished(accepted, LATER)
  assert.equal(told(established, 'Established'), 'True InitialNamesAccepted: the initial names have been accepted')
  assert.equal(conditionOf(established, 'Established')?.lastTransitionTime, LATER)
  assert.equal(conditionOf(established, 'NamesAccepted')?.lastTransitionTime, NOW)
  assert.equal(withAcceptedNames(established, [], LATER), established)
  assert.equal(asEstablished(established, LATER), established)
})

test('names of others are refused one by one', () => {
  const other = named(THING, THING)
  const refused = (names: Partial<Names>) => {
    const wanted = { plural: 'os', singular: 'o', kind: 'O', listKind: 'OList', ...names }
    return withAcceptedNames(named(wanted), [other], NOW)
  }
  for (const [names, condition] of [
    [{ plural: 'th' }, 'PluralConflict: "th" is already in use'],
    [{ singular: 'things' }, 'SingularConflict: "things" is already in use'],
    [{ shortNames: ['x', 'thing', 'th'] }, 'ShortNamesConflict: ["thing" is already in use, "th" is already in use]'],
    [{ kind: 'ThingList' }, 'KindConflict: "ThingList" is already in use'],
    [{ listKind: 'Thing' }, 'ListKindConflict: "Thing" is already in use'],
  ] as const) {
    const definition = refused(names as Partial<Names>)
    assert.equal(told(definition, 'NamesAccepted'), `False ${condition}`)
    assert.equal(told(definition, 'Established'), 'False NotAccepted: not all names are accepted')
    assert.equal(asEstablished(definition, NOW), definition)
  }
  assert.deepEqual(refused({ singular: 'thing' }).status?.acceptedNames, { plural: 'os', kind: 'O', listKind: 'OList' })
})

test('what is established stays so when it asks for names that others have', () => {
  const established = asEstablished(withAcceptedNames(named(THING), [], NOW), NOW)
  const other = named(
    { ...THING, plural: 'others' },
    { plural: 'others', singular: 'other', kind: 'Other', listKind: 'OtherList' },
  )
  const renamed = { ...established, spec: { ...established.spec, names: { ...THING, singular: 'other' } } }
  const now = withAcceptedNames(renamed, [other], LATER)
  assert.equal(told(now, 'NamesAccepted'), 'False SingularConflict: "other" is already in use')
  assert.match(told(now, 'Established'), /^True /)
  assert.equal(now.status?.acceptedNames?.singular, 'thing')
})

test('a change that leads nowhere is none', () => {
  const refused = withAcceptedNames(named({ ...THING, plural: 'os' }), [named(THING, THING)], NOW)
  assert.equal(withAcceptedNames(refused, [named(THING, THING)], LATER), refused)
})
