import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Json, JsonObject } from './json.ts'
import { SchemaFacts } from './schema.ts'
import { StatusError } from './status.ts'
import { applyStrategicMergePatch, printStrategicMergePatch } from './strategic-merge-patch.ts'

const facts = new SchemaFacts()
const POD = 'io.k8s.api.core.v1.Pod'
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment'

/** Patches a copy, and checks that neither parameter is changed. */
function apply(original: JsonObject, patch: JsonObject, type = POD): JsonObject {
  const before = JSON.stringify([original, patch])
  const result = applyStrategicMergePatch(original, patch, facts, type)
  assert.equal(JSON.stringify([original, patch]), before)
  return result
}

const pod = (spec: JsonObject): JsonObject => ({ spec })
const named = (...names: string[]): JsonObject[] => names.map((name) => ({ name }))
const containers = (result: JsonObject): Json[] => (result.spec as JsonObject).containers as Json[]
const order = (result: JsonObject): string =>
  containers(result)
    .map((c) => (c as JsonObject).name)
    .join(' ')
const finalizers = (result: JsonObject): Json | undefined => (result.metadata as JsonObject).finalizers

function refused(patch: JsonObject, original: JsonObject = {}, type = POD): string {
  try {
    apply(original, patch, type)
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error))
    return `${error.code} ${error.reason ? `${error.reason} ` : ''}${error.message}`
  }
  return 'applied'
}

describe('strategic merge patch of objects', () => {
  test('merges structs and maps, null removes', () => {
    const original = { metadata: { name: 'a', labels: { x: '1', y: '2' } }, spec: { nodeName: 'n' } }
    assert.deepEqual(apply(original, { metadata: { labels: { x: null, z: '3' } } }), {
      metadata: { name: 'a', labels: { y: '2', z: '3' } },
      spec: { nodeName: 'n' },
    })
    assert.deepEqual(apply(original, { metadata: { labels: null } }), { metadata: { name: 'a' }, spec: { nodeName: 'n' } })
    assert.deepEqual(apply({}, { metadata: { labels: { x: null, y: '1' }, annotations: null } }), {
      metadata: { labels: { y: '1' } },
    })
  })

  test('$patch replaces or empties an object', () => {
    const original = { metadata: { name: 'a', labels: { x: '1' } } }
    assert.deepEqual(apply(original, { metadata: { labels: { $patch: 'replace', y: '2' } } }), {
      metadata: { name: 'a', labels: { y: '2' } },
    })
    assert.deepEqual(apply(original, { metadata: { labels: { $patch: 'delete' } } }), { metadata: { name: 'a', labels: {} } })
    assert.deepEqual(apply({ metadata: {} }, { metadata: { labels: { $patch: 'delete' } } }), { metadata: {} })
    assert.equal(
      refused({ metadata: { $patch: 'merge', name: 'b' } }, original),
      '500 unknown patch type: merge in map: map[$patch:merge name:b]',
    )
    assert.equal(refused({ metadata: { $patch: 5 } }, original), '500 unknown patch type: %!s(int64=5) in map: map[$patch:5]')
  })

  test('$retainKeys clears what it does not name', () => {
    const original = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }
    const patch = (strategy: JsonObject) => ({ spec: { strategy } })
    assert.deepEqual(apply(original, patch({ $retainKeys: ['type'], type: 'Recreate' }), DEPLOYMENT), patch({ type: 'Recreate' }))
    const malformed = '400 BadRequest invalid patch format of retainKeys'
    assert.equal(refused(patch({ $retainKeys: ['rollingUpdate'], type: 'Recreate' }), original, DEPLOYMENT), malformed)
    assert.equal(refused(patch({ $retainKeys: 'type' }), original, DEPLOYMENT), malformed)
  })

  test('a value of another type is taken as it is', () => {
    assert.deepEqual(apply({ metadata: { labels: { a: '1' } } }, { metadata: { labels: ['x'] } }), {
      metadata: { labels: ['x'] },
    })
    assert.deepEqual(apply({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { a: 5 } } }), {
      metadata: { labels: { a: 5 } },
    })
  })

  test('knows only what the schema knows', () => {
    assert.equal(
      refused({ unknown: { a: 1 } }, { unknown: { b: 1 } }),
      '500 unable to find api field in struct Pod for the json field "unknown"',
    )
    assert.equal(
      refused({ metadata: { labels: { a: { b: 1 } } } }, { metadata: { labels: { a: { c: 1 } } } }),
      '500 merging an object in json but data type is not struct, instead is: map',
    )
    const revision = 'io.k8s.api.apps.v1.ControllerRevision'
    assert.equal(
      refused({ data: { a: { b: 1 } } }, { data: { a: {} } }, revision),
      '500 unable to find api field in struct RawExtension for the json field "a"',
    )
  })

  test('shares what it does not touch, and keeps members of any name', () => {
    const original = { metadata: { labels: { a: '1' } }, spec: { containers: named('a') } }
    const result = apply(
      original,
      JSON.parse('{"metadata":{"labels":{"__proto__":"x"},"annotations":{"__proto__":"y"}}}') as JsonObject,
    )
    assert.equal(result.spec, original.spec)
    assert.equal(JSON.stringify(result.metadata), '{"labels":{"a":"1","__proto__":"x"},"annotations":{"__proto__":"y"}}')
  })
})

