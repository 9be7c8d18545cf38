import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../json.ts'
import { ProtobufCodec } from './codec.ts'
import { PREFIX, unwrap, watchFrame, wrap } from './envelope.ts'
import { ProtobufError } from './reader.ts'
import { WireFacts } from './wire-facts.ts'

const CORE = 'io.k8s.api.core.v1.'
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const CRD = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.'
const codec = new ProtobufCodec(new WireFacts())

/** The bytes of a test: numbers are bytes, text is itself, and a list is a length and what it holds. */
type Part = number | string | Part[]

function bytes(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.from([part])
      if (typeof part === 'string') return Buffer.from(part)
      const inner = bytes(...part)
      assert.ok(inner.length < 128, 'lengths of one byte')
      return Buffer.concat([Buffer.from([inner.length]), inner])
    }),
  )
}

/** Encodes and decodes, and checks that nothing changes on the way. */
function both(type: string, object: JsonObject, expected: Buffer): void {
  assert.equal(codec.encode(type, object).toString('hex'), expected.toString('hex'))
  assert.deepEqual(codec.decode(type, expected), object)
}

/** Goes through the wire and back. */
const again = (type: string, object: JsonObject): JsonObject => codec.decode(type, codec.encode(type, object))

test('plain values are written when they are zero, pointers when they are there', () => {
  both(`${META}OwnerReference`, { kind: 'A', name: 'b' }, bytes(0x0a, ['A'], 0x1a, ['b'], 0x22, [], 0x2a, []))
  both(`${META}OwnerReference`, { kind: 'A', controller: false }, bytes(0x0a, ['A'], 0x1a, [], 0x22, [], 0x2a, [], 0x30, 0))
  assert.deepEqual(codec.encode(`${CORE}ContainerPort`, {}), bytes(0x0a, [], 0x10, 0, 0x18, 0, 0x22, [], 0x2a, []))
  assert.deepEqual(codec.decode(`${META}ListMeta`, bytes(0x0a, [], 0x12, ['7'], 0x1a, [], 0x20, 0)), {
    resourceVersion: '7',
    remainingItemCount: 0,
  })
})

test('structs that are values are written when they are empty; times that are values, too', () => {
  both(
    `${CORE}ConfigMap`,
    { metadata: { name: 'a' }, data: { k: 'v' } },
    bytes(0x0a, [0x0a, ['a'], 0x12, [], 0x1a, [], 0x22, [], 0x2a, [], 0x32, [], 0x38, 0, 0x42, []], 0x12, [
      0x0a,
      ['k'],
      0x12,
      ['v'],
    ]),
  )
  assert.equal(codec.encode(`${CORE}ConfigMap`, {}).toString('hex'), '0a100a0012001a0022002a00320038004200')
})

test('fields of embedded structs are their parents’ in JSON', () => {
  both(`${CORE}SecretKeySelector`, { name: 'n', key: 'k', optional: true }, bytes(0x0a, [0x0a, ['n']], 0x12, ['k'], 0x18, 1))
  const volume = { name: 'v', emptyDir: { medium: 'Memory' } }
  assert.deepEqual(again(`${CORE}Volume`, volume), volume)
  const probe = { httpGet: { path: '/', port: 'http' }, periodSeconds: 5 }
  assert.deepEqual(again(`${CORE}Probe`, probe), probe)
})

test('maps are written by their keys, whatever their order', () => {
  const first = codec.encode(`${CORE}Secret`, { data: { b: 'Mg==', a: 'MQ==' } })
  assert.ok(first.equals(codec.encode(`${CORE}Secret`, { data: { a: 'MQ==', b: 'Mg==' } })))
  assert.ok(first.indexOf('\x0a\x01a\x12\x011') > 0 && first.indexOf('\x0a\x01a') < first.indexOf('\x0a\x01b'))
  const keys = JSON.parse('{"__proto__":"x","constructor":"y"}') as JsonObject
  const back = again(`${CORE}ConfigMap`, { metadata: {}, data: keys })
  assert.equal(JSON.stringify(back.data), '{"__proto__":"x","constructor":"y"}')
})

