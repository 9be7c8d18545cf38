import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clone, equal, isObject, type Json, type JsonObject } from '../json.ts'
import { type KubeObject, metaOf } from '../object.ts'
import { StatusError } from '../status.ts'
import { applyConfiguration } from './apply.ts'
import { type Atom, BOOLEAN, type FieldAtom, mapOf, NUMERIC, STRING, structOf } from './atoms.ts'
import { CreatedShapes } from './created-shapes.ts'
import { entryFields } from './entries.ts'
import { everything } from './field-set.ts'
import { difference, type Fields, has, isEmpty, isMember, NO_FIELDS, printPaths, SELF, union } from './fields.ts'
import { itemElement } from './list-items.ts'
import { managedFieldsAfterUpdate } from './update.ts'
import { ownedPart, type VersionView, withoutUnowned } from './views.ts'

/** A small generator of random numbers with a seed, so that failures repeat. */
function randomBy(seed: number): (max: number) => number {
  let state = seed | 1
  return (max) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    state ^= state >>> 13
    return (state >>> 0) % max
  }
}
type Random = ReturnType<typeof randomBy>

const field = (name: string, atom: Atom): FieldAtom => ({ name, element: `f:${name}`, atom })
const struct = (fields: FieldAtom[], atomic = false): Atom => ({
  scalar: undefined,
  list: undefined,
  map: structOf(fields, atomic),
})

function randomAtom(random: Random, depth: number): Atom {
  switch (random(depth > 0 ? 9 : 3)) {
    case 0:
      return STRING
    case 1:
      return NUMERIC
    case 2:
      return BOOLEAN
    case 3:
      return mapOf(random(2) ? STRING : randomAtom(random, depth - 1), random(4) === 0)
    case 4:
      return { scalar: undefined, map: undefined, list: { relation: 'set', keys: [], item: STRING } }
    case 5:
      return { scalar: undefined, map: undefined, list: { relation: 'atomic', keys: [], item: randomAtom(random, depth - 1) } }
    case 6: {
      const item = struct([field('key', STRING), field('a', randomAtom(random, depth - 1)), field('b', randomAtom(random, 0))])
      const keys = [{ name: 'key', default: undefined }]
      return { scalar: undefined, map: undefined, list: { relation: 'map', keys, item } }
    }
    default:
      return randomStruct(random, depth - 1, random(5) === 0)
  }
}

function randomStruct(random: Random, depth: number, atomic = false): Atom {
  const names = ['a', 'b', 'c', 'd'].slice(0, 2 + random(3))
  return struct(
    names.map((name) => field(name, randomAtom(random, depth))),
    atomic,
  )
}

/** A value that has something in it wherever it is a container. */
function randomValue(random: Random, atom: Atom): Json {
  if (atom.scalar === 'string') return 'xyz'[random(3)] as string
  if (atom.scalar === 'numeric') return random(3)
  if (atom.scalar === 'boolean') return random(2) === 0
  if (atom.list) {
    const { relation, item } = atom.list
    const count = 1 + random(3)
    if (relation === 'set') return 'pqrs'.slice(0, count).split('')
    if (relation === 'map')
      return 'uvw'
        .slice(0, count)
        .split('')
        .map((key) => ({ ...(randomValue(random, item) as JsonObject), key }))
    return Array.from({ length: count }, () => randomValue(random, item))
  }
  const value: JsonObject = {}
  const { map } = atom
  for (const { name, atom: of } of map?.fields ?? []) if (random(3)) value[name] = randomValue(random, of)
  if (map?.element) for (const key of ['k', 'l', 'm']) if (random(2)) value[key] = randomValue(random, map.element)
  const [first] = map?.fields ?? []
  if (Object.keys(value).length === 0) value[first?.name ?? 'k'] = randomValue(random, first?.atom ?? (map?.element as Atom))
  return value
}

/** Changes, adds and removes here and there. */
function mutated(random: Random, value: JsonObject, atom: Atom): JsonObject {
  const next = clone(value)
  for (const { name, atom: of } of atom.map?.fields ?? []) {
    const what = random(4)
    if (what === 0) delete next[name]
    else if (what === 1) next[name] = randomValue(random, of)
    else if (isObject(next[name]) && of.map) next[name] = mutated(random, next[name], of)
  }
  return next
}

