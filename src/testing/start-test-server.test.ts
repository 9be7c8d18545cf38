import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startTestServer } from './start-test-server.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'

test('servers side by side share nothing but certificates, and leave nothing', async (t) => {
  await using first = await startTestServer()
  const begun = performance.now()
  const second = await startTestServer()
  t.diagnostic(`the second started in ${(performance.now() - begun).toFixed()} ms`)
  assert.equal((await first.request(configMaps, { method: 'POST', body: { metadata: { name: 'a' } } })).status, 201)
  assert.equal((await second.request(`${configMaps}/a`)).status, 404)
  assert.equal(first.ca, second.ca)
  assert.ok(existsSync(second.kubeconfig))
  await second.close()
  assert.ok(!existsSync(path.dirname(second.kubeconfig)))
})

test('answers on its port, by certificate and by token', async () => {
  await using server = await startTestServer()
  const whoever = { ca: server.ca, cert: server.admin.cert, key: server.admin.key }
  const bearer = { ca: server.ca, headers: { authorization: `Bearer ${server.admin.token}` } }
  for (const options of [whoever, bearer]) {
    const body = await new Promise<string>((resolve, reject) => {
      get(`${server.url}/api/v1/namespaces/default`, options, (answer) => text(answer).then(resolve, reject)).on('error', reject)
    })
    assert.equal(JSON.parse(body).kind, 'Namespace')
  }
})

test('requests without a socket: who asks, in which format, and for how long', async () => {
  await using server = await startTestServer()
  assert.equal((await server.request(configMaps, { token: null })).status, 403)
  assert.equal((await server.request(configMaps, { token: 'wrong' })).status, 401)
  const yaml = { headers: { 'Content-Type': 'application/yaml' }, body: 'metadata: {name: a}\ndata: {k: v}\n' }
  assert.equal((await server.request(configMaps, { method: 'POST', ...yaml })).status, 201)

  const leaving = new AbortController()
  const watch = await server.request(`${configMaps}?watch=1&resourceVersion=0`, { signal: leaving.signal })
  const reader = watch.body!.getReader()
  const event = JSON.parse(Buffer.from((await reader.read()).value!).toString())
  assert.deepEqual([event.type, event.object.data], ['ADDED', { k: 'v' }])
  leaving.abort()
  assert.ok((await reader.read()).done)
})

test('an embedded store in a folder of its own is found again', async (t) => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'kube-apiserver-'))
  t.after(() => rm(dataDir, { recursive: true }))
  {
    await using server = await startTestServer({ storage: 'embedded', dataDir })
    assert.equal((await server.request(configMaps, { method: 'POST', body: { metadata: { name: 'kept' } } })).status, 201)
  }
  await using server = await startTestServer({ storage: 'embedded', dataDir })
  assert.equal((await server.request(`${configMaps}/kept`)).status, 200)
})

test('a bad flag stops the start', async () => {
  await assert.rejects(startTestServer({ flags: { serviceClusterIpRange: ['nonsense'] } }), { name: 'OptionsError' })
})
