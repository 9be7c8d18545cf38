import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allocate } from './allocation.ts'
import type { FlowControl } from './flow-control.ts'
import { dealHand } from './shuffle-sharding.ts'
import { attempt, limited, request, schema, startControl, user } from './testing.ts'
import { ONE_SEAT } from './work.ts'

const list = request('GET', '/api/v1/namespaces/x/pods')

test('without any configuration there are exempt requests and the rest', () => {
  const { control } = startControl(600)
  const admin = control.schemaOf(user('root', 'system:masters'), list)
  assert.deepEqual([admin.name, admin.level.exempt], ['exempt', true])
  const anybody = control.schemaOf(user('jane'), list)
  assert.deepEqual([anybody.name, anybody.level.name, anybody.level.limit], ['catch-all', 'catch-all', 600])
})

test('exempt requests are never held back', () => {
  const { control } = startControl(1)
  const state = control.schemaOf(user('root', 'system:masters'), list)
  const all = Array.from({ length: 1000 }, () => attempt(state, 'root'))
  assert.ok(all.every(({ isServed }) => isServed))
})

test('the schema with the lowest precedence wins, then the first by name; dangling ones count for nothing', () => {
  const { control } = startControl(600)
  const levels = [limited('one', 10), limited('two', 10)]
  const find = (...schemas: ReturnType<typeof schema>[]): string => {
    control.configure({ levels, schemas })
    return control.schemaOf(user('jane', 'devs'), list).name
  }
  assert.equal(find(schema('b', 'one', 200, ['user/jane']), schema('a', 'two', 300, ['group/devs'])), 'b')
  assert.equal(find(schema('b', 'one', 200, ['user/jane']), schema('a', 'two', 200, ['group/devs'])), 'a')
  assert.equal(find(schema('b', 'nowhere', 200, ['user/jane']), schema('a', 'two', 300, ['group/devs'])), 'a')
  assert.equal(find(schema('b', 'one', 200, ['user/john', 'group/ops'])), 'catch-all')
  assert.equal(find(schema('b', 'one', 200, ['user/*'])), 'b')
})