describe('strategic merge patch of lists', () => {
  const original = pod({
    containers: [
      {
        name: 'web',
        image: 'w1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        args: ['x'],
      },
      { name: 'log', image: 'l1' },
    ],
    tolerations: [{ key: 'a' }],
  })

  test('merges items with the same key, at every depth', () => {
    const result = apply(original, pod({ containers: [{ name: 'web', env: [{ name: 'B', value: '3' }], args: ['y'] }] }))
    assert.deepEqual(containers(result), [
      {
        name: 'web',
        image: 'w1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '3' },
        ],
        args: ['y'],
      },
      { name: 'log', image: 'l1' },
    ])
  })

  test('new items go first, and atomic lists are replaced', () => {
    assert.equal(order(apply(original, pod({ containers: named('new') }))), 'new web log')
    const result = apply(original, pod({ tolerations: [{ key: 'b' }] })).spec as JsonObject
    assert.deepEqual(result.tolerations, [{ key: 'b' }])
  })

  test('$patch deletes an item or replaces the list', () => {
    assert.equal(order(apply(original, pod({ containers: [{ name: 'web', $patch: 'delete' }] }))), 'log')
    assert.equal(order(apply(original, pod({ containers: [{ name: 'none', $patch: 'delete' }] }))), 'web log')
    assert.deepEqual(containers(apply(original, pod({ containers: [{ $patch: 'replace' }, { name: 'web' }] }))), [
      { name: 'web' },
    ])
    assert.deepEqual(
      apply({}, pod({ containers: [{ $patch: 'replace' }, { name: 'web', env: null }] })),
      pod({ containers: [{ name: 'web' }] }),
    )
  })

  test('a volume keeps only its new source', () => {
    const result = apply(
      pod({ volumes: [{ name: 'v', emptyDir: {} }] }),
      pod({ volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] }),
    )
    assert.deepEqual((result.spec as JsonObject).volumes, [{ name: 'v', configMap: { name: 'c' } }])
  })

  test('merges lists of scalars as sets', () => {
    const object = (...list: Json[]) => ({ metadata: { finalizers: list } })
    assert.deepEqual(finalizers(apply(object('a', 'b'), object('c', 'a'))), ['c', 'a', 'b'])
    assert.deepEqual(finalizers(apply(object('a', 'b'), { metadata: { '$deleteFromPrimitiveList/finalizers': ['a', 'x'] } })), [
      'b',
    ])
    assert.deepEqual(apply({ metadata: {} }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }), { metadata: {} })
    assert.deepEqual(
      finalizers(
        apply(object('a', 'b', 'c'), {
          metadata: {
            '$deleteFromPrimitiveList/finalizers': ['b'],
            '$setElementOrder/finalizers': ['d', 'a'],
            finalizers: ['d'],
          },
        }),
      ),
      ['d', 'a', 'c'],
    )
    assert.equal(
      refused({ metadata: { $deleteFromPrimitiveListfinalizers: ['a'] } }, object('a')),
      '400 BadRequest invalid patch format of primitive list',
    )
  })

  test('refuses items that it cannot tell apart', () => {
    assert.equal(
      refused(pod({ containers: [{ image: 'x' }] }), original),
      '500 map: map[image:x] does not contain declared merge key: name',
    )
    assert.equal(
      refused(pod({ containers: [{ $patch: 'delete' }] }), original),
      '500 map: map[$patch:delete] does not contain declared merge key: name',
    )
    assert.equal(
      refused(pod({ containers: [{ name: 'a', $patch: 'merge' }] }), original),
      '500 merging lists cannot yet be specified in the patch',
    )
    assert.equal(
      refused(pod({ containers: ['a'] }), pod({ containers: named('b') })),
      '500 list element types are not identical: [[map[name:b]] [a]]',
    )
    assert.equal(
      refused({ metadata: { finalizers: [['a']] } }, { metadata: { finalizers: [] } }),
      '422 Invalid the server rejected our request due to an error in our request',
    )
  })
})

