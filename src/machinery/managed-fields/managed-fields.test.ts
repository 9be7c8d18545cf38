import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TypeDecoder } from '../decode.ts'
import type { JsonObject } from '../json.ts'
import { type KubeObject, metaOf } from '../object.ts'
import { SchemaFacts } from '../schema.ts'
import { StatusError } from '../status.ts'
import { applyConfiguration } from './apply.ts'
import { entryOf, type ManagedFieldsEntry } from './entries.ts'
import { FactAtoms } from './fact-atoms.ts'
import { type Fields, fieldsOf } from './fields.ts'
import { toParentEntries, toScaleEntries } from './scale.ts'
import { managedFieldsAfterUpdate, managerName } from './update.ts'
import { only, type VersionView, without } from './views.ts'

const facts = new SchemaFacts()
const decoder = new TypeDecoder(facts)
const atoms = new FactAtoms(facts)

function viewOf(apiVersion: string, schema: string): VersionView {
  return {
    apiVersion,
    atom: atoms.atom(schema),
    empty: { metadata: {}, ...atoms.unset(schema, decoder.decode(schema, {})) },
    show: (object) => object as JsonObject,
    store: (object) => decoder.decode(schema, object) as KubeObject,
  }
}

const views: Record<string, VersionView> = {
  v1: viewOf('v1', 'io.k8s.api.core.v1.ConfigMap'),
  'apps/v1': viewOf('apps/v1', 'io.k8s.api.apps.v1.Deployment'),
}
const find = (version: string) => views[version]
const writer = (manager: string, apiVersion = 'v1', time = '2026-01-01T00:00:00Z', subresource = '') => ({
  manager,
  apiVersion,
  subresource,
  time,
})

const configMap = (data: Record<string, string>, managedFields?: ManagedFieldsEntry[]): KubeObject =>
  ({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a', uid: 'u', ...(managedFields ? { managedFields } : {}) },
    data,
  }) as KubeObject

function update(before: KubeObject | undefined, after: KubeObject, manager: string, time?: string): KubeObject {
  const owned = managedFieldsAfterUpdate({ before, after, writer: writer(manager, 'v1', time), views: find })
  const next = { ...after, metadata: { ...after.metadata } }
  if (owned) metaOf(next).managedFields = owned
  else delete metaOf(next).managedFields
  return next
}

const short = (object: KubeObject) =>
  Object.fromEntries(
    (object.metadata?.managedFields ?? []).map((e) => [`${e.manager} ${e.operation}`, JSON.stringify(e.fieldsV1)]),
  )

test('a creator owns all that it sets, metadata of the system aside', () => {
  const created = update(undefined, configMap({ a: '1', b: '2' }), 'one')
  assert.deepEqual(created.metadata?.managedFields, [
    {
      manager: 'one',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } },
    },
  ])
})

test('an updater takes what it changes; who changes nothing leaves times alone', () => {
  const created = update(undefined, configMap({ a: '1', b: '2' }), 'one')
  const changed = update(created, configMap({ a: '1', b: '3', c: '4' }), 'two', '2026-01-02T00:00:00Z')
  assert.deepEqual(short(changed), {
    'one Update': '{"f:data":{".":{},"f:a":{}}}',
    'two Update': '{"f:data":{"f:b":{},"f:c":{}}}',
  })
  const again = update(changed, configMap({ a: '1', b: '3', c: '4' }), 'three', '2026-01-03T00:00:00Z')
  assert.deepEqual(again.metadata?.managedFields, changed.metadata?.managedFields)
  const emptied = update(changed, configMap({ a: '1' }), 'three', '2026-01-03T00:00:00Z')
  assert.deepEqual(short(emptied), { 'one Update': '{"f:data":{".":{},"f:a":{}}}' })
})

test('lists by key, with the defaults of keys, and atomic ones', () => {
  const container = {
    name: 'main',
    image: 'x',
    ports: [{ containerPort: 80 }, { containerPort: 9, protocol: 'UDP' }],
    args: ['a'],
  }
  const object = decoder.decode('io.k8s.api.apps.v1.Deployment', {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { spec: { containers: [container] } } },
  }) as KubeObject
  const [entry] =
    managedFieldsAfterUpdate({ before: undefined, after: object, writer: writer('m', 'apps/v1'), views: find }) ?? []
  const fields = entry?.fieldsV1 as JsonObject | undefined
  assert.deepEqual(fields?.['f:spec'], {
    'f:selector': {},
    'f:template': {
      'f:spec': {
        'f:containers': {
          'k:{"name":"main"}': {
            '.': {},
            'f:args': {},
            'f:image': {},
            'f:name': {},
            'f:ports': {
              '.': {},
              'k:{"containerPort":9,"protocol":"UDP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
              'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
            },
            'f:resources': {},
          },
        },
      },
    },
  })
})

