import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceIps } from './source-ips.ts'
import { event } from './testing.ts'
import { TruncatingBackend } from './truncating.ts'

test('JSON has the members of the API, in its order', () => {
  const whole = event('a', {
    level: 'RequestResponse',
    impersonatedUser: { name: 'bob', uid: '', groups: [], extra: {} },
    constraint: 'impersonate:user-info',
    responseStatus: { status: 'Failure', message: 'm', reason: 'NotFound', details: { name: 'x' }, code: 404 },
    requestObject: '{"kind":"Pod"}',
    responseObject: '{"kind":"Status"}',
    annotations: { z: '1', a: '2' },
  })
  assert.equal(
    whole.wholeJson,
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete",' +
      '"requestURI":"/api/v1/namespaces/n/pods?limit=1","verb":"list",' +
      '"user":{"username":"alice","uid":"u","groups":["dev","ops"],"extra":{"a":["1"],"b":["2"]}},' +
      '"impersonatedUser":{"username":"bob"},"authenticationMetadata":{"impersonationConstraint":"impersonate:user-info"},' +
      '"sourceIPs":["10.0.0.1","127.0.0.1"],"userAgent":"test \\"x\\"",' +
      '"objectRef":{"resource":"pods","namespace":"n","apiVersion":"v1"},' +
      '"responseStatus":{"metadata":{},"status":"Failure","message":"m","reason":"NotFound","details":{"name":"x"},"code":404},' +
      '"requestObject":{"kind":"Pod"},"responseObject":{"kind":"Status"},' +
      '"requestReceivedTimestamp":"2026-11-24T14:30:00.000000Z","stageTimestamp":"2026-11-24T14:30:00.001000Z",' +
      '"annotations":{"a":"2","z":"1"}}',
  )
  assert.equal(event('a').wholeJson.includes('"responseStatus":{"metadata":{},"code":200}'), true)
})

test('the text form', () => {
  assert.equal(
    event('a').legacy(),
    '2026-11-24T14:30:00.000000Z AUDIT: id="a" stage="ResponseComplete" ip="10.0.0.1" method="list" user="alice" ' +
      'groups="\\"dev\\",\\"ops\\"" as="<self>" asgroups="<lookup>" user-agent="test \\"x\\"" namespace="n" ' +
      'uri="/api/v1/namespaces/n/pods?limit=1" response="200"',
  )
  assert.match(
    event('a', { responseStatus: undefined, objectRef: undefined }).legacy(),
    /namespace="<none>".*response="<deferred>"$/,
  )
})

test('what is too large loses its objects, or is lost', async () => {
  const taken: string[] = []
  const lost: string[] = []
  const backend = new TruncatingBackend({
    backend: {
      process: (events) => {
        taken.push(...events.map(({ json }) => json))
        return true
      },
      close: async () => {},
    },
    maxEventSize: 2000,
    lost: (by, error, events) => lost.push(`${by} ${(error as Error).message} ${events.length}`),
  })
  const large = JSON.stringify({ data: 'x'.repeat(3000) })
  assert.equal(backend.process([event('a', { level: 'Request', requestObject: '{}' })]), true)
  assert.equal(backend.process([event('b', { level: 'RequestResponse', requestObject: large, responseObject: large })]), true)
  assert.equal(backend.process([event('c', { annotations: { a: 'y'.repeat(3000) } })]), false)
  const [a, b] = taken.map((json) => JSON.parse(json))
  assert.deepEqual([a.requestObject, a.annotations], [{}, undefined])
  assert.deepEqual(
    [b.requestObject, b.responseObject, b.annotations],
    [undefined, undefined, { 'audit.k8s.io/truncated': 'true' }],
  )
  assert.deepEqual([taken.length, lost], [2, ['truncate event is too large even after truncating 1']])
})

test('the addresses that a request came from', () => {
  const of = (headers: Record<string, string>, remoteAddress = '127.0.0.1') => sourceIps({ headers, remoteAddress })
  assert.deepEqual(of({}), ['127.0.0.1'])
  assert.deepEqual(of({}, '::ffff:10.1.2.3'), ['10.1.2.3'])
  assert.deepEqual(of({ 'x-forwarded-for': '1.2.3.4, junk, fd00::1' }), ['1.2.3.4', 'fd00::1', '127.0.0.1'])
  assert.deepEqual(of({ 'x-forwarded-for': '1.2.3.4', 'x-real-ip': '1.2.3.4' }), ['1.2.3.4', '127.0.0.1'])
  assert.deepEqual(of({ 'x-real-ip': '9.9.9.9' }), ['9.9.9.9', '127.0.0.1'])
  assert.deepEqual(of({}, ''), [])
})
