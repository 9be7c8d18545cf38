import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { test } from 'node:test'
import { type MessagePart, WebSocket } from './web-socket.ts'

/** A client's frame, masked as it must be. */
function frame(opcode: number, payload: Buffer | string, { fin = true, masked = true } = {}): Buffer {
  const data = Buffer.from(payload)
  const mask = Buffer.from([1, 2, 3, 4])
  const first = (fin ? 0x80 : 0) | opcode
  const flag = masked ? 0x80 : 0
  let head = Buffer.from([first, flag | data.length])
  if (data.length > 125) {
    head = Buffer.from([first, flag | 126, data.length >> 8, data.length & 0xff])
  }
  if (!masked) return Buffer.concat([head, data])
  return Buffer.concat([head, mask, data.map((byte, at) => byte ^ mask[at & 3]!)])
}

async function opened(
  head: Buffer = Buffer.alloc(0),
): Promise<{ client: Duplex; socket: WebSocket; said: () => Promise<Buffer> }> {
  const [client, stream] = duplexPair()
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => chunks.push(chunk))
  const socket = new WebSocket({ stream, head }, 'dGhlIHNhbXBsZSBub25jZQ==', 'v5.channel.k8s.io')
  await new Promise((resolve) => setImmediate(resolve))
  const handshake = Buffer.concat(chunks.splice(0)).toString()
  // The key and its answer are those of RFC 6455.
  assert.match(
    handshake,
    /^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\nSec-WebSocket-Protocol: v5/s,
  )
  const said = async (): Promise<Buffer> => {
    await new Promise((resolve) => setImmediate(resolve))
    return Buffer.concat(chunks)
  }
  return { client, socket, said }
}

async function all(socket: WebSocket): Promise<[boolean, string][]> {
  const parts: MessagePart[] = []
  for await (const part of socket.parts()) parts.push(part)
  return parts.map(({ first, data }) => [first, data.toString()])
}

test('messages come in the pieces in which they arrive', async () => {
  const { client, socket } = await opened(frame(2, 'before'))
  const bytes = Buffer.concat([frame(2, 'he', { fin: false }), frame(9, 'ping'), frame(0, 'llo'), frame(1, ''), frame(8, '')])
  for (const byte of bytes) client.write(Buffer.from([byte]))
  const parts = await all(socket)
  assert.deepEqual(parts[0], [true, 'before'])
  assert.deepEqual(parts.slice(1), [
    [true, 'h'],
    [false, 'e'],
    [false, 'l'],
    [false, 'l'],
    [false, 'o'],
    [true, ''],
  ])
})

test('pings are answered, and an end with an end', async () => {
  const { client, socket, said } = await opened()
  client.write(Buffer.concat([frame(9, 'abc'), frame(8, Buffer.from([3, 232]))]))
  assert.deepEqual(await all(socket), [])
  assert.deepEqual([...(await said())], [0x8a, 3, 97, 98, 99, 0x88, 2, 3, 232])
  assert.equal(socket.send(Buffer.from('late')), undefined)
})

test('frames that break the rules end the connection', async () => {
  const bad = [
    frame(2, 'x', { masked: false }),
    Buffer.concat([Buffer.from([0xc2, 0x80]), Buffer.alloc(4)]),
    frame(9, Buffer.alloc(126)),
  ]
  for (const bytes of bad) {
    const { client, socket, said } = await opened()
    client.write(bytes)
    assert.deepEqual(await all(socket), [])
    assert.deepEqual([...(await said())], [0x88, 2, 1002 >> 8, 1002 & 0xff])
  }
})

test('messages of any length are sent', async () => {
  for (const [length, head] of [
    [3, [0x82, 3]],
    [300, [0x82, 126, 1, 44]],
    [70_000, [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]],
  ] as const) {
    const { socket, said } = await opened()
    await socket.send(Buffer.alloc(1), Buffer.alloc(length - 1))
    const bytes = await said()
    assert.deepEqual([...bytes.subarray(0, head.length)], head)
    assert.equal(bytes.length, head.length + length)
  }
})

test('a sender waits for a client that does not read', async () => {
  const [client, stream] = duplexPair()
  const socket = new WebSocket({ stream, head: Buffer.alloc(0) }, 'key', undefined)
  let sent = 0
  let wait: Promise<void> | undefined
  while (!wait && sent < 1000) {
    wait = socket.send(Buffer.alloc(10_000))
    sent++
  }
  assert.ok(wait && sent < 100, `${sent} messages`)
  client.resume()
  await wait
})