test('empty lists and maps that are never written are as good as none', () => {
  const deployment = (more: JsonObject, selector: JsonObject = {}): KubeObject =>
    ({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'a' },
      spec: { selector: { matchLabels: { a: 'b' }, ...selector }, template: { metadata: {}, spec: { containers: [] } }, ...more },
    }) as KubeObject
  const of = (before: KubeObject | undefined, after: KubeObject) =>
    managedFieldsAfterUpdate({ before, after, writer: writer('m', 'apps/v1'), views: find })
  const full = { strategy: {}, paused: true }
  const plain = deployment(full)
  const withEmpties = deployment(
    { ...full, template: { metadata: { labels: {}, finalizers: [] }, spec: { containers: [], volumes: [], nodeSelector: {} } } },
    { matchExpressions: [] },
  )
  assert.deepEqual(of(undefined, withEmpties), of(undefined, plain))
  const stored = { ...plain, metadata: { name: 'a', managedFields: of(undefined, plain) as ManagedFieldsEntry[] } }
  assert.deepEqual(of(stored, { ...withEmpties, metadata: stored.metadata }), stored.metadata.managedFields)
})

test('what clients send: resets, entries in good order, and others', () => {
  const created = update(undefined, configMap({ a: '1' }), 'one')
  const send = (managedFields: ManagedFieldsEntry[]) => update(created, configMap({ a: '1' }, managedFields), 'two')
  assert.equal(send([]).metadata?.managedFields, undefined)
  assert.equal(send([{}]).metadata?.managedFields, undefined)
  const mine = entryOf(
    { manager: 'x', operation: 'Update', apiVersion: 'v1', subresource: '' },
    undefined,
    fieldsOf('f:data', 'f:a'),
  )
  assert.deepEqual(send([mine]).metadata?.managedFields, [mine])
  assert.deepEqual(short(send([{ ...mine, operation: 'Nonsense' }])), short(created))
  assert.equal(send([{ ...mine, apiVersion: 'gone/v1' }]).metadata?.managedFields, undefined)
  // Objects without managed fields get none until somebody applies.
  const { metadata: _, ...rest } = created
  const bare = { ...rest, metadata: { name: 'a', uid: 'u' } } as KubeObject
  assert.equal(update(bare, configMap({ a: '2' }), 'two').metadata?.managedFields, undefined)
})

test('the oldest of more than ten updaters become one', () => {
  let object = update(undefined, configMap({ f0: '' }), 'm0')
  const data: Record<string, string> = { f0: '' }
  for (let i = 1; i < 12; i++) {
    data[`f${i}`] = ''
    object = update(object, configMap({ ...data }), `m${i}`, `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`)
  }
  const entries = object.metadata?.managedFields ?? []
  assert.equal(entries.length, 10)
  const old = entries.find((entry) => entry.manager === 'ancient-changes')
  assert.deepEqual(old?.fieldsV1, { 'f:data': { '.': {}, 'f:f0': {}, 'f:f1': {}, 'f:f2': {} } })
  assert.equal(old?.time, '2026-01-01T00:00:02Z')
})

test('reset fields have no owner', () => {
  const fields: Fields = { 'f:spec': { 'f:a': {} }, 'f:status': { '.': {}, 'f:b': {} } }
  assert.deepEqual(without(fieldsOf('f:status'))(fields), { 'f:spec': { 'f:a': {} } })
  assert.deepEqual(only('f:status *')(fields), { 'f:status': { 'f:b': {} } })
})

test('names of managers', () => {
  assert.equal(managerName('given', 'kubectl/v1.36 (linux)'), 'given')
  assert.equal(managerName('', 'kubectl/v1.36 (linux)'), 'kubectl')
  assert.equal(managerName('', `a\u0001b${'x'.repeat(200)}`), `ab${'x'.repeat(126)}`)
  assert.equal(managerName('', undefined), '')
})

function apply(live: KubeObject | undefined, config: JsonObject, manager: string, force = false, time?: string): KubeObject {
  const whole = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, ...config }
  return applyConfiguration({ live, config: whole, force, writer: writer(manager, 'v1', time), kind: 'ConfigMap', views: find })
}

const failsWith = (code: number, message: string, run: () => unknown) =>
  assert.throws(run, (error) => {
    assert.ok(error instanceof StatusError)
    assert.equal(error.message, message)
    assert.equal(error.code, code)
    return true
  })

test('apply: ownership, conflicts, force, and what is applied no more', () => {
  const one = apply(undefined, { data: { a: '1', b: '1' } }, 'one')
  assert.deepEqual(short(one), { 'one Apply': '{"f:data":{"f:a":{},"f:b":{}}}' })
  failsWith(409, 'Apply failed with 1 conflict: conflict with "one": .data.a', () => apply(one, { data: { a: '2' } }, 'two'))
  failsWith(409, 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b', () =>
    apply(one, { data: { a: '2', b: '2' } }, 'two'),
  )
  const forced = apply(one, { data: { a: '2' } }, 'two', true)
  assert.deepEqual(short(forced), { 'one Apply': '{"f:data":{"f:b":{}}}', 'two Apply': '{"f:data":{"f:a":{}}}' })
  // A shared field stays for the other, one's own goes.
  const shared = apply(forced, { data: { b: '1', c: '1' } }, 'one')
  const dropped = apply(shared, { data: {} }, 'one')
  assert.deepEqual((dropped as JsonObject).data, { a: '2' })
  const updated = update(dropped, { ...dropped, data: { a: '3' } } as KubeObject, 'me')
  failsWith(409, 'Apply failed with 1 conflict: conflict with "me" using v1: .data.a', () =>
    apply(updated, { data: { a: '2' } }, 'two'),
  )
})