describe('$setElementOrder', () => {
  const patch = (names: string[], list?: JsonObject[]) =>
    pod({ '$setElementOrder/containers': named(...names), ...(list ? { containers: list } : {}) })
  const live = (...names: string[]) => pod({ containers: named(...names) })

  test('orders the items that it names, the others keep their places', () => {
    assert.equal(order(apply(live('a', 'b', 'c'), patch(['c', 'a']))), 'b c a')
    assert.equal(order(apply(live('a', 'side', 'b'), patch(['a', 'new', 'b'], named('new')))), 'a new side b')
    assert.equal(order(apply(live('side', 'a', 'b'), patch(['b', 'a'], [{ name: 'a', image: 'x' }]))), 'side b a')
    assert.equal(order(apply({ spec: {} }, patch(['b', 'a'], named('b', 'a')))), 'b a')
  })

  test('a new item takes the place of a deleted one', () => {
    const replaceA = patch(['c', 'd'], [{ name: 'd' }, { name: 'a', $patch: 'delete' }])
    assert.equal(order(apply(live('a', 'c', 'side'), replaceA)), 'c side d')
    assert.equal(order(apply(live('c', 'side'), replaceA)), 'c d side')
  })

  test('must agree with the patch', () => {
    assert.equal(
      refused(patch(['a', 'b'], named('b', 'a')), live('a', 'b')),
      "500 The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n",
    )
    assert.equal(refused(pod({ $setElementOrder: 'x' })), 'applied')
    assert.equal(refused(pod({ $setElementOrder: 'x' }), live('a')), '500 expected a []interface {}, but received a string')
    assert.equal(refused(pod({ $setElementOrder: null }), live('a')), '500 expected a []interface {}, but received a %!s(<nil>)')
    assert.equal(refused(pod({ $setElementOrder: [] }), live('a')), '400 BadRequest invalid patch format of setElementOrder list')
    assert.equal(
      refused(pod({ '$setElementOrder/nope': [] }), live('a')),
      '500 unable to find api field in struct PodSpec for the json field "nope"',
    )
    assert.equal(
      refused(pod({ '$setElementOrder/nodeName': [] }), live('a')),
      '500 expected slice or array type, but got: struct',
    )
  })
})

test('the echoed patch lacks what merging used up', () => {
  const echo = (original: JsonObject, patch: JsonObject) => printStrategicMergePatch(original, patch, facts, POD)
  assert.equal(
    echo({}, { metadata: { labels: { b: 5, a: null, f: 2.5, big: 1e6 } } }),
    'map[metadata:map[labels:map[b:5 big:1000000 f:2.5]]]',
  )
  assert.equal(
    echo({ metadata: { labels: {} } }, { metadata: { labels: { a: null, l: ['x', true] } } }),
    'map[metadata:map[labels:map[a:<nil> l:[x true]]]]',
  )
  assert.equal(
    echo(pod({ containers: named('a') }), pod({ '$setElementOrder/containers': named('a'), containers: named('a') })),
    'map[spec:map[]]',
  )
})