/** As decoding does it: without nulls. */
function decoded(value: Json | undefined): Json | undefined {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map((item) => decoded(item) ?? null)
  if (!isObject(value)) return value
  const next: JsonObject = {}
  for (const key of Object.keys(value)) {
    const member = decoded(value[key])
    if (member !== undefined) next[key] = member
  }
  return next
}

const HEAD = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'thing' } }

class World {
  readonly view: VersionView
  readonly spec: Atom
  object: (KubeObject & { spec?: JsonObject }) | undefined

  constructor(random: Random) {
    this.spec = randomStruct(random, 2)
    this.view = {
      apiVersion: HEAD.apiVersion,
      atom: struct([
        field('apiVersion', STRING),
        field('kind', STRING),
        field('metadata', mapOf(STRING)),
        field('spec', this.spec),
      ]),
      empty: { ...HEAD, metadata: {}, spec: {} },
      show: (object) => object as JsonObject,
      store: (object) => decoded(object) as KubeObject,
    }
  }

  readonly views = (version: string): VersionView | undefined => (version === this.view.apiVersion ? this.view : undefined)

  writer(manager: string, step: number) {
    return { manager, apiVersion: HEAD.apiVersion, subresource: '', time: `2026-01-01T00:00:${String(step).padStart(2, '0')}Z` }
  }

  apply(manager: string, spec: JsonObject, force: boolean, step: number): KubeObject & { spec?: JsonObject } {
    const config = { ...HEAD, metadata: { name: 'thing' }, spec }
    const { views } = this
    return applyConfiguration({ live: this.object, config, force, writer: this.writer(manager, step), kind: 'Thing', views })
  }

  update(manager: string, spec: JsonObject, step: number): void {
    const after: KubeObject & { spec?: JsonObject } = {
      ...HEAD,
      metadata: { name: 'thing', ...this.object?.metadata },
      spec: (decoded(spec) ?? {}) as JsonObject,
    }
    const owned = managedFieldsAfterUpdate({ before: this.object, after, writer: this.writer(manager, step), views: this.views })
    if (owned) metaOf(after).managedFields = owned
    else delete metaOf(after).managedFields
    this.object = after
  }
}

const owners = (object: KubeObject) => object.metadata?.managedFields ?? []
const ownedBy = (object: KubeObject, manager: string): Fields =>
  owners(object)
    .filter((entry) => entry.manager === manager)
    .map(entryFields)
    .reduce(union, NO_FIELDS)

/** The members that have nothing below them. */
function leaves(fields: Fields, path: string[] = []): string[][] {
  const found: string[][] = []
  for (const element in fields) {
    const node = fields[element] as Fields
    if (element === SELF) continue
    if (isEmpty(node) || Object.keys(node).every((key) => key === SELF)) found.push([...path, element])
    else found.push(...leaves(node, [...path, element]))
  }
  return found
}

/** What a plain look-up finds at a path; an oracle that shares nothing with the code under test but the elements' form. */
function valueAt(value: Json | undefined, atom: Atom, path: readonly string[]): Json | undefined {
  const [element, ...rest] = path
  if (element === undefined) return value
  if (atom.list) {
    const { list } = atom
    const item = (Array.isArray(value) ? value : []).find((one) => itemElement(list, one) === element)
    return valueAt(item, list.item, rest)
  }
  const name = element.slice(2)
  const of = atom.map?.byName.get(name)?.atom ?? atom.map?.element
  return of && isObject(value) ? valueAt(value[name], of, rest) : undefined
}

function isContainer(atom: Atom, path: readonly string[]): boolean {
  const [element, ...rest] = path
  if (element === undefined) return atom.map?.atomic === false || (atom.list !== undefined && atom.list.relation !== 'atomic')
  const of = atom.list?.item ?? atom.map?.byName.get(element.slice(2))?.atom ?? atom.map?.element
  return of !== undefined && isContainer(of, rest)
}

function checkInvariants(world: World, object: KubeObject, note: string): void {
  const all = owners(object).map(entryFields).reduce(union, NO_FIELDS)
  const there = withoutUnowned(everything(object as JsonObject, world.view.atom, false))
  for (const path of leaves(there)) {
    // A container that an update emptied is nobody's.
    if (path.length > 1 && !isContainer(world.view.atom, path))
      assert.ok(has(all, path), `${note}: nobody owns ${path.join(' ')}`)
  }
  for (const path of leaves(all)) {
    // A container that lost all that it had is gone, too, and yet stays with those who own it as such.
    if (isContainer(world.view.atom, path)) continue
    assert.notEqual(
      valueAt(object as JsonObject, world.view.atom, path),
      undefined,
      `${note}: ${path.join(' ')} is owned but not there`,
    )
  }
  for (const entry of owners(object)) assert.ok(!isEmpty(entryFields(entry)), `${note}: ${entry.manager} owns nothing`)
}

