import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import { startEtcd, withoutEtcd } from '../src/testing/start-etcd.ts'
import { startTestServer, type TestServer } from '../src/testing/start-test-server.ts'
import { eventually } from './support/eventually.ts'

// CustomResourceDefinitions from their creation to their end, as clients see them.

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const MERGE = { 'content-type': 'application/merge-patch+json' }

interface Answer {
  code: number
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  body: any
}

class Client {
  readonly #server: TestServer

  constructor(server: TestServer) {
    this.#server = server
  }

  async call(method: string, url: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#server.request(url, { method, headers, ...(body ? { body } : {}) })
    const text = await answer.text()
    return { code: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  async ok(method: string, url: string, body?: object, headers?: Record<string, string>): Promise<Answer['body']> {
    const answer = await this.call(method, url, body, headers)
    assert.ok(answer.code < 300, `${method} ${url}: ${answer.code} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async established(name: string): Promise<Answer['body']> {
    return await eventually(async () => {
      const definition = await this.ok('GET', `${DEFINITIONS}/${name}`)
      assert.equal(condition(definition, 'Established')?.status, 'True')
      return definition
    })
  }
}

interface Version {
  name: string
  served: boolean
  storage: boolean
  [more: string]: unknown
}

const version = (name: string, more: object = {}): Version => ({
  name,
  served: true,
  storage: false,
  schema: { openAPIV3Schema: ANYTHING },
  ...more,
})

function definition(group: string, kind: string, more: { names?: object; versions?: Version[]; scope?: string } = {}) {
  const singular = kind.toLowerCase()
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      names: { plural: `${singular}s`, kind, ...more.names },
      scope: more.scope ?? 'Namespaced',
      versions: more.versions ?? [version('v1', { storage: true })],
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire
const condition = (object: any, type: string) => object.status.conditions?.find((one: any) => one.type === type)

const thing = (group: string, name: string, more: object = {}, kind = 'Thing') => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name },
  ...more,
})

suite('custom resources', { timeout: 60_000 }, () => {
  test('names that another definition has are refused until they are free', async () => {
    await using server = await startTestServer()
    const client = new Client(server)
    await client.ok('POST', DEFINITIONS, definition('a.example.com', 'Thing', { names: { shortNames: ['th', 'x'] } }))
    await client.established('things.a.example.com')
    await client.ok(
      'POST',
      DEFINITIONS,
      definition('a.example.com', 'Other', { names: { singular: 'thing', shortNames: ['x', 'o'] } }),
    )
    const refused = await eventually(async () => {
      const other = await client.ok('GET', `${DEFINITIONS}/others.a.example.com`)
      assert.ok(condition(other, 'NamesAccepted'))
      return other
    })
    assert.partialDeepStrictEqual(condition(refused, 'NamesAccepted'), {
      status: 'False',
      reason: 'ShortNamesConflict',
      message: '"x" is already in use',
    })
    assert.partialDeepStrictEqual(condition(refused, 'Established'), { status: 'False', reason: 'NotAccepted' })
    assert.deepEqual(refused.status.acceptedNames, { plural: 'others', kind: 'Other', listKind: 'OtherList' })
    assert.deepEqual(await client.call('GET', '/apis/a.example.com/v1/others'), { code: 404, body: '404 page not found\n' })
    await client.ok('DELETE', `${DEFINITIONS}/things.a.example.com`)
    const now = await client.established('others.a.example.com')
    assert.equal(now.status.acceptedNames.singular, 'thing')
    assert.equal((await client.call('GET', '/apis/a.example.com/v1/others')).code, 200)
  })

  test('a definition that is deleted goes once its resources are gone, and leaves nothing', async () => {
    await using server = await startTestServer()
    const client = new Client(server)
    const group = 'b.example.com'
    const things = `/apis/${group}/v1/namespaces/default/things`
    await client.ok('POST', DEFINITIONS, definition(group, 'Thing'))
    await client.established(`things.${group}`)
    await client.ok('POST', things, thing(group, 'free'))
    await client.ok('POST', things, thing(group, 'held', { metadata: { name: 'held', finalizers: ['example.com/hold'] } }))
    const watch = await server.request(`${things}?watch=1`)
    const deleted = await client.ok('DELETE', `${DEFINITIONS}/things.${group}`)
    assert.ok(deleted.metadata.deletionTimestamp)
    assert.deepEqual(deleted.metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io'])
    assert.equal(condition(deleted, 'Terminating').reason, 'InstanceDeletionPending')
    await eventually(async () => assert.equal((await client.call('GET', `${things}/free`)).code, 404))
    const late = await client.call('POST', things, thing(group, 'late'))
    assert.equal(late.code, 405)
    assert.equal(late.body.message, 'create not allowed while custom resource definition is terminating')
    const waiting = await client.ok('GET', `${DEFINITIONS}/things.${group}`)
    assert.equal(condition(waiting, 'Terminating').reason, 'InstanceDeletionInProgress')
    const { resources } = await client.ok('GET', `/apis/${group}/v1`)
    assert.deepEqual(resources[0].verbs, ['delete', 'deletecollection', 'get', 'list', 'watch'])
    await client.ok('PATCH', `${things}/held`, { metadata: { finalizers: null } }, MERGE)
    await eventually(async () => assert.equal((await client.call('GET', `${DEFINITIONS}/things.${group}`)).code, 404))
    assert.deepEqual(await client.call('GET', things), { code: 404, body: '404 page not found\n' })
    assert.equal((await client.call('GET', `/apis/${group}`)).code, 404)
    const events = (await watch.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(events.map(({ type, object }) => `${type} ${object.metadata.name}`).sort(), [
      'ADDED free',
      'ADDED held',
      'DELETED free',
      'DELETED held',
      'MODIFIED held',
    ])
    await eventually(async () =>
      assert.equal((await client.call('GET', `/apis/apiregistration.k8s.io/v1/apiservices/v1.${group}`)).code, 404),
    )
    await client.ok('POST', DEFINITIONS, definition(group, 'Thing'))
    await client.established(`things.${group}`)
    assert.deepEqual((await client.ok('GET', things)).items, [])
  })

  test('a watch ends when its definition changes, and what is stored stays', async () => {
    await using server = await startTestServer()
    const client = new Client(server)
    const group = 'c.example.com'
    const things = `/apis/${group}/v1/namespaces/default/things`
    await client.ok('POST', DEFINITIONS, definition(group, 'Thing'))
    await client.established(`things.${group}`)
    await client.ok('POST', things, thing(group, 'a', { spec: { x: 1 } }))
    const watch = await server.request(`${things}?watch=1`)
    await client.ok('PATCH', `${DEFINITIONS}/things.${group}`, { metadata: { labels: { a: 'b' } } }, MERGE)
    await client.ok('PATCH', `${things}/a`, { spec: { x: 2 } }, MERGE)
    const pruning = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { y: { type: 'integer', default: 5 } } } },
    }
    const versions = [version('v1', { storage: true, schema: { openAPIV3Schema: pruning } }), version('v2')]
    await client.ok('PATCH', `${DEFINITIONS}/things.${group}`, { spec: { versions } }, MERGE)
    const events = (await watch.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ADDED', 'MODIFIED'],
    )
    assert.deepEqual((await client.ok('GET', `${things}/a`)).spec, { y: 5 })
    const v2 = await client.ok('GET', `/apis/${group}/v2/namespaces/default/things/a`)
    assert.equal(v2.apiVersion, `${group}/v2`)
    assert.deepEqual(v2.spec, { x: 2 })
  })

  test('a version that is not served is stored all the same', async () => {
    await using server = await startTestServer()
    const client = new Client(server)
    const group = 'd.example.com'
    const versions = [version('v1'), version('v2', { served: false, storage: true })]
    await client.ok('POST', DEFINITIONS, definition(group, 'Thing', { versions, scope: 'Cluster' }))
    await client.established(`things.${group}`)
    const made = await client.ok('POST', `/apis/${group}/v1/things`, thing(group, 'a', { spec: { x: 1 } }))
    assert.equal(made.apiVersion, `${group}/v1`)
    assert.equal((await client.call('GET', `/apis/${group}/v2/things/a`)).code, 404)
    assert.deepEqual((await client.ok('GET', `${DEFINITIONS}/things.${group}`)).status.storedVersions, ['v2'])
    await client.ok('DELETE', `${DEFINITIONS}/things.${group}`)
    await eventually(async () => assert.equal((await client.call('GET', `${DEFINITIONS}/things.${group}`)).code, 404))
  })

  test('what is defined is served from the start of the next server on', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'custom-'))
    try {
      const group = 'e.example.com'
      const things = `/apis/${group}/v1/namespaces/default/things`
      {
        await using server = await startTestServer({ storage: 'embedded', dataDir })
        const client = new Client(server)
        await client.ok('POST', DEFINITIONS, definition(group, 'Thing'))
        await client.established(`things.${group}`)
        await client.ok('POST', things, thing(group, 'a', { spec: { b: 1, a: [1.5, null] } }))
      }
      await using server = await startTestServer({ storage: 'embedded', dataDir })
      const client = new Client(server)
      assert.deepEqual((await client.ok('GET', `${things}/a`)).spec, { a: [1.5, null], b: 1 })
      const { groups } = await client.ok('GET', '/apis')
      // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
      assert.ok(groups.some(({ name }: any) => name === group))
    } finally {
      rmSync(dataDir, { recursive: true })
    }
  })

  test('namespaces, owners and quotas know custom resources', async () => {
    await using server = await startTestServer()
    const client = new Client(server)
    const group = 'f.example.com'
    await client.ok(
      'POST',
      DEFINITIONS,
      definition(group, 'Thing', { versions: [version('v1', { storage: true }), version('v2')] }),
    )
    await client.established(`things.${group}`)
    await client.ok('POST', '/api/v1/namespaces', { metadata: { name: 'n' } })
    const things = `/apis/${group}/v1/namespaces/n/things`
    const owner = await client.ok('POST', things, thing(group, 'owner'))
    const ownerReferences = [{ apiVersion: `${group}/v2`, kind: 'Thing', name: 'owner', uid: owner.metadata.uid }]
    await client.ok('POST', '/api/v1/namespaces/n/configmaps', { metadata: { name: 'owned', ownerReferences } })
    await client.ok('POST', things, thing(group, 'owned', { metadata: { name: 'owned', ownerReferences } }))
    await client.ok('DELETE', `${things}/owner`)
    await eventually(
      async () => assert.equal((await client.call('GET', '/api/v1/namespaces/n/configmaps/owned')).code, 404),
      15_000,
    )
    await eventually(async () => assert.equal((await client.call('GET', `${things}/owned`)).code, 404), 15_000)
    const hard = { [`count/things.${group}`]: '2' }
    await client.ok('POST', '/api/v1/namespaces/n/resourcequotas', { metadata: { name: 'q' }, spec: { hard } })
    const counted = { status: { hard, used: { [`count/things.${group}`]: '1' } } }
    await client.ok('PATCH', '/api/v1/namespaces/n/resourcequotas/q/status', counted, MERGE)
    await client.ok('POST', things, thing(group, 'last'))
    assert.match(
      (await client.call('POST', things, thing(group, 'over'))).body.message,
      /exceeded quota: q, requested: count\/things/,
    )
    await client.ok('DELETE', '/api/v1/namespaces/n')
    await eventually(async () => assert.equal((await client.call('GET', '/api/v1/namespaces/n')).code, 404), 15_000)
    assert.deepEqual((await client.ok('GET', `/apis/${group}/v1/things`)).items, [])
  })

  test('servers on one store serve what any of them was told', { skip: withoutEtcd() }, async () => {
    await using etcd = await startEtcd()
    const flags = { etcdServers: [...etcd.endpoints], controllers: [] }
    await using first = await startTestServer({ flags, storage: 'embedded' })
    await using second = await startTestServer({ flags, storage: 'embedded' })
    const [one, other] = [new Client(first), new Client(second)]
    const group = 'h.example.com'
    const things = `/apis/${group}/v1/namespaces/default/things`
    await one.ok('POST', DEFINITIONS, definition(group, 'Thing'))
    await other.established(`things.${group}`)
    await eventually(() => one.ok('POST', things, thing(group, 'a')))
    assert.equal((await other.ok('PATCH', `${things}/a`, { spec: { x: 1 } }, MERGE)).metadata.generation, 2)
    assert.deepEqual((await one.ok('GET', `${things}/a`)).spec, { x: 1 })
    await other.ok('DELETE', `${DEFINITIONS}/things.${group}`)
    for (const client of [one, other])
      await eventually(async () =>
        assert.deepEqual(await client.call('GET', things), { code: 404, body: '404 page not found\n' }),
      )
  })

  test('many definitions at a time are all established', async () => {
    await using server = await startTestServer()
    const client = new Client(server)
    const names = Array.from({ length: 20 }, (_, i) => `Kind${String.fromCharCode(97 + i)}`)
    await Promise.all(names.map((name) => client.ok('POST', DEFINITIONS, definition('g.example.com', name))))
    for (const name of names) await client.established(`${name.toLowerCase()}s.g.example.com`)
    const { resources } = await client.ok('GET', '/apis/g.example.com/v1')
    assert.equal(resources.length, 20)
  })
})
