import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { unwrap, wrap } from '../machinery/protobuf/envelope.ts'
import { WireFacts } from '../machinery/protobuf/wire-facts.ts'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const CORE = 'io.k8s.api.core.v1.'
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const MAPS = '/api/v1/namespaces/default/configmaps'
const codec = new ProtobufCodec(new WireFacts())

let server: TestServer
before(async () => {
  server = await startTestServer({ flags: { controllers: [] } })
})
after(() => server.close())

interface Answer {
  code: number
  type: string | null
  kind: string
  apiVersion: string
  body: JsonObject
}

/** Asks for protobuf, and reads the answer's envelope and the message in it. */
async function ask(method: string, url: string, schema: string, body?: Buffer, accept = PROTOBUF): Promise<Answer> {
  const headers = { accept, 'content-type': PROTOBUF }
  const response = await server.request(url, { method, headers, ...(body ? { body } : {}) })
  const bytes = Buffer.from(await response.arrayBuffer())
  const length = response.headers.get('content-length')
  if (length !== null) assert.equal(Number(length), bytes.length)
  const { kind, apiVersion, raw } = unwrap(bytes)
  const decoded = codec.decode(kind === 'Status' ? `${META}Status` : schema, raw)
  return { code: response.status, type: response.headers.get('content-type'), kind, apiVersion, body: decoded }
}

const configMap = (name: string, data: Record<string, string> = {}): Buffer =>
  wrap('v1', 'ConfigMap', codec.encode(`${CORE}ConfigMap`, { metadata: { name }, data }))

const json = async (url: string): Promise<JsonObject> => (await (await server.request(url)).json()) as JsonObject

test('objects go in and come out', async () => {
  const made = await ask('POST', MAPS, `${CORE}ConfigMap`, configMap('a', { k: 'v', empty: '' }))
  assert.deepEqual([made.code, made.type, made.kind, made.apiVersion], [201, PROTOBUF, 'ConfigMap', 'v1'])
  const shown = await json(`${MAPS}/a`)
  assert.deepEqual(shown, { kind: 'ConfigMap', apiVersion: 'v1', ...made.body })
  assert.deepEqual(made.body.data, { empty: '', k: 'v' })
  assert.deepEqual((await ask('GET', `${MAPS}/a`, `${CORE}ConfigMap`)).body, made.body)

  const next = wrap('v1', 'ConfigMap', codec.encode(`${CORE}ConfigMap`, { ...made.body, data: { k: 'w' } }))
  const updated = await ask('PUT', `${MAPS}/a`, `${CORE}ConfigMap`, next)
  assert.deepEqual([updated.code, updated.body.data], [200, { k: 'w' }])
  const stale = await ask('PUT', `${MAPS}/a`, `${CORE}ConfigMap`, next)
  assert.deepEqual([stale.code, stale.kind, stale.body.reason], [409, 'Status', 'Conflict'])
})

test('what has defaults gets them, as from JSON', async () => {
  const spec = { containers: [{ name: 'c', image: 'nginx', resources: { limits: { cpu: '1500m' } } }] }
  const body = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' }, spec }
  const url = '/api/v1/namespaces/default/pods?dryRun=All'
  const fromJson = (await (await server.request(url, { method: 'POST', body })).json()) as JsonObject
  const made = await ask('POST', url, `${CORE}Pod`, wrap('v1', 'Pod', codec.encode(`${CORE}Pod`, body)))
  assert.equal(made.code, 201)
  const { metadata: _ours, ...ours } = made.body
  const { metadata: _theirs, kind: _kind, apiVersion: _version, ...theirs } = fromJson
  assert.deepEqual(ours, theirs)
})

test('lists, small and in many chunks', async () => {
  const url = '/api/v1/namespaces/kube-public/configmaps'
  const empty = await ask('GET', `${url}?labelSelector=no=such`, `${CORE}ConfigMapList`)
  assert.deepEqual([empty.code, empty.kind, empty.body.items], [200, 'ConfigMapList', undefined])
  for (const name of ['x', 'y', 'z']) await ask('POST', url, `${CORE}ConfigMap`, configMap(name, { big: name.repeat(200_000) }))
  const { code, body } = await ask('GET', `${url}?fieldSelector=metadata.name!=kube-root-ca.crt`, `${CORE}ConfigMapList`)
  const shown = await json(`${url}?fieldSelector=metadata.name!=kube-root-ca.crt`)
  assert.equal(code, 200)
  assert.deepEqual(body, { metadata: shown.metadata, items: shown.items })
  const page = await ask('GET', `${url}?limit=1`, `${CORE}ConfigMapList`)
  assert.ok((page.body.metadata as JsonObject).continue)
})

