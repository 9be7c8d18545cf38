import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Api } from './support.ts'

let api: Api
before(async () => {
  api = await Api.start()
})
after(async () => {
  await api.server.close()
})

test('of many writers with one version exactly one wins, and counters add up', async () => {
  const maps = await api.configMaps('cas')
  const { body } = await api.post(maps, { metadata: { name: 'c' }, data: { n: '0' } })
  const race = await Promise.all(
    Array.from({ length: 20 }, (_, i) => api.put(`${maps}/c`, { ...body, data: { n: String(i + 1) } })),
  )
  assert.deepEqual(race.map((a) => a.code).sort(), [200, ...Array(19).fill(409)])
  await api.put(`${maps}/c`, { metadata: { name: 'c' }, data: { n: '0' } })
  const increment = async (): Promise<void> => {
    for (;;) {
      const { body: current } = await api.get(`${maps}/c`)
      current.data.n = String(Number(current.data.n) + 1)
      if ((await api.put(`${maps}/c`, current)).code === 200) return
    }
  }
  await Promise.all(Array.from({ length: 30 }, increment))
  assert.equal((await api.get(`${maps}/c`)).body.data.n, '30')
})

test('patches without a version all apply, however many run at once', async () => {
  const maps = await api.configMaps('patches')
  await api.post(maps, { metadata: { name: 'c' } })
  const answers = await Promise.all(Array.from({ length: 25 }, (_, i) => api.merge(`${maps}/c`, { data: { [`k${i}`]: 'x' } })))
  assert.ok(answers.every((a) => a.code === 200))
  assert.equal(Object.keys((await api.get(`${maps}/c`)).body.data).length, 25)
})

test('a write that changes nothing makes no new version', async () => {
  const maps = await api.configMaps('same')
  const { body } = await api.post(maps, { metadata: { name: 'c' }, data: { a: '1' } })
  assert.equal((await api.merge(`${maps}/c`, { data: { a: '1' } })).body.metadata.resourceVersion, body.metadata.resourceVersion)
  assert.equal((await api.put(`${maps}/c`, body)).body.metadata.resourceVersion, body.metadata.resourceVersion)
})

test('dry runs answer like writes and leave no trace', async () => {
  const maps = await api.configMaps('dry')
  const created = await api.post(`${maps}?dryRun=All`, { metadata: { name: 'c' } })
  assert.equal(created.code, 201)
  assert.ok(created.body.metadata.uid)
  assert.equal((await api.get(`${maps}/c`)).code, 404)
  await api.post(maps, { metadata: { name: 'c' }, data: { a: '1' } })
  assert.equal((await api.merge(`${maps}/c?dryRun=All`, { data: { a: '2' } })).body.data.a, '2')
  assert.equal((await api.delete(`${maps}/c?dryRun=All`)).code, 200)
  assert.equal((await api.get(`${maps}/c`)).body.data.a, '1')
  assert.equal((await api.post(`${maps}?dryRun=Some`, { metadata: { name: 'd' } })).code, 422)
})

test('generated names start as asked and differ', async () => {
  const maps = await api.configMaps('generated')
  const made = await Promise.all(Array.from({ length: 50 }, () => api.post(maps, { metadata: { generateName: 'g-' } })))
  const names = made.map((a) => a.body.metadata.name as string)
  assert.ok(names.every((name) => /^g-[a-z0-9]{5}$/.test(name)))
  assert.equal(new Set(names).size, 50)
})

test('names and namespaces of path and body must agree', async () => {
  const maps = await api.configMaps('agree')
  await api.post(maps, { metadata: { name: 'c' } })
  assert.equal((await api.post(maps, { metadata: { name: 'd', namespace: 'other' } })).code, 400)
  assert.equal((await api.put(`${maps}/c`, { metadata: { name: 'd' } })).code, 400)
  assert.equal((await api.post('/api/v1/namespaces/nowhere/configmaps', { metadata: { name: 'c' } })).code, 404)
})

test('finalizers keep a deleted object until they are gone', async () => {
  const maps = await api.configMaps('finalizers')
  await api.post(maps, { metadata: { name: 'c', finalizers: ['example.com/hold'] } })
  const marked = await api.delete(`${maps}/c`)
  assert.ok(marked.body.metadata.deletionTimestamp)
  assert.equal((await api.post(maps, { metadata: { name: 'c' } })).code, 409)
  assert.equal((await api.merge(`${maps}/c`, { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } })).code, 422)
  assert.equal((await api.merge(`${maps}/c`, { metadata: { finalizers: null } })).code, 200)
  assert.equal((await api.get(`${maps}/c`)).code, 404)
})