test('integers of every size', () => {
  const type = 'io.k8s.api.batch.v1.JobSpec'
  for (const value of [0, 1, -1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1]) {
    assert.equal(again(type, { activeDeadlineSeconds: value }).activeDeadlineSeconds, value)
  }
  for (const value of [2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n)]) {
    assert.equal(again(type, { activeDeadlineSeconds: value }).activeDeadlineSeconds, value)
  }
  for (const value of [0, -1, 5, 2 ** 31 - 1, -(2 ** 31)]) assert.equal(again(type, { parallelism: value }).parallelism, value)
  assert.ok(codec.encode(type, { parallelism: -1 }).includes(bytes(0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)))
})

test('strings of every length and script', () => {
  for (const text of ['é', 'x'.repeat(12), 'x'.repeat(13), '日本語'.repeat(20), '😀', 'y'.repeat(200), 'z'.repeat(70_000)]) {
    assert.equal(again(`${CORE}EnvVar`, { name: text }).name, text)
  }
})

test('values with a JSON form of their own', () => {
  both(`${CORE}TCPSocketAction`, { port: 'http' }, bytes(0x0a, [0x08, 1, 0x10, 0, 0x1a, ['http']], 0x12, []))
  both(`${CORE}TCPSocketAction`, { port: 80 }, bytes(0x0a, [0x08, 0, 0x10, 80, 0x1a, []], 0x12, []))
  both(`${CORE}EmptyDirVolumeSource`, { sizeLimit: '1Gi' }, bytes(0x0a, [], 0x12, [0x0a, ['1Gi']]))
  const meta = {
    creationTimestamp: '2024-02-29T23:59:59Z',
    managedFields: [{ manager: 'm', fieldsV1: { 'f:data': { '.': {} } } }],
  }
  assert.deepEqual(again(`${META}ObjectMeta`, meta), meta)
  for (const time of ['0001-01-02T00:00:00Z', '1969-12-31T23:59:59Z', '2100-03-01T00:00:00Z', '9999-12-31T23:59:59Z']) {
    assert.equal(again(`${META}ObjectMeta`, { creationTimestamp: time }).creationTimestamp, time)
  }
  const lease = { acquireTime: '2024-01-01T00:00:00.000001Z', renewTime: '1969-12-31T23:59:59.999999Z', leaseTransitions: 0 }
  assert.deepEqual(again('io.k8s.api.coordination.v1.LeaseSpec', lease), lease)
  const review = { spec: { user: 'u', extra: { a: ['b', 'c'], none: [] } }, metadata: {}, status: {} }
  assert.deepEqual(again('io.k8s.api.authorization.v1.SubjectAccessReview', review), review)
  const revision = { metadata: {}, data: { spec: { replicas: 3, big: 9007199254740993n } }, revision: 3 }
  assert.deepEqual(again('io.k8s.api.apps.v1.ControllerRevision', revision), revision)
})

test('the parts of a JSON schema that are one of two types', () => {
  const schema = {
    $schema: 's',
    type: 'object',
    default: { a: null },
    enum: [1, 'a', null, { b: [true] }],
    maximum: 1.5,
    items: { type: 'string' },
    additionalProperties: false,
    additionalItems: { type: 'integer' },
    dependencies: { a: ['b'], c: { required: ['d'] } },
    properties: { nested: { items: [{ type: 'string' }, { $ref: '#' }], additionalProperties: true } },
    'x-kubernetes-preserve-unknown-fields': true,
    'x-kubernetes-list-map-keys': ['name'],
  }
  assert.deepEqual(again(`${CRD}JSONSchemaProps`, schema), schema)
})