test('metadata alone comes in protobuf, tables do not', async () => {
  const only = (kind: string) => `${PROTOBUF};as=${kind};g=meta.k8s.io;v=v1`
  await ask('POST', MAPS, `${CORE}ConfigMap`, configMap('m'))
  const one = await ask('GET', `${MAPS}/m`, `${META}PartialObjectMetadata`, undefined, only('PartialObjectMetadata'))
  assert.deepEqual([one.code, one.kind, one.apiVersion], [200, 'PartialObjectMetadata', 'meta.k8s.io/v1'])
  assert.equal((one.body.metadata as JsonObject).name, 'm')
  const list = only('PartialObjectMetadataList')
  const many = await ask('GET', MAPS, `${META}PartialObjectMetadataList`, undefined, list)
  assert.ok((many.body.items as JsonObject[]).some((item) => (item.metadata as JsonObject).name === 'm'))
  const old = await ask(
    'GET',
    MAPS,
    'io.k8s.apimachinery.pkg.apis.meta.v1beta1.PartialObjectMetadataList',
    undefined,
    list.replace('v=v1', 'v=v1beta1'),
  )
  assert.equal((old.body.items as JsonObject[]).length, (many.body.items as JsonObject[]).length)

  const table = await server.request(MAPS, {
    headers: { accept: `${only('Table')},application/json;as=Table;g=meta.k8s.io;v=v1` },
  })
  assert.equal(table.headers.get('content-type'), 'application/json')
  assert.equal(((await table.json()) as JsonObject).kind, 'Table')
  assert.equal((await server.request(MAPS, { headers: { accept: only('Table') } })).status, 406)
})

test('deletion takes its options and answers with a Status', async () => {
  const made = await ask('POST', MAPS, `${CORE}ConfigMap`, configMap('d'))
  const options = (object: JsonObject) => wrap('v1', 'DeleteOptions', codec.encode(`${META}DeleteOptions`, object))
  const refused = await ask('DELETE', `${MAPS}/d`, '', options({ preconditions: { uid: 'other' } }))
  assert.deepEqual([refused.code, refused.body.reason], [409, 'Conflict'])
  const uid = (made.body.metadata as JsonObject).uid as string
  const dry = await ask('DELETE', `${MAPS}/d`, '', options({ dryRun: ['All'], preconditions: { uid } }))
  assert.deepEqual([dry.code, dry.kind, dry.body.status], [200, 'Status', 'Success'])
  const gone = await ask('DELETE', `${MAPS}/d`, '', options({ preconditions: { uid } }))
  assert.deepEqual([gone.code, (gone.body.details as JsonObject).uid], [200, uid])
  const missing = await ask('DELETE', `${MAPS}/d`, '')
  assert.deepEqual([missing.code, missing.type, missing.body.message], [404, PROTOBUF, 'configmaps "d" not found'])
  const broken = await ask('DELETE', `${MAPS}/d`, '', Buffer.from('k8s\0garbage'))
  assert.deepEqual([broken.code, broken.body.message], [400, 'proto: illegal wireType 7'])
})

test('subresources', async () => {
  const selector = { matchLabels: { a: 'b' } }
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const deployment = { metadata: { name: 's' }, spec: { selector, template } }
  const type = 'io.k8s.api.apps.v1.Deployment'
  const url = '/apis/apps/v1/namespaces/default/deployments'
  assert.equal((await ask('POST', url, type, wrap('apps/v1', 'Deployment', codec.encode(type, deployment)))).code, 201)
  const scaleType = 'io.k8s.api.autoscaling.v1.Scale'
  const scale = await ask('GET', `${url}/s/scale`, scaleType)
  assert.deepEqual([scale.kind, scale.apiVersion, scale.body.spec], ['Scale', 'autoscaling/v1', { replicas: 1 }])
  const more = wrap('autoscaling/v1', 'Scale', codec.encode(scaleType, { ...scale.body, spec: { replicas: 4 } }))
  assert.deepEqual((await ask('PUT', `${url}/s/scale`, scaleType, more)).body.spec, { replicas: 4 })

  const reviewType = 'io.k8s.api.authorization.v1.SelfSubjectAccessReview'
  const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
  const body = wrap('authorization.k8s.io/v1', 'SelfSubjectAccessReview', codec.encode(reviewType, review))
  const reviewed = await ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', reviewType, body)
  assert.equal((reviewed.body.status as JsonObject).allowed, true)
})

