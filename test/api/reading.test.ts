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

async function fill(namespace: string, count: number): Promise<string> {
  const maps = await api.configMaps(namespace)
  for (let i = 0; i < count; i++) {
    const name = `c${String(i).padStart(2, '0')}`
    const { code } = await api.post(maps, { metadata: { name, labels: { odd: String(i % 2) } }, data: { i: String(i) } })
    assert.equal(code, 201)
  }
  return maps
}

const names = (list: { items: { metadata: { name: string } }[] }) => list.items.map((item) => item.metadata.name)

test('a list is paged on one snapshot, whatever is written meanwhile', async () => {
  const maps = await fill('paging', 7)
  const first = await api.get(`${maps}?limit=3`)
  assert.deepEqual(names(first.body), ['c00', 'c01', 'c02'])
  assert.equal(first.body.metadata.remainingItemCount, 4)
  await api.delete(`${maps}/c03`)
  await api.post(maps, { metadata: { name: 'c035' } })
  const second = await api.get(`${maps}?limit=3&continue=${first.body.metadata.continue}`)
  assert.deepEqual(names(second.body), ['c03', 'c04', 'c05'])
  assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion)
  const third = await api.get(`${maps}?limit=3&continue=${second.body.metadata.continue}`)
  assert.deepEqual(names(third.body), ['c06'])
  assert.equal(third.body.metadata.continue, undefined)
  assert.equal(third.body.metadata.remainingItemCount, undefined)
})

test('selectors choose by labels and fields', async () => {
  const maps = await fill('selectors', 6)
  const select = async (query: string) => names((await api.get(`${maps}?${query}`)).body)
  assert.deepEqual(await select('labelSelector=odd%3D1'), ['c01', 'c03', 'c05'])
  assert.deepEqual(await select('labelSelector=odd+notin+(1)'), ['c00', 'c02', 'c04'])
  assert.deepEqual(await select('labelSelector=odd,!even&limit=2'), ['c00', 'c01'])
  assert.deepEqual(await select('fieldSelector=metadata.name%3Dc03'), ['c03'])
  assert.deepEqual(await select('fieldSelector=metadata.name!%3Dc03&labelSelector=odd%3D1'), ['c01', 'c05'])
  assert.equal((await api.get(`${maps}?fieldSelector=data.i%3D1`)).code, 400)
})

test('exact reads show the past, and versions that are not there yet are refused', async () => {
  const maps = await fill('versions', 2)
  const { body } = await api.get(maps)
  const { resourceVersion } = body.metadata
  await api.delete(`${maps}/c00`)
  assert.deepEqual(names((await api.get(`${maps}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`)).body), [
    'c00',
    'c01',
  ])
  assert.deepEqual(names((await api.get(`${maps}?resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`)).body), [
    'c01',
  ])
  const future = await api.get(`${maps}?resourceVersion=999999999`)
  assert.equal(future.code, 504)
  assert.equal(future.body.details.causes[0].reason, 'ResourceVersionTooLarge')
  assert.equal((await api.get(`${maps}?resourceVersion=abc`)).code, 400)
  assert.equal((await api.get(`${maps}?resourceVersionMatch=Exact`)).code, 422)
})

test('items of built-in lists carry no kind, single objects do', async () => {
  const maps = await fill('kinds', 1)
  const { items, kind } = (await api.get(maps)).body
  assert.equal(kind, 'ConfigMapList')
  assert.equal('kind' in items[0], false)
  assert.equal((await api.get(`${maps}/c00`)).body.kind, 'ConfigMap')
})

test('tables, partial metadata and YAML, or 406', async () => {
  const maps = await fill('forms', 2)
  const table = await api.get(maps, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' })
  assert.equal(table.body.kind, 'Table')
  assert.deepEqual(
    table.body.columnDefinitions.map((c: { name: string }) => c.name),
    ['Name', 'Data', 'Age'],
  )
  assert.deepEqual(table.body.rows[0].cells.slice(0, 2), ['c00', 1])
  const partial = await api.get(`${maps}/c00`, { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' })
  assert.deepEqual(Object.keys(partial.body), ['kind', 'apiVersion', 'metadata'])
  assert.match(
    (await api.get(`${maps}/c00`, { accept: 'application/yaml' })).body,
    /^apiVersion: v1\ndata:\n {2}i: "0"\nkind: ConfigMap\n/,
  )
  assert.equal((await api.get(maps, { accept: 'text/html' })).code, 406)
})

test('a list of many objects comes whole, and the same over any chunk size', async () => {
  const maps = await api.configMaps('large')
  const pad = 'x'.repeat(20_000)
  for (let i = 0; i < 60; i++)
    await api.post(maps, { metadata: { name: `m${String(i).padStart(2, '0')}` }, data: { pad, i: String(i) } })
  const { body } = await api.get(maps)
  assert.equal(body.items.length, 60)
  assert.deepEqual(
    body.items.map((item: { data: { i: string } }) => Number(item.data.i)),
    Array.from({ length: 60 }, (_, i) => i),
  )
})