test('rules match by verb, group, resource, namespace and path', () => {
  const { control } = startControl(600)
  const configure = (rule: object): void =>
    control.configure({
      levels: [limited('one', 10)],
      schemas: [
        schema('mine', 'one', 500, [], {
          rules: [{ subjects: [{ kind: 'User', user: { name: 'jane' } }], ...rule }],
        }),
      ],
    })
  const matches = (method: string, url: string, who = user('jane')): boolean =>
    control.schemaOf(who, request(method, url)).name === 'mine'

  configure({ resourceRules: [{ verbs: ['get', 'list'], apiGroups: ['apps'], resources: ['deployments'], namespaces: ['x'] }] })
  assert.equal(matches('GET', '/apis/apps/v1/namespaces/x/deployments'), true)
  assert.equal(matches('GET', '/apis/apps/v1/namespaces/x/deployments/d'), true)
  assert.equal(matches('GET', '/apis/apps/v1/namespaces/x/deployments', user('john')), false)
  assert.equal(matches('PUT', '/apis/apps/v1/namespaces/x/deployments/d'), false)
  assert.equal(matches('GET', '/apis/apps/v1/namespaces/x/deployments/d/status'), false)
  assert.equal(matches('GET', '/apis/apps/v1/namespaces/y/deployments'), false)
  assert.equal(matches('GET', '/apis/apps/v1/deployments'), false)
  assert.equal(matches('GET', '/apis/batch/v1/namespaces/x/deployments'), false)
  assert.equal(matches('GET', '/version'), false)

  configure({ resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['nodes/status'], clusterScope: true }] })
  assert.equal(matches('PATCH', '/api/v1/nodes/n/status'), true)
  assert.equal(matches('PATCH', '/api/v1/nodes/n'), false)

  configure({ resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }] })
  assert.equal(matches('GET', '/api/v1/namespaces/x/pods'), true)
  assert.equal(matches('GET', '/api/v1/nodes'), false)

  configure({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/openapi/*'] }] })
  assert.equal(matches('GET', '/healthz'), true)
  assert.equal(matches('GET', '/healthz/etcd'), true)
  assert.equal(matches('GET', '/healthzz'), false)
  assert.equal(matches('GET', '/openapi/v3'), true)
  assert.equal(matches('POST', '/healthz'), false)
  assert.equal(matches('GET', '/api/v1/pods'), false)
})

test('service accounts match by name and namespace', () => {
  const { control } = startControl(600)
  const matches = (serviceAccount: { namespace: string; name: string }, name: string): boolean => {
    const rules = [
      {
        subjects: [{ kind: 'ServiceAccount', serviceAccount }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
      },
    ]
    control.configure({ levels: [limited('one', 10)], schemas: [schema('mine', 'one', 500, [], { rules })] })
    return control.schemaOf(user(name), list).name === 'mine'
  }
  assert.equal(matches({ namespace: 'x', name: 'default' }, 'system:serviceaccount:x:default'), true)
  assert.equal(matches({ namespace: 'x', name: 'default' }, 'system:serviceaccount:y:default'), false)
  assert.equal(matches({ namespace: 'x', name: '*' }, 'system:serviceaccount:x:other'), true)
  assert.equal(matches({ namespace: 'x', name: '*' }, 'system:serviceaccount:xx:other'), false)
  assert.equal(matches({ namespace: 'x', name: '*' }, 'x:other'), false)
})

test('seats are shared out by nominal shares, rounded up; a request may take 15 percent of them', () => {
  const { control } = startControl(600)
  const queuing = { queues: 64, handSize: 6, queueLengthLimit: 50 }
  control.configure({
    levels: [
      limited('big', 100, queuing, { lendablePercent: 90 }),
      limited('small', 20, queuing, { lendablePercent: 50, borrowingLimitPercent: 100 }),
      limited('rest', 120),
    ],
    schemas: [],
  })
  const of = (name: string) => levelOf(control, name).limits
  // 100, 20, 120 and the 5 of the catch-all make 245.
  assert.deepEqual(of('big'), { nominal: 245, least: 24, most: 845, maxSeats: 37 })
  assert.deepEqual(of('small'), { nominal: 49, least: 24, most: 98, maxSeats: 8 })
  assert.deepEqual(of('rest'), { nominal: 294, least: 294, most: 894, maxSeats: 45 })
  assert.deepEqual(of('exempt'), { nominal: 0, least: 0, most: 600, maxSeats: 0 })
})

test('a busy level borrows what idle ones lend, and gives it back when they need it', () => {
  const { control, timing } = startControl(100)
  const queuing = { queues: 16, handSize: 2, queueLengthLimit: 500 }
  control.configure({
    levels: [limited('busy', 50, queuing, { lendablePercent: 50 }), limited('idle', 45, queuing, { lendablePercent: 80 })],
    schemas: [schema('busy', 'busy', 500, ['user/a']), schema('idle', 'idle', 600, ['user/b'])],
  })
  const busy = control.schemaOf(user('a'), list)
  const idle = control.schemaOf(user('b'), list)
  const load = Array.from({ length: 300 }, () => attempt(busy, 'a', { waitLimit: 1e9 }))
  timing.pass(10_000)
  assert.ok(busy.level.limit > 80, `borrows: ${busy.level.limit}`)
  assert.ok(idle.level.limit >= 9 && idle.level.limit < 20, `lends: ${idle.level.limit}`)
  assert.equal(busy.level.executing, busy.level.limit)
  const more = Array.from({ length: 300 }, () => attempt(idle, 'b', { waitLimit: 1e9 }))
  timing.pass(10_000)
  assert.equal(idle.level.limit, 45)
  assert.ok(busy.level.limit >= 50 && busy.level.limit <= 55, `gives back: ${busy.level.limit}`)
  // Nobody is turned out: seats pass on as requests finish.
  for (const one of load) if (one.isServed) one.finish()
  assert.ok(idle.level.executing <= 45 && more.filter(({ isServed }) => isServed).length === 45)
})

test('a level that is gone serves who it has and takes no more', () => {
  const { control, timing } = startControl(10)
  const levels = [limited('work', 10_000, { queues: 4, handSize: 1, queueLengthLimit: 50 })]
  control.configure({ levels, schemas: [schema('work', 'work', 500, ['user/a'])] })
  const state = control.schemaOf(user('a'), list)
  const requests = Array.from({ length: 15 }, () => attempt(state, 'a', { waitLimit: 1e9 }))
  control.configure({ levels: [], schemas: [schema('work', 'work', 500, ['user/a'])] })
  assert.equal(control.schemaOf(user('a'), list).name, 'catch-all')
  assert.equal(levelOf(control, 'work').quiescing, true)
  for (const one of requests) one.finish()
  timing.pass(10_000)
  assert.equal(
    [...control.levels()].some(({ name }) => name === 'work'),
    false,
  )
})

test('writes take seats for those who watch, lists for what they read', () => {
  const { control } = startControl(600)
  const state = control.schemaOf(user('jane'), list)
  const work = (method: string, url: string) => {
    const rawQuery = url.split('?')[1] ?? ''
    return control.estimator.estimate({ info: request(method, url), rawQuery, query: new URLSearchParams(rawQuery) }, state)
  }
  assert.equal(work('POST', '/api/v1/namespaces/x/pods'), ONE_SEAT)
  const forget = [
    ...Array.from({ length: 15 }, () => control.watches.add(request('GET', '/api/v1/pods?watch=1'))),
    ...Array.from({ length: 10 }, () => control.watches.add(request('GET', '/api/v1/namespaces/x/pods?watch=1'))),
    ...Array.from({ length: 10 }, () => control.watches.add(request('GET', '/api/v1/namespaces/y/pods?watch=1'))),
    ...Array.from({ length: 99 }, (_, i) =>
      control.watches.add(request('GET', `/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn${i}`)),
    ),
  ]
  assert.deepEqual(work('POST', '/api/v1/namespaces/x/pods'), { initial: 1, final: 3, linger: 5 })
  assert.equal(work('GET', '/api/v1/namespaces/x/pods/p'), ONE_SEAT)
  for (const ended of forget) ended()
  assert.equal(work('POST', '/api/v1/namespaces/x/pods'), ONE_SEAT)
  assert.equal(work('GET', '/api/v1/pods'), ONE_SEAT)
})

test('a hand has different queues, and is the same for a flow each time', () => {
  const hand = dealHand('schema', 'jane', 128, 6)
  assert.deepEqual(hand, dealHand('schema', 'jane', 128, 6))
  assert.equal(new Set(hand).size, 6)
  assert.ok(hand.every((card) => card >= 0 && card < 128))
  assert.notDeepEqual(hand, dealHand('schema', 'john', 128, 6))
  assert.deepEqual(dealHand('schema', 'jane', 3, 3).sort(), [0, 1, 2])
})

test('a sum is shared out in proportion to targets, within bounds', () => {
  const claim = (target: number, least: number, most: number) => ({ target, least, most })
  assert.deepEqual(allocate(30, [claim(1, 0, 100), claim(2, 0, 100)])?.shares, [10, 20])
  assert.deepEqual(allocate(30, [claim(1, 0, 100), claim(2, 0, 12)])?.shares, [18, 12])
  const { shares } = allocate(30, [claim(10, 10, 100), claim(100, 0, 100), claim(10, 0, 100)])!
  assert.deepEqual(shares.map(Math.round), [10, 18, 2])
  assert.equal(allocate(30, [claim(40, 40, 100)]), undefined)
  assert.equal(allocate(30, [claim(10, 0, 20)]), undefined)
})

function levelOf(control: FlowControl, name: string) {
  const found = [...control.levels()].find((level) => level.name === name)
  assert.ok(found)
  return found
}