/** Reads a watch's frames as they come. */
async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<{ type: string; kind: string; object: JsonObject }> {
  let rest = Buffer.alloc(0)
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE()
      // The object in the event is an envelope again, not JSON.
      const event = rest.subarray(4, end)
      const type = event.subarray(2, 2 + (event[1] as number)).toString()
      const { kind, raw } = unwrap(event.subarray(event.indexOf('k8s\0')))
      yield { type, kind, object: codec.decode(kind === 'Status' ? `${META}Status` : `${CORE}${kind}`, raw) }
      rest = rest.subarray(end)
    }
  }
}

test('watches send frames', async () => {
  const url = '/api/v1/namespaces/kube-node-lease/configmaps'
  const headers = { accept: `${PROTOBUF};stream=watch` }
  const query =
    'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name=w'
  const stop = new AbortController()
  const watch = await server.request(`${url}?${query}`, { headers, signal: stop.signal })
  assert.equal(watch.headers.get('content-type'), `${PROTOBUF};stream=watch`)
  const events = frames(watch.body as ReadableStream<Uint8Array>)
  const next = async () => (await events.next()).value as { type: string; kind: string; object: JsonObject }
  const bookmark = await next()
  const annotations = (bookmark.object.metadata as JsonObject).annotations
  assert.deepEqual(
    [bookmark.type, bookmark.kind, annotations],
    ['BOOKMARK', 'ConfigMap', { 'k8s.io/initial-events-end': 'true' }],
  )
  const made = await ask('POST', url, `${CORE}ConfigMap`, configMap('w', { a: 'b' }))
  assert.deepEqual(await next(), { type: 'ADDED', kind: 'ConfigMap', object: made.body })
  await ask('DELETE', `${url}/w`, '')
  assert.equal((await next()).type, 'DELETED')
  stop.abort()

  const old = await server.request(`${MAPS}?watch=1&resourceVersion=x`, { headers: { accept: PROTOBUF } })
  assert.equal(unwrap(Buffer.from(await old.arrayBuffer())).kind, 'Status')
})

test('bodies that are not what they should be', async () => {
  const refuse = async (body: Buffer, code: number, message: string) => {
    const answer = await ask('POST', MAPS, '', body)
    assert.deepEqual([answer.code, answer.body.message], [code, message])
  }
  const unrecognized = (cause: string) => `the object provided is unrecognized (must be of type ConfigMap): ${cause}`
  await refuse(Buffer.alloc(0), 400, unrecognized('empty data (<empty>)'))
  await refuse(Buffer.from('k8s\0'), 400, unrecognized('empty body (6b387300)'))
  await refuse(Buffer.from('k8s\0garbage'), 400, unrecognized('proto: illegal wireType 7 (6b38730067617262616765)'))
  await refuse(
    wrap('v1', 'ConfigMap', Buffer.from([0x08, 0x01])),
    400,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: wrong wireType = 0 for field Metadata',
  )
  await refuse(
    wrap('v1', 'Nothing', Buffer.alloc(0)),
    400,
    'Nothing in version "v1" cannot be handled as a ConfigMap: no kind "Nothing" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  )
  const secret = wrap('v1', 'Secret', codec.encode(`${CORE}Secret`, { metadata: { name: 's' } }))
  await refuse(
    secret,
    400,
    'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
  )
  const unnamed = await ask('POST', MAPS, '', wrap('v1', 'ConfigMap', codec.encode(`${CORE}ConfigMap`, {})))
  assert.deepEqual([unnamed.code, unnamed.body.reason], [422, 'Invalid'])
})

test('an error comes in the first form that is known', async () => {
  const typeFor = async (accept: string) =>
    (await server.request(`${MAPS}/nothing`, { headers: { accept } })).headers.get('content-type')
  assert.equal(await typeFor(`${PROTOBUF},application/json`), PROTOBUF)
  assert.equal(await typeFor(`application/json,${PROTOBUF}`), 'application/json')
  assert.equal(await typeFor(`text/html,${PROTOBUF}`), PROTOBUF)
  assert.equal(await typeFor(`${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json`), 'application/json')
  assert.equal(await typeFor('text/html'), 'application/json')
})
