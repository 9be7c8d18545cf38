import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Frames, framed } from './frames.ts'
import { bool, bytes, id, int, Message, many, one, text } from './wire.ts'

const inner = new Message({ name: text(1), count: int(2) })
const outer = new Message({
  size: int(1),
  id: id(2),
  flag: bool(3),
  title: text(4),
  value: bytes(5),
  first: one(6, () => inner),
  rest: many(20, () => inner),
})

test('messages come back as they were', () => {
  for (const size of [0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, -1, -(2 ** 40)]) {
    for (const long of [0n, 1n, 2n ** 62n + 1n, -5n]) {
      const given = {
        size,
        id: long,
        flag: size > 5,
        title: 'é\u{1f600}',
        value: Buffer.from([0, 255]),
        first: { name: '', count: 0 },
        rest: [
          { name: 'a', count: size },
          { name: '', count: 0 },
        ],
      }
      assert.deepEqual(outer.decode(outer.encode(given)), given)
    }
  }
  assert.deepEqual(outer.decode(outer.encode({})), {
    size: 0,
    id: 0n,
    flag: false,
    title: '',
    value: Buffer.alloc(0),
    first: undefined,
    rest: [],
  })
})

test('bytes are as protobuf has them', () => {
  assert.equal(inner.encode({ name: 'abc', count: 300 }).toString('hex'), '0a0361626310ac02')
  assert.equal(outer.encode({ first: {}, rest: [{ count: 1 }] }).toString('hex'), '3200a201021001')
})

test('unknown fields are passed over, and what is cut off is an error', () => {
  const more = new Message({ name: text(1), number: int(7), far: text(300), long: id(8) })
  const encoded = more.encode({ name: 'a', number: 5, far: 'x'.repeat(300), long: 2n ** 60n })
  assert.deepEqual(inner.decode(encoded), { name: 'a', count: 0 })
  assert.deepEqual(inner.decode(Buffer.from('0a0161190102030405060708250102030410ac02', 'hex')), { name: 'a', count: 300 })
  for (let end = 1; end < 3; end++) assert.throws(() => inner.decode(Buffer.from('0a0361', 'hex').subarray(0, end)))
})

test('frames are found however the bytes are cut', () => {
  const messages = [{ name: 'a' }, { name: 'b'.repeat(5000), count: 1 }, {}]
  const whole = Buffer.concat(messages.map((message) => framed(inner, message)))
  for (const step of [1, 4, 5, 7, 1000, whole.length]) {
    const found: object[] = []
    const frames = new Frames((message) => found.push(inner.decode(message)))
    for (let at = 0; at < whole.length; at += step) frames.add(whole.subarray(at, at + step))
    assert.deepEqual(
      found,
      messages.map((message) => ({ name: '', count: 0, ...message })),
    )
  }
  assert.throws(() => new Frames(() => {}).add(Buffer.from([1, 0, 0, 0, 1, 0])), /compressed/)
})
