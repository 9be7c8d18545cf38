import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestInfo } from '../machinery/request-info.ts'
import { RemoteApis } from './remote-apis.ts'
import { testApi } from './testing.ts'

function finder(...apis: ReturnType<typeof testApi>[]) {
  const all = new RemoteApis()
  for (const api of apis) all.put(api)
  return { all, find: (path: string) => all.find(requestInfo('GET', path, () => new URLSearchParams()))?.name }
}

test('requests are for who serves their group version', () => {
  const { find } = finder(testApi(), testApi({ version: 'v2' }))
  const base = '/apis/toys.example.com'
  for (const path of ['', '/', '/gadgets', '/namespaces/n/gadgets/a', '/namespaces/n/gadgets/a/status', '/watch/gadgets']) {
    assert.equal(find(`${base}/v1${path}`), 'v1.toys.example.com', path)
    assert.equal(find(`${base}/v2${path}`), 'v2.toys.example.com', path)
  }
  assert.equal(find(`/openapi/v3${base}/v1`), 'v1.toys.example.com')
  const ours = [
    '/',
    '/apis',
    base,
    `${base}/`,
    `${base}/v3`,
    `${base}/v3/gadgets`,
    '/apis/apps/v1/deployments',
    '/api/v1/pods',
    '/api',
  ]
  const others = ['/openapi/v3', '/openapi/v2', `/openapi/v3${base}`, `/openapi/v3${base}/v1/more`, '/healthz', '/version']
  for (const path of [...ours, ...others]) assert.equal(find(path), undefined, path)
})

test('even the core group can be elsewhere', () => {
  const { find } = finder(testApi({ name: 'v1.', group: '' }))
  for (const path of ['/api', '/api/v1', '/api/v1/pods', '/api/v1/namespaces/n/pods/p']) assert.equal(find(path), 'v1.', path)
  for (const path of ['/apis', '/apis/apps/v1', '/version']) assert.equal(find(path), undefined, path)
})

test('what is taken away is ours again', () => {
  const { all, find } = finder(testApi())
  const before = all.changes
  all.remove('v1.toys.example.com')
  assert.ok(all.changes > before)
  assert.equal(find('/apis/toys.example.com/v1/gadgets'), undefined)
  const after = all.changes
  all.remove('v1.toys.example.com')
  assert.equal(all.changes, after)
})