test('what comes twice is merged, what nobody knows is skipped, lists of numbers may be packed', () => {
  const twice = bytes(0x0a, [0x0a, ['a']], 0x12, [0x0a, ['k'], 0x12, ['v']], 0x0a, [0x1a, ['ns']], 0x12, [0x0a, ['l']])
  assert.deepEqual(codec.decode(`${CORE}ConfigMap`, twice), {
    metadata: { name: 'a', namespace: 'ns' },
    data: { k: 'v', l: '' },
  })
  const unknown = bytes(
    0xf8,
    0x01,
    5,
    0xf9,
    0x01,
    '12345678',
    0xfa,
    0x01,
    ['x'],
    0xfb,
    0x01,
    0x08,
    1,
    0xfc,
    0x01,
    0xfd,
    0x01,
    '1234',
  )
  assert.deepEqual(codec.decode(`${CORE}ConfigMap`, unknown), {})
  const groups = 'io.k8s.api.core.v1.PodSecurityContext'
  assert.deepEqual(codec.decode(groups, bytes(0x22, [1, 2])), { supplementalGroups: [1, 2] })
  assert.deepEqual(codec.decode(groups, bytes(0x20, 1, 0x20, 2)), { supplementalGroups: [1, 2] })
})

test('an envelope says what it holds', () => {
  const message = Buffer.from('message')
  const wrapped = wrap('apps/v1', 'Deployment', message)
  const meta = [0x0a, ['apps/v1'], 0x12, ['Deployment']] satisfies Part[]
  assert.equal(
    wrapped.toString('hex'),
    Buffer.concat([PREFIX, bytes(0x0a, meta, 0x12, ['message'], 0x1a, [], 0x22, [])]).toString('hex'),
  )
  const { apiVersion, kind, raw } = unwrap(wrapped)
  assert.deepEqual([apiVersion, kind, raw.toString()], ['apps/v1', 'Deployment', 'message'])
  const refused = (input: string | Buffer, text: string) =>
    assert.throws(
      () => unwrap(Buffer.from(input)),
      (error) => error instanceof ProtobufError && error.message === text,
    )
  refused('', 'empty data')
  refused('{}', 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  refused('k8s\0', 'empty body')
  refused('k8s\0garbage', 'proto: illegal wireType 7')
  refused(bytes('k8s\0', 0x08, 1), 'proto: wrong wireType = 0 for field TypeMeta')
  refused(bytes('k8s\0', 0x0a, 99), 'unexpected EOF')
})

test('a watch event goes out with its length before it', () => {
  const frame = watchFrame('ADDED', Buffer.from('object'))
  assert.equal(frame.readUInt32BE(), frame.length - 4)
  assert.deepEqual(frame.subarray(4), bytes(0x0a, ['ADDED'], 0x12, [0x0a, ['object']]))
})

/** The reference's facts lie outside this repository: KUBE_REFERENCE is their folder. */
const reference = process.env.KUBE_REFERENCE ?? ''
const golden = path.join(reference, 'golden')

/** The packages in which a golden file's kind may be: `apps/v1` is apps.v1, `rbac.authorization.k8s.io/v1` is rbac.v1. */
function goldenType(apiVersion: string, kind: string): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion || 'v1']
  const first = group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : (group ?? '').split('.')[0]
  const found = [`io.k8s.api.${first}.${version}.`, META].find((pkg) => codec.has(pkg + (kind || 'WatchEvent')))
  assert.ok(found, `no type for ${apiVersion} ${kind}`)
  return found + (kind || 'WatchEvent')
}

test('every API type with all fields filled, byte for byte', {
  skip: !reference && 'KUBE_REFERENCE does not name the folder of reference facts',
}, () => {
  const files = readdirSync(golden).filter((file) => file.endsWith('.pb'))
  assert.ok(files.length > 150, `only ${files.length} files`)
  for (const file of files) {
    const message = readFileSync(path.join(golden, file))
    const object = JSON.parse(readFileSync(path.join(golden, file.replace(/pb$/, 'json')), 'utf8')) as JsonObject
    const { apiVersion, kind, raw } = unwrap(message)
    const type = goldenType(apiVersion, kind)
    assert.ok(wrap(apiVersion, kind, codec.encode(type, object)).equals(message), `${file}: encoding`)
    const { kind: _kind, apiVersion: _version, ...members } = object
    assert.deepEqual(codec.decode(type, raw), kind ? members : object, `${file}: decoding`)
  }
})