function checkApplied(world: World, object: KubeObject, manager: string, spec: JsonObject, note: string): void {
  const mine = ownedBy(object, manager)
  const config = { ...HEAD, metadata: {}, spec }
  for (const path of leaves(withoutUnowned(everything(config, world.view.atom, false)))) {
    if (path.length < 2) continue
    assert.ok(has(mine, path), `${note}: ${manager} doesn't own ${path.join(' ')}, which it applied`)
    const { atom } = world.view
    assert.ok(
      equal(valueAt(object as JsonObject, atom, path), valueAt(config, atom, path)),
      `${note}: ${path.join(' ')} isn't as applied`,
    )
  }
}

/** Nobody's fields were changed without force; what is gone belonged to the applier alone. */
function checkOthers(world: World, before: KubeObject, after: KubeObject, manager: string, note: string): void {
  const { atom } = world.view
  for (const entry of owners(before)) {
    if (entry.manager === manager && entry.operation === 'Apply') continue
    for (const path of leaves(entryFields(entry))) {
      const then = valueAt(before as JsonObject, atom, path)
      const now = valueAt(after as JsonObject, atom, path)
      if (now !== undefined && !isContainer(atom, path))
        assert.ok(equal(now, then), `${note}: ${entry.manager}'s ${path.join(' ')} was changed`)
    }
  }
}

function checkConflicts(
  world: World,
  before: KubeObject,
  manager: string,
  spec: JsonObject,
  error: StatusError,
  note: string,
): void {
  assert.equal(error.code, 409, `${note}: ${error.message}`)
  const config = { ...HEAD, metadata: {}, spec }
  const { atom } = world.view
  const differing = new Set<string>()
  for (const entry of owners(before)) {
    if (entry.manager === manager && entry.operation === 'Apply') continue
    for (const path of leaves(entryFields(entry))) {
      const wanted = valueAt(config, atom, path)
      const now = valueAt(before as JsonObject, atom, path)
      // Who owns a container as such doesn't own what others put into it.
      const same = isContainer(atom, path) ? now !== undefined : equal(wanted, now)
      if (wanted !== undefined && !same) {
        for (const text of printPaths(pathFields(path))) differing.add(text)
      }
    }
  }
  const told = new Set((error.status.details?.causes ?? []).map((cause) => cause.field ?? ''))
  assert.deepEqual([...told].sort(), [...differing].sort(), note)
}

const pathFields = (path: readonly string[]): Fields =>
  path.reduceRight<Fields>((node, element) => ({ [element]: node }), NO_FIELDS)

test('sequences of apply and update keep what managers are promised', () => {
  let conflicts = 0
  let applied = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = randomBy(seed * 7919)
    const world = new World(random)
    for (let step = 0; step < 12; step++) {
      const manager = ['ann', 'bob', 'cy'][random(3)] as string
      const note = `seed ${seed}, step ${step}`
      const before = world.object
      if (random(3) === 0) {
        const spec = before ? mutated(random, before.spec ?? {}, world.spec) : (randomValue(random, world.spec) as JsonObject)
        world.update(manager, spec, step)
        // Of an object that nobody owns anything of, nothing is recorded until somebody applies.
        if (owners(world.object as KubeObject).length === 0) break
        checkInvariants(world, world.object as KubeObject, note)
        continue
      }
      const spec = randomValue(random, world.spec) as JsonObject
      let next: KubeObject & { spec?: JsonObject }
      try {
        next = world.apply(manager, spec, false, step)
        if (before) checkOthers(world, before, next, manager, note)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        conflicts++
        checkConflicts(world, before as KubeObject, manager, spec, error, note)
        next = world.apply(manager, spec, true, step)
      }
      applied++
      checkApplied(world, next, manager, spec, note)
      checkInvariants(world, next, note)
      world.object = next
      assert.deepEqual(world.apply(manager, spec, false, step + 1), next, `${note}: applying once more changes something`)
    }
  }
  assert.ok(conflicts > 100 && applied > 1000, `${conflicts} conflicts in ${applied} applies`)
})

