import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestServer, type TestServer } from '../src/testing/start-test-server.ts'
import { eventually } from './support/eventually.ts'
import { type Asked, WebhookServer } from './support/webhook-server.ts'

// Custom resources whose versions are converted by a webhook: v1 has `size`, v2 has `dimensions.size`.

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const GROUP = 'shapes.example.com'
const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const NS = 'namespaces/default/shapes'
const v1 = `/apis/${GROUP}/v1/${NS}`
const v2 = `/apis/${GROUP}/v2/${NS}`

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire
type Anything = any

function convert({ review }: Asked): object {
  const { desiredAPIVersion, objects } = review.request as unknown as { desiredAPIVersion: string; objects: Anything[] }
  const convertedObjects = objects.map((object) => {
    const size = object.spec?.dimensions?.size ?? object.spec?.size
    const spec = desiredAPIVersion.endsWith('v2') ? { dimensions: { size } } : { size }
    return {
      ...object,
      apiVersion: desiredAPIVersion,
      spec,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, size: String(size) } },
    }
  })
  return { result: { status: 'Success' }, convertedObjects }
}

async function call(
  server: TestServer,
  method: string,
  url: string,
  body?: object,
  type = 'application/json',
): Promise<Anything> {
  const answer = await server.request(url, { method, headers: { 'content-type': type }, ...(body ? { body } : {}) })
  return await answer.json()
}

async function define(server: TestServer, clientConfig: object): Promise<void> {
  const version = (name: string, storage: boolean): object => ({
    name,
    storage,
    served: true,
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: OPEN } } },
    selectableFields: [],
  })
  await call(server, 'POST', DEFINITIONS, {
    metadata: { name: `shapes.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural: 'shapes', kind: 'Shape' },
      versions: [version('v1', true), version('v2', false)],
      conversion: {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v9', 'v1'], clientConfig },
      },
    },
  })
  await eventually(async () => assert.equal((await call(server, 'GET', v1)).kind, 'ShapeList'))
}

const shape = (version: string, name: string, spec: object): object => ({
  apiVersion: `${GROUP}/${version}`,
  kind: 'Shape',
  metadata: { name, labels: { told: '' } },
  spec,
})

suite('conversion webhooks', { timeout: 60_000 }, () => {
  test('each version is shown as the webhook makes it, and stored as one', async () => {
    await using server = await startTestServer()
    await using webhooks = await WebhookServer.start()
    await define(server, webhooks.serve('/convert', convert))
    const made = await call(server, 'POST', v2, shape('v2', 'a', { dimensions: { size: 1 } }))
    assert.deepEqual([made.apiVersion, made.spec], [`${GROUP}/v2`, { dimensions: { size: 1 } }])
    assert.deepEqual(made.metadata.labels, { size: '1', told: '' })
    assert.deepEqual((await call(server, 'GET', `${v1}/a`)).spec, { size: 1 })
    await call(server, 'POST', v1, shape('v1', 'b', { size: 2 }))
    const list = await call(server, 'GET', v2)
    assert.deepEqual(
      list.items.map((item: Anything) => item.spec.dimensions.size),
      [1, 2],
    )
    const patched = await call(server, 'PATCH', `${v2}/b`, { spec: { dimensions: { size: 3 } } }, 'application/merge-patch+json')
    assert.deepEqual(patched.spec, { dimensions: { size: 3 } })
    assert.equal(patched.metadata.generation, 2)
    assert.deepEqual((await call(server, 'GET', `${v1}/b`)).spec, { size: 3 })
    const asked = webhooks.asked.length
    await call(server, 'GET', v2)
    await call(server, 'GET', v1)
    assert.equal(webhooks.asked.length, asked)
    assert.ok(
      webhooks.asked.every(({ review }) => review.kind === 'ConversionReview' && review.apiVersion === 'apiextensions.k8s.io/v1'),
    )
    assert.equal((await call(server, 'DELETE', `${v2}/b`)).status, 'Success')
  })

  test('a watch tells of changes in its version, in their order, before its bookmarks', async () => {
    await using server = await startTestServer()
    await using webhooks = await WebhookServer.start()
    await define(server, webhooks.serve('/convert', convert))
    await call(server, 'POST', v1, shape('v1', 'first', { size: 0 }))
    const watch = await server.request(`${v2}?watch=1&allowWatchBookmarks=true&labelSelector=told&timeoutSeconds=3`)
    for (let i = 1; i <= 5; i++) await call(server, 'POST', v1, shape('v1', `s${i}`, { size: i }))
    await call(server, 'DELETE', `${v1}/s3`)
    const events = (await watch.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type !== 'BOOKMARK')
    assert.deepEqual(
      events.map(({ type, object }) => `${type} ${object.apiVersion.split('/')[1]} ${object.spec.dimensions.size}`),
      ['ADDED v2 0', 'ADDED v2 1', 'ADDED v2 2', 'ADDED v2 3', 'ADDED v2 4', 'ADDED v2 5', 'DELETED v2 3'],
    )
  })

  test('what a webhook gets wrong is told, and breaks nothing else', async () => {
    await using server = await startTestServer()
    await using webhooks = await WebhookServer.start()
    let answer: (asked: Asked) => object | string = () => ({})
    await define(
      server,
      webhooks.serve('/convert', (asked) => answer(asked)),
    )
    await call(server, 'POST', v1, shape('v1', 'a', { size: 1 }))
    const failed = async (): Promise<string> => {
      const { code, message } = await call(server, 'GET', `${v2}/a`)
      assert.equal(code, 500)
      return message
    }
    const about = `conversion webhook for ${GROUP}/v1, Kind=Shape`
    const good = (asked: Asked): Anything => convert(asked)
    answer = () => '{}'
    assert.equal(await failed(), `${about} failed: no response provided`)
    answer = () => ({ result: { status: 'Failure', message: 'no idea' } })
    assert.equal(await failed(), `${about} failed: no idea`)
    answer = () => ({ result: { status: 'Success' }, convertedObjects: [] })
    assert.equal(await failed(), `${about} returned 0 objects, expected 1`)
    answer = (asked) => ({ ...good(asked), uid: 'other' })
    assert.match(await failed(), /failed: expected response\.uid=".*", got "other"$/)
    answer = ({ review }) => ({ result: { status: 'Success' }, convertedObjects: (review.request as Anything).objects })
    assert.match(
      await failed(),
      /returned invalid converted object at index 0: invalid groupVersion \(expected .*v2, received .*v1\)$/,
    )
    answer = (asked) => {
      const converted = good(asked)
      converted.convertedObjects[0].metadata.name = 'b'
      return converted
    }
    assert.match(await failed(), /must have the same name: a != b$/)
    const { items } = await call(server, 'GET', v1)
    assert.equal(items.length, 1)
    answer = good
    assert.deepEqual((await call(server, 'GET', `${v2}/a`)).spec, { dimensions: { size: 1 } })
  })

  test('a webhook that is not there fails what needs it', async () => {
    await using server = await startTestServer()
    await define(server, { url: 'https://127.0.0.1:1/convert' })
    await call(server, 'POST', v1, shape('v1', 'a', { size: 1 }))
    const refused = await call(server, 'POST', v2, shape('v2', 'b', { dimensions: { size: 1 } }))
    assert.equal(refused.code, 500)
    assert.match(
      refused.message,
      /^conversion webhook for shapes\.example\.com\/v2, Kind=Shape failed: Post "https:\/\/127\.0\.0\.1:1\/convert/,
    )
    assert.equal((await call(server, 'GET', v2)).code, 500)
    assert.equal((await call(server, 'GET', v1)).items.length, 1)
  })
})
