import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteDocuments } from './remote-documents.ts'
import { fromAggregated, fromResourceList } from './resource-documents.ts'
import { testApi } from './testing.ts'

const api = testApi()
const GADGET = {
  resource: 'gadgets',
  responseKind: { kind: 'Gadget' },
  scope: 'Namespaced',
  singularResource: 'gadget',
  verbs: ['get'],
}
const LIST = {
  kind: 'APIGroupDiscoveryList',
  items: [{ metadata: { name: api.group }, versions: [{ version: 'v1', resources: [GADGET] }] }],
}

test('resources of aggregated discovery, with nothing else in them', () => {
  const found = fromAggregated(LIST, api.group, 'v1')
  assert.deepEqual(found, [{ ...GADGET, responseKind: { group: '', version: '', kind: 'Gadget' } }])
  const odd = { ...GADGET, unheard: {}, shortNames: [1, 'g'], verbs: 'get', subresources: [{ subresource: 'status' }, 7] }
  const list = { ...LIST, items: [{ metadata: { name: api.group }, versions: [{ version: 'v1', resources: [odd, null] }] }] }
  assert.deepEqual(fromAggregated(list, api.group, 'v1'), [
    {
      ...GADGET,
      responseKind: { group: '', version: '', kind: 'Gadget' },
      verbs: [],
      shortNames: ['g'],
      subresources: [{ subresource: 'status', responseKind: { group: '', version: '', kind: '' }, verbs: [] }],
    },
  ])
  assert.deepEqual(fromAggregated(LIST, api.group, 'v2'), [])
  for (const other of [null, [], 'text', {}, { kind: 'APIGroupList' }])
    assert.equal(fromAggregated(other, api.group, 'v1'), undefined)
})

test('the same of a resource list', () => {
  const found = fromResourceList({
    kind: 'APIResourceList',
    resources: [
      { name: 'gadgets/status', kind: 'Gadget', namespaced: true, verbs: ['get'] },
      { name: 'gadgets', kind: 'Gadget', namespaced: true, singularName: 'gadget', verbs: ['get', 'list'] },
      { name: 'reviews/now', kind: 'Review', verbs: ['create'] },
      { kind: 'Nameless' },
    ],
  })
  assert.deepEqual(
    found?.map(({ resource, scope, verbs, subresources = [] }) => [
      resource,
      scope,
      verbs,
      subresources.map((s) => s.subresource),
    ]),
    [
      ['gadgets', 'Namespaced', ['get', 'list'], ['status']],
      ['reviews', 'Cluster', [], ['now']],
    ],
  )
  assert.equal(fromResourceList({ kind: 'Status' }), undefined)
})

test('documents are kept, and stale when they can’t be had', async () => {
  const answers: Record<string, { code: number; body: unknown }> = {
    '/apis': { code: 200, body: LIST },
    '/openapi/v3': {
      code: 200,
      body: { paths: { 'apis/toys.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/toys.example.com/v1?hash=1' } } },
    },
  }
  const documents = new RemoteDocuments({
    async ask(_api, path, user) {
      assert.deepEqual(user.groups, ['system:masters'])
      const { code, body } = answers[path] ?? { code: 404, body: 'not found' }
      return { code, headers: {}, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
    },
  })
  assert.equal(documents.get(api.name).freshness, 'Stale')
  await documents.refresh(api)
  const { freshness, resources, openApiV3 } = documents.get(api.name)
  assert.deepEqual([freshness, resources.length, openApiV3], ['Current', 1, '/openapi/v3/apis/toys.example.com/v1?hash=1'])
  const { changes } = documents
  await documents.refresh(api)
  assert.equal(documents.changes, changes)
  // A path that leads elsewhere isn't one that is shown to clients.
  answers['/openapi/v3'] = {
    code: 200,
    body: { paths: { 'apis/toys.example.com/v1': { serverRelativeURL: '//evil.example.com/' } } },
  }
  await documents.refresh(api)
  assert.equal(documents.get(api.name).openApiV3, undefined)
  answers['/apis'] = { code: 503, body: 'away' }
  await documents.refresh(api)
  assert.deepEqual([documents.get(api.name).freshness, documents.get(api.name).resources], ['Stale', []])
  answers['/apis'] = { code: 200, body: 'rubbish' }
  answers['/apis/toys.example.com/v1'] = { code: 200, body: { kind: 'APIResourceList', resources: [] } }
  await documents.refresh(api)
  assert.equal(documents.get(api.name).freshness, 'Stale')
  delete answers['/apis']
  await documents.refresh(api)
  assert.equal(documents.get(api.name).freshness, 'Current')
})