test('an object that has the shape of an earlier one gets the fields that a comparison finds', () => {
  let found = 0
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomBy(seed * 7919)
    const { view: plain, spec: specAtom } = new World(random)
    const zeros = (specAtom.map?.fields ?? []).filter((one) => one.atom.scalar && random(2))
    const empty = { ...plain.empty, spec: Object.fromEntries(zeros.map((one) => [one.name, randomValue(random, one.atom)])) }
    const view = { ...plain, empty }
    const views = () => view
    const shapes = new CreatedShapes(ownedPart(view.atom), view.empty)
    let spec = randomValue(random, specAtom) as JsonObject
    for (let step = 0; step < 40; step++) {
      spec = random(3) ? revalued(random, spec, specAtom) : mutated(random, spec, specAtom)
      const labels = random(4) ? {} : { label: 'x' }
      const after = { ...HEAD, metadata: { name: `thing-${step}`, ...labels }, spec } as KubeObject
      if (shapes.find(after as JsonObject)) found++
      const init = {
        before: undefined,
        after,
        views,
        writer: { manager: 'm', apiVersion: HEAD.apiVersion, subresource: '', time: 't' },
      }
      const [quick, whole] = [managedFieldsAfterUpdate({ ...init, shapes }), managedFieldsAfterUpdate(init)]
      assert.ok(
        equal(quick, whole),
        `seed ${seed}, step ${step}: ${JSON.stringify(after)}\n${JSON.stringify(quick)}\n${JSON.stringify(whole)}`,
      )
    }
  }
  assert.ok(found > 2000, `only ${found} were of a shape that was known`)
})

test('large objects are not kept as examples', () => {
  const { view } = new World(randomBy(1))
  const shapes = new CreatedShapes(ownedPart(view.atom), view.empty)
  const thing = (text: string): JsonObject => ({ ...HEAD, metadata: { name: 'a', label: text } })
  shapes.learn(thing('x'.repeat(100_000)), { 'f:metadata': { 'f:label': {} } })
  assert.equal(shapes.find(thing('y')), undefined)
  shapes.learn(thing('x'), { 'f:metadata': { 'f:label': {} } })
  shapes.learn(thing('x'), { 'f:metadata': { 'f:label': {} } })
  assert.ok(shapes.find(thing('y')))
})

/** Another object of nearly always the same shape. */
function revalued(random: Random, value: JsonObject, atom: Atom): JsonObject {
  const next = clone(value)
  for (const { name, atom: of } of atom.map?.fields ?? []) {
    const member = next[name]
    if (member === undefined) continue
    if (of.scalar || of.map?.atomic || of.list?.relation === 'atomic') next[name] = randomValue(random, of)
    else if (isObject(member) && of.map?.element === undefined && of.map) next[name] = revalued(random, member, of)
    else if (Array.isArray(member) && random(8) === 0) next[name] = member.slice(1)
  }
  return next
}

test('set operations agree with sets of paths', () => {
  const random = randomBy(4711)
  const randomFields = (depth: number): Fields => {
    const fields: Record<string, Fields> = {}
    for (const element of ['f:a', 'f:b', 'k:{"name":"x"}', 'v:1', 'v:10', 'v:9']) {
      if (random(2)) continue
      const below = depth > 0 && random(2) ? randomFields(depth - 1) : NO_FIELDS
      fields[element] = isEmpty(below) || random(2) ? below : { [SELF]: NO_FIELDS, ...below }
    }
    return fields
  }
  const members = (fields: Fields, prefix = ''): string[] =>
    Object.keys(fields)
      .filter((element) => element !== SELF)
      .flatMap((element) => {
        const node = fields[element] as Fields
        return [...(isMember(node) ? [prefix + element] : []), ...members(node, `${prefix + element} `)]
      })
  for (let round = 0; round < 500; round++) {
    const a = randomFields(2)
    const b = randomFields(2)
    const inA = members(a)
    const inB = new Set(members(b))
    assert.deepEqual(new Set(members(union(a, b))), new Set([...inA, ...inB]))
    assert.deepEqual(
      members(difference(a, b)),
      inA.filter((path) => !inB.has(path)),
    )
  }
})
