import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Field, HeaderDecoder, HeaderEncoder } from './hpack.ts'
import { decodeHuffman } from './huffman.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('decodes the examples of RFC 7541, each block with what those before left in the table', () => {
  const requests = new HeaderDecoder()
  const first = { ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'www.example.com' }
  assert.deepEqual(requests.decode(hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')), first)
  assert.deepEqual(requests.decode(hex('8286 84be 5886 a8eb 1064 9cbf')), { ...first, 'cache-control': 'no-cache' })
  const third = { ...first, ':scheme': 'https', ':path': '/index.html', 'custom-key': 'custom-value' }
  assert.deepEqual(requests.decode(hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')), third)
})

test('decodes texts that are not in the code, and fields that are not kept', () => {
  const decoder = new HeaderDecoder()
  assert.deepEqual(decoder.decode(hex('040c 2f73 616d 706c 652f 7061 7468')), { ':path': '/sample/path' })
  assert.deepEqual(decoder.decode(hex('1008 7061 7373 776f 7264 0673 6563 7265 74')), { password: 'secret' })
  assert.throws(() => decoder.decode(hex('be')), /no header with index 62/)
})

test('forgets the oldest fields when the table is full or made smaller', () => {
  const decoder = new HeaderDecoder()
  const field = (name: string, length: number) => {
    const value = 'v'.repeat(length)
    return Buffer.concat([
      hex('4001'),
      Buffer.from(name),
      hex(`7f${(length - 127).toString(16).padStart(2, '0')}`),
      Buffer.from(value),
    ])
  }
  // Each takes 1 + 200 + 32 bytes of 4,096: the eighteenth pushes the first out.
  for (let i = 0; i < 17; i++) decoder.decode(field(String.fromCharCode(97 + i), 200))
  assert.deepEqual(Object.keys(decoder.decode(Buffer.from([0x80 | (61 + 17)]))), ['a'])
  decoder.decode(field('z', 200))
  assert.deepEqual(Object.keys(decoder.decode(Buffer.from([0x80 | (61 + 17)]))), ['b'])
  // Room for one more: everything but the newest goes.
  decoder.decode(hex('3f d1 01'))
  assert.deepEqual(Object.keys(decoder.decode(Buffer.from([0x80 | 62]))), ['z'])
  assert.throws(() => decoder.decode(Buffer.from([0x80 | 63])), /no header/)
  assert.throws(() => decoder.decode(hex('3f e2 1f')), /a header table of 4097 bytes/)
})

test('blocks that are cut off or overflow are errors', () => {
  for (const block of ['40', '400a 6162', '4001 61', '8', '3f', '7fffffffffff7f', '0001 6182 ffff'])
    assert.throws(() => new HeaderDecoder().decode(hex(block.length % 2 ? `${block}0` : block)), Error, block)
  // Padding of eight bits, padding with zeros, the end-of-string code.
  for (const text of ['1fff', '18', 'fffffffc']) assert.throws(() => decodeHuffman(hex(text), 0, text.length / 2), /code/, text)
  assert.equal(decodeHuffman(hex('1f'), 0, 1), 'a')
})

test('what is encoded is decoded, and is short once the peer knows it', () => {
  const encoder = new HeaderEncoder()
  const decoder = new HeaderDecoder()
  const fields: Field[] = [
    [':method', 'POST'],
    [':path', '/etcdserverpb.KV/Txn'],
    ['te', 'trailers'],
    ['long', 'x'.repeat(300)],
  ]
  const wanted = Object.fromEntries(fields)
  assert.deepEqual(decoder.decode(encoder.encode(fields)), wanted)
  const again = encoder.encode(fields)
  assert.equal(again.length, fields.length)
  assert.deepEqual(decoder.decode(again), wanted)
  assert.deepEqual(decoder.decode(encoder.encode([[':path', '/other']], [['once', '1']])), { ':path': '/other', once: '1' })
  assert.equal(encoder.generation, 4)
  assert.deepEqual(decoder.decode(encoder.encode(fields)), wanted)
})

test('the peer is never asked to remember more than it does', () => {
  const encoder = new HeaderEncoder()
  const decoder = new HeaderDecoder()
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 40; i++) {
      const field: Field = [`name-${i}`, 'v'.repeat(100)]
      assert.deepEqual(decoder.decode(encoder.encode([field])), Object.fromEntries([field]))
    }
  encoder.useNoTable()
  assert.deepEqual(decoder.decode(encoder.encode([['name-0', 'a']])), { 'name-0': 'a' })
  assert.throws(() => decoder.decode(Buffer.from([0x80 | 62])), /no header/)
  assert.equal(encoder.encode([['name-0', 'a']]).length, encoder.encode([['name-0', 'a']]).length)
})

test('a field takes as many bytes of the table as were sent, whatever they are', () => {
  const decoder = new HeaderDecoder()
  const field = (name: string) => Buffer.concat([hex('4001'), Buffer.from(name), hex('7f49'), Buffer.alloc(200, 0xff)])
  // Seventeen of 233 bytes each have room in 4,096.
  for (let i = 0; i < 17; i++) decoder.decode(field(String.fromCharCode(97 + i)))
  assert.deepEqual(Object.keys(decoder.decode(Buffer.from([0x80 | (61 + 17)]))), ['a'])
})
