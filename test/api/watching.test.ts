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

test('a watch from a list sees each change once, in order', async () => {
  const maps = await api.configMaps('order')
  const { resourceVersion } = (await api.get(maps)).body.metadata
  using watch = await api.watch(`${maps}?watch=1&resourceVersion=${resourceVersion}`)
  await api.post(maps, { metadata: { name: 'a' } })
  await api.merge(`${maps}/a`, { data: { x: '1' } })
  await api.post(maps, { metadata: { name: 'b' } })
  await api.delete(`${maps}/a`)
  assert.deepEqual(await watch.take(4), ['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a'])
})

test('a watch resumed in the middle goes on from there', async () => {
  const maps = await api.configMaps('resume')
  const { body: a } = await api.post(maps, { metadata: { name: 'a' } })
  await api.post(maps, { metadata: { name: 'b' } })
  await api.post(maps, { metadata: { name: 'c' } })
  using watch = await api.watch(`${maps}?watch=1&resourceVersion=${a.metadata.resourceVersion}`)
  assert.deepEqual(await watch.take(2), ['ADDED b', 'ADDED c'])
})

test('without a version it starts with what is there', async () => {
  const maps = await api.configMaps('initial')
  await api.post(maps, { metadata: { name: 'a' } })
  using watch = await api.watch(`${maps}?watch=1`)
  assert.deepEqual(await watch.take(1), ['ADDED a'])
  await api.delete(`${maps}/a`)
  assert.deepEqual(await watch.take(1), ['DELETED a'])
})

test('objects come and go with a selector', async () => {
  const maps = await api.configMaps('selected')
  const { resourceVersion } = (await api.get(maps)).body.metadata
  using watch = await api.watch(`${maps}?watch=1&resourceVersion=${resourceVersion}&labelSelector=app%3Dx`)
  await api.post(maps, { metadata: { name: 'no' } })
  await api.post(maps, { metadata: { name: 'a', labels: { app: 'x' } } })
  await api.merge(`${maps}/a`, { metadata: { labels: { app: 'y' } } })
  await api.merge(`${maps}/a`, { metadata: { labels: { app: 'x' } } })
  assert.deepEqual(await watch.take(3), ['ADDED a', 'DELETED a', 'ADDED a'])
})

test('a streaming list ends with a bookmark, and large ones wait for their reader', async () => {
  const maps = await api.configMaps('stream')
  const pad = 'x'.repeat(100_000)
  for (let i = 0; i < 80; i++) await api.post(maps, { metadata: { name: `s${String(i).padStart(2, '0')}` }, data: { pad } })
  using watch = await api.watch(
    `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  )
  await api.delete(`${maps}/s00`)
  const seen = await watch.take(80)
  assert.equal(new Set(seen).size, 80)
  const bookmark = await watch.next()
  assert.equal(bookmark.type, 'BOOKMARK')
  assert.equal(bookmark.object.metadata.annotations['k8s.io/initial-events-end'], 'true')
  assert.deepEqual(await watch.take(1), ['DELETED s00'])
})

test('a watch ends when its time is up', async () => {
  const maps = await api.configMaps('timeout')
  using watch = await api.watch(`${maps}?watch=1&timeoutSeconds=1`)
  assert.equal(await watch.ended(), true)
})

test('a client that does not read is let go, and no one else notices', async () => {
  const maps = await api.configMaps('slow')
  const { resourceVersion } = (await api.get(maps)).body.metadata
  using slow = await api.watch(`${maps}?watch=1&resourceVersion=${resourceVersion}`)
  using quick = await api.watch(`${maps}?watch=1&resourceVersion=${resourceVersion}`)
  await api.post(maps, { metadata: { name: 'big' } })
  const pad = 'x'.repeat(800_000)
  const writes = 60
  const seen = quick.take(writes + 1)
  for (let i = 0; i < writes; i++) assert.equal((await api.merge(`${maps}/big`, { data: { pad, i: String(i) } })).code, 200)
  assert.equal((await seen).length, writes + 1)
  // The slow one gets what was sent before it was given up, then the end: fewer events than there were.
  let got = 0
  await assert.rejects(async () => {
    for (;;) {
      await slow.next()
      got++
    }
  }, /the watch has ended/)
  assert.ok(got < writes + 1, `${got} events`)
})

test('the old watch paths still work', async () => {
  const maps = await api.configMaps('old')
  await api.post(maps, { metadata: { name: 'a' } })
  using all = await api.watch('/api/v1/watch/namespaces/old/configmaps')
  using one = await api.watch('/api/v1/watch/namespaces/old/configmaps/a')
  assert.deepEqual(await all.take(1), ['ADDED a'])
  assert.deepEqual(await one.take(1), ['ADDED a'])
})