test('deletes hold to their preconditions', async () => {
  const maps = await api.configMaps('preconditions')
  const { body } = await api.post(maps, { metadata: { name: 'c' } })
  const wrong = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }
  assert.equal((await api.delete(`${maps}/c`, wrong)).code, 409)
  assert.equal((await api.delete(`${maps}/c`, { preconditions: { resourceVersion: '1' } })).code, 409)
  const right = { preconditions: { uid: body.metadata.uid, resourceVersion: body.metadata.resourceVersion } }
  assert.equal((await api.delete(`${maps}/c`, right)).body.status, 'Success')
  // A pod without a node is marked and removed in one request, whose precondition is about the pod as it was before.
  const pods = maps.replace('configmaps', 'pods')
  const pod = await api.post(pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  const { resourceVersion } = pod.body.metadata
  assert.equal((await api.delete(`${pods}/p`, { preconditions: { resourceVersion: '1' } })).code, 409)
  assert.equal((await api.get(`${pods}/p`)).body.metadata.deletionTimestamp, undefined)
  assert.equal((await api.delete(`${pods}/p`, { preconditions: { resourceVersion } })).code, 200)
  assert.equal((await api.get(`${pods}/p`)).code, 404)
})

test('a scheduled pod waits for its grace, an unscheduled one goes at once', async () => {
  await api.configMaps('grace')
  const pods = '/api/v1/namespaces/grace/pods'
  const spec = { containers: [{ name: 'c', image: 'i' }] }
  await api.post(pods, { metadata: { name: 'waits' }, spec: { ...spec, nodeName: 'n' } })
  await api.post(pods, { metadata: { name: 'goes' }, spec })
  const waiting = await api.delete(`${pods}/waits`)
  assert.equal(waiting.body.metadata.deletionGracePeriodSeconds, 30)
  assert.equal((await api.get(`${pods}/waits`)).code, 200)
  assert.equal((await api.delete(`${pods}/waits?gracePeriodSeconds=0`)).code, 200)
  assert.equal((await api.get(`${pods}/waits`)).code, 404)
  await api.delete(`${pods}/goes`)
  assert.equal((await api.get(`${pods}/goes`)).code, 404)
})

test('a collection is deleted by selector', async () => {
  const maps = await api.configMaps('collection')
  for (const name of ['a', 'b', 'c']) await api.post(maps, { metadata: { name, labels: { keep: String(name === 'b') } } })
  const deleted = await api.delete(`${maps}?labelSelector=keep%3Dfalse`)
  assert.equal(deleted.body.items.length, 2)
  assert.equal((await api.get(`${maps}/b`)).code, 200)
  assert.equal((await api.get(`${maps}/a`)).code, 404)
})

test('integers of 64 bits survive', async () => {
  await api.configMaps('integers')
  const url = '/apis/apps/v1/namespaces/integers/controllerrevisions'
  const body =
    '{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"r"},"data":{},"revision":9007199254740993}'
  const made = await api.server.request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.match(await made.text(), /"revision":9007199254740993/)
  await api.merge(`${url}/r`, { metadata: { labels: { a: 'b' } } })
  assert.match(await (await api.server.request(`${url}/r`)).text(), /"revision":9007199254740993/)
})

test('bodies that are no such object are refused with the reason', async () => {
  const maps = await api.configMaps('bodies')
  const cases: [string | object, number, RegExp][] = [
    ['{', 400, /unexpected end of JSON input/],
    ['[]', 400, /cannot unmarshal array/],
    [{ kind: 'Secret', apiVersion: 'v1', metadata: { name: 'c' } }, 400, /cannot be handled as a ConfigMap/],
    [{ metadata: { name: 'Bad_Name' } }, 422, /metadata.name: Invalid value/],
    [
      { metadata: { name: 'c' }, data: { a: 1 } },
      400,
      /cannot unmarshal number into Go struct field ConfigMap.data of type string/,
    ],
  ]
  for (const [body, code, message] of cases) {
    const answer = await api.post(maps, body)
    assert.equal(answer.code, code, JSON.stringify(body))
    assert.match(answer.body.message, message)
  }
})