test('apply takes no time when nothing changes, and none at all for what is the same already', () => {
  const one = apply(undefined, { data: { a: '1' } }, 'one')
  assert.deepEqual(apply(one, { data: { a: '1' } }, 'one', false, '2026-02-02T00:00:00Z'), one)
  const both = apply(one, { data: { a: '1' } }, 'two', false, '2026-02-02T00:00:00Z')
  const second = both.metadata?.managedFields?.find((entry) => entry.manager === 'two')
  assert.equal(second?.time, undefined)
})

test('apply: configurations that are refused', () => {
  const typed = 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): '
  failsWith(500, `${typed}.unknown: field not declared in schema`, () => apply(undefined, { unknown: 1 }, 'm'))
  failsWith(500, `${typed}.data.x: expected string, got &value.valueUnstructured{Value:true}`, () =>
    apply(undefined, { data: { x: true } }, 'm'),
  )
  failsWith(500, `${typed}.metadata.finalizers: duplicate entries for key [="x/y"]`, () =>
    apply(undefined, { metadata: { name: 'a', finalizers: ['x/y', 'x/y'] } }, 'm'),
  )
  failsWith(400, 'invalid object type: apps/v1, Kind=ConfigMap', () => apply(undefined, { apiVersion: 'apps/v1' }, 'm'))
  failsWith(400, 'metadata.managedFields must be nil', () =>
    apply(undefined, { metadata: { name: 'a', managedFields: [] } }, 'm'),
  )
})

test('apply to an object without managed fields takes what it has for somebody else', () => {
  const next = apply(configMap({ a: '1' }), { data: { a: '1', b: '1' } }, 'one')
  assert.deepEqual(short(next), {
    'one Apply': '{"f:data":{"f:a":{},"f:b":{}}}',
    'before-first-apply Update': '{"f:data":{".":{},"f:a":{}}}',
  })
})

test('server-side apply by kubectl takes over from client-side apply, and keeps its annotation', () => {
  const last = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '1', b: '1' } })
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': last }
  const before = configMap({ a: '1', b: '1' })
  metaOf(before).annotations = annotations
  const live = update(undefined, before, 'kubectl-client-side-apply')
  const next = apply(live, { data: { a: '2', b: '1' } }, 'kubectl')
  assert.deepEqual((next as JsonObject).data, { a: '2', b: '1' })
  assert.equal(
    next.metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration'],
    '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"name":"a"}}\n',
  )
  failsWith(409, 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a', () =>
    apply(live, { data: { a: '2' } }, 'other'),
  )
  const edited = update(live, { ...live, data: { a: '9', b: '1' } } as KubeObject, 'editor')
  failsWith(409, 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.a', () =>
    apply(edited, { data: { a: '2', b: '1' } }, 'kubectl'),
  )
})

test('applied list items come in their own order, live ones where they were', () => {
  const finalizers = (object: KubeObject) => object.metadata?.finalizers
  const one = apply(undefined, { metadata: { name: 'a', finalizers: ['x/a', 'x/b', 'x/c'] } }, 'one')
  const two = apply(one, { metadata: { name: 'a', finalizers: ['x/d', 'x/c', 'x/a'] } }, 'two')
  assert.deepEqual(finalizers(two), ['x/b', 'x/d', 'x/c', 'x/a'])
})

test('owners of replicas, seen through a Scale', () => {
  const replicas = (version: string) => (version === 'apps/v1' ? ['f:spec', 'f:replicas'] : undefined)
  const owner = { manager: 'm', operation: 'Apply' as const, apiVersion: 'apps/v1', subresource: '' }
  const fields = { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } }
  const parent = [entryOf(owner, '2026-01-01T00:00:00Z', fields)]
  const scale = toScaleEntries(parent, replicas)
  assert.deepEqual(scale, [{ ...parent[0], apiVersion: 'autoscaling/v1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }])
  assert.deepEqual(toParentEntries(parent, scale, 'apps/v1', replicas), parent)
  const hpa = entryOf({ ...owner, manager: 'hpa', apiVersion: 'autoscaling/v1', subresource: 'scale' }, '2026-02-02T00:00:00Z', {
    'f:spec': { 'f:replicas': {} },
  })
  assert.deepEqual(toParentEntries(parent, [hpa], 'apps/v1', replicas), [
    entryOf({ ...owner, manager: 'hpa', subresource: 'scale' }, undefined, { 'f:spec': { 'f:replicas': {} } }),
    entryOf(owner, '2026-01-01T00:00:00Z', { 'f:spec': { 'f:paused': {} } }),
  ])
})
