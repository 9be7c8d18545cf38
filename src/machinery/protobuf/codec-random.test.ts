import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { TypeDecoder } from '../decode.ts'
import type { Json, JsonObject } from '../json.ts'
import { SchemaFacts, type TypeExpression } from '../schema.ts'
import { ProtobufCodec } from './codec.ts'
import { unwrap } from './envelope.ts'
import { ProtobufError } from './reader.ts'
import { WireFacts } from './wire-facts.ts'

const facts = new SchemaFacts()
const decoder = new TypeDecoder(facts)
const codec = new ProtobufCodec(new WireFacts())

/** Random numbers that are the same on every run. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}

const STRINGS = ['', 'a', 'Always', 'registry.example/with/a/long/name:1.2.3', 'ünïcödé', '日本', '\u0000', 'x'.repeat(300)]

const SCALARS: Record<string, readonly Json[]> = {
  string: STRINGS,
  boolean: [true, false],
  int32: [0, 1, -1, 80, 2147483647, -2147483648],
  int64: [0, 1, -1, 30, 2 ** 53 - 1, 9007199254740993n, -9223372036854775808n],
  double: [0, 1.5, -2e300],
  bytes: ['', 'AA==', 'aGVsbG8='],
  quantity: ['0', '100m', '1Gi', '-5', '1500'],
  intorstring: [0, 80, -1, '25%', ''],
  time: ['2024-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z'],
  microtime: ['2024-01-01T00:00:00.000000Z', '1969-12-31T23:59:59.999999Z'],
  duration: ['0s', '1m0s', '-1.5s'],
  raw: [{ a: 1, kind: 'X' }, {}],
  fields: [{ 'f:a': {} }, {}],
  json: [1, 'a', null, true, [1, { b: 2 }], { c: [] }],
  propsorarray: [{ type: 'string' }, [{ type: 'string' }, {}]],
  propsorbool: [true, false, { type: 'string' }],
  propsorstrings: [['a', 'b'], { type: 'string' }],
}

function randomValue(random: Random, type: TypeExpression, depth: number): Json {
  if (typeof type !== 'string') {
    const count = depth > 6 ? 0 : random.below(3)
    if ('list' in type) return Array.from({ length: count }, () => randomValue(random, type.list, depth + 1))
    return Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`${random.of(['b', 'a', 'é'])}${i}`, randomValue(random, type.map, depth + 1)]),
    )
  }
  if (!type.startsWith('#')) return random.of(SCALARS[type] ?? [null])
  return randomObject(random, type, depth + 1)
}

function randomObject(random: Random, type: string, depth: number): JsonObject {
  const object: JsonObject = {}
  const { fields, gvk } = facts.type(type)
  for (const field of fields) {
    // What an object is isn't in its message.
    if (gvk && (field.name === 'kind' || field.name === 'apiVersion')) continue
    if (random.below(10) < (depth > 6 ? 9 : 4)) continue
    object[field.name] = randomValue(random, field.type, depth)
  }
  return object
}

/** Every kind of every group version with schemas that has a message. */
const kinds = readdirSync(path.join(import.meta.dirname, '../../generated/schemas')).flatMap((file) => {
  const pkg = path.basename(file, '.json')
  return Object.entries(facts.package(pkg))
    .filter(([name, type]) => type.gvk && codec.has(`${pkg}.${name}`))
    .map(([name]) => `${pkg}.${name}`)
})

test('random objects of every kind come back as they went', () => {
  assert.ok(kinds.length > 150, `only ${kinds.length} kinds`)
  for (const [i, kind] of kinds.entries()) {
    for (let round = 0; round < 4; round++) {
      const random = new Random(i * 100 + round)
      const object = decoder.decode(kind, randomObject(random, kind, 0))
      const back = codec.decode(kind, codec.encode(kind, object))
      assert.deepEqual(decoder.decode(kind, back), object, `${kind}, round ${round}`)
    }
  }
})

/** Decodes what may be anything: an error of the expected kind, or an object. */
function survives(kind: string, input: Buffer): void {
  try {
    codec.decode(kind, input)
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
  }
}

test('broken messages are refused, and quickly', () => {
  const kind = 'io.k8s.api.core.v1.Pod'
  const random = new Random(7)
  const started = performance.now()
  for (let round = 0; round < 5; round++) {
    const message = codec.encode(kind, decoder.decode(kind, randomObject(random, kind, 0)))
    for (let length = 0; length < message.length; length += 1 + random.below(20)) survives(kind, message.subarray(0, length))
    for (let i = 0; i < 300; i++) {
      const changed = Buffer.from(message)
      for (let n = 0; n <= random.below(4); n++) changed[random.below(changed.length)] = random.below(256)
      survives(kind, changed)
    }
  }
  for (let i = 0; i < 2000; i++) {
    survives(kind, Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256))))
  }
  assert.ok(performance.now() - started < 20_000)
})

const broken = (kind: string, bytes: number[] | Buffer, text: string) =>
  assert.throws(
    () => codec.decode(kind, Buffer.from(bytes)),
    (error) => error instanceof ProtobufError && error.message === text,
  )

test('what is wrong with a message is said in the reference’s words', () => {
  const map = 'io.k8s.api.core.v1.ConfigMap'
  broken(map, [0x0a], 'unexpected EOF')
  broken(map, [0x0a, 0x05, 0x0a], 'unexpected EOF')
  broken(map, [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], 'unexpected EOF')
  broken(
    map,
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    'proto: negative length found during unmarshaling',
  )
  broken(map, [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 'proto: integer overflow')
  broken(map, [0x08, 0x01], 'proto: wrong wireType = 0 for field Metadata')
  broken(map, [0x0a, 0x02, 0x08, 0x01], 'proto: wrong wireType = 0 for field Name')
  broken(map, [0x0a, 0x02, 0x28, 0x01], 'proto: wrong wireType = 0 for field UID')
  broken(map, [0x7f], 'proto: illegal wireType 7')
  broken(map, [0x0c], 'proto: wrong wireType = 4 for field Metadata')
  broken(map, [0x7c], 'proto: wiretype end group for non-group')
  broken(map, [0x00, 0x00], 'proto: illegal tag 0 (wire type 0)')
  broken(map, [0x7b, 0x08], 'unexpected EOF')
  broken('io.k8s.api.apps.v1.ControllerRevision', [0x12, 0x03, 0x0a, 0x01, 0x7b], 'unexpected end of JSON input')
  const time = [0x0a, 0x0b, 0x42, 0x09, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
  broken(map, time, 'Time.MarshalJSON: year outside of range [0,9999]')
})

test('nothing nests without end', () => {
  const schema = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
  // Each level is a `not` (field 28) in the one before.
  let nested = Buffer.alloc(0)
  const levels: Buffer[] = []
  let length = 0
  for (let i = 0; i < 200_000; i++) {
    const head: number[] = [0xe2, 0x01]
    let rest = length
    for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128)
    head.push(rest)
    levels.push(Buffer.from(head))
    length += head.length
  }
  nested = Buffer.concat(levels.reverse())
  broken(schema, nested, 'proto: messages are nested too deep')
  // Groups are skipped without descending into them.
  const groups = Buffer.concat([Buffer.alloc(1_000_000, 0x7b), Buffer.alloc(1_000_000, 0x7c)])
  assert.deepEqual(codec.decode('io.k8s.api.core.v1.ConfigMap', groups), {})
  const envelope = Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(1_000_000, 0x7b)])
  assert.throws(() => unwrap(envelope), ProtobufError)
})
