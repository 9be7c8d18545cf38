import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { constants, inflateRawSync, inflateSync } from 'node:zlib'
import { SpdyConnection, type SpdyEvent } from './spdy.ts'

const EMPTY = Buffer.alloc(0)

function pair(): { client: SpdyConnection; server: SpdyConnection; end: () => void } {
  const [a, b] = duplexPair()
  return {
    client: new SpdyConnection({ stream: a, head: EMPTY }),
    server: new SpdyConnection({ stream: b, head: EMPTY }, 'server'),
    end: () => a.end(),
  }
}

async function all(connection: SpdyConnection): Promise<SpdyEvent[]> {
  const events: SpdyEvent[] = []
  for await (const event of connection.events()) events.push(event)
  return events
}

test('streams are opened, used and ended', async () => {
  const { client, server, end } = pair()
  const error = client.open({ streamtype: 'error' })
  const stdin = client.open({ streamtype: 'stdin' })
  client.ping()
  await client.send(stdin, Buffer.from('hello'))
  client.end(stdin)
  end()
  assert.deepEqual([error, stdin], [1, 3])
  assert.deepEqual(await all(server), [
    { type: 'open', streamId: 1 },
    { type: 'open', streamId: 3 },
    { type: 'data', streamId: 3, data: Buffer.from('hello') },
    { type: 'end', streamId: 3 },
  ])
})

test('headers are one zlib stream, block by block', async () => {
  const [a, b] = duplexPair()
  const connection = new SpdyConnection({ stream: a, head: EMPTY })
  connection.open({ streamtype: 'error' })
  connection.open({ streamtype: 'stdin', port: '80' })
  a.end()
  const bytes = Buffer.concat(await b.toArray())
  const first = bytes.subarray(18, 8 + bytes.readUIntBE(5, 3))
  const second = bytes.subarray(8 + bytes.readUIntBE(5, 3) + 18)
  assert.deepEqual([...bytes.subarray(0, 4)], [0x80, 3, 0, 1])
  const flush = { finishFlush: constants.Z_SYNC_FLUSH }
  const plain = (count: number, ...texts: string[]) =>
    Buffer.concat(
      [count, ...texts].map((one) =>
        typeof one === 'number' ? uint32(one) : Buffer.concat([uint32(one.length), Buffer.from(one)]),
      ),
    )
  assert.deepEqual(inflateSync(first, flush), plain(1, 'streamtype', 'error'))
  assert.deepEqual(inflateRawSync(second, flush), plain(2, 'streamtype', 'stdin', 'port', '80'))
})

test('frames may come in any pieces', async () => {
  const [a, b] = duplexPair()
  const writer = new SpdyConnection({ stream: a, head: EMPTY }, 'server')
  writer.reply(1)
  void writer.send(1, Buffer.from('abc'))
  writer.end(1)
  a.end()
  const bytes = Buffer.concat(await b.toArray())
  const [c, d] = duplexPair()
  for (const byte of bytes.subarray(5)) c.write(Buffer.from([byte]))
  c.end()
  const reader = new SpdyConnection({ stream: d, head: bytes.subarray(0, 5) })
  const events = await all(reader)
  assert.equal(events.map((event) => (event.type === 'data' ? event.data.toString() : event.type)).join(), 'a,b,c,end')
})

test('pings of the other side are answered, and our own are not', async () => {
  const { client, server, end } = pair()
  client.ping()
  server.ping()
  end()
  assert.deepEqual(await all(server), [])
  server.destroy()
  assert.deepEqual(await all(client), [])
})

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
