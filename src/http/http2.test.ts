import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants } from 'node:http2'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { BodyStream, Transport } from '../machinery/exchange.ts'
import { answerOf, echo, http2Client, RawClient, sleep, startLoopback, until } from './loopback.ts'
import { ClientGoneError } from './read-body.ts'

const MB = 1024 * 1024
const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4]
const [END_STREAM, END_HEADERS] = [1, 4]

function frame(type: number, flags: number, stream: number, payload: string): Buffer {
  const bytes = Buffer.alloc(9 + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes.writeUInt8(type, 3)
  bytes.writeUInt8(flags, 4)
  bytes.writeUInt32BE(stream, 5)
  bytes.write(payload, 9, 'latin1')
  return bytes
}

test('requests and answers, bodies exact in both directions', async () => {
  let seen: Transport | undefined
  await using loopback = await startLoopback((transport) => {
    seen = transport
    void transport
      .readBody(MB)
      .then((body) => transport.respond(201, { 'x-a': ['1', '2'], 'x-odd': 'a\r\nb', 'x-text': 'é' }, body))
  })
  const session = await http2Client(loopback.port)
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i & 255))
  const stream = session.request({ ':path': '/a%2Fb?x=1', ':method': 'POST', 'x-two': ['a', 'b'] })
  stream.end(bytes)
  const answer = await answerOf(stream)
  assert.equal(answer.code, 201)
  assert.deepEqual(answer.body, bytes)
  assert.equal(answer.headers['content-length'], '700000')
  assert.equal(answer.headers['x-a'], '1, 2')
  assert.equal(answer.headers['x-odd'], 'a  b')
  assert.equal(Buffer.from(answer.headers['x-text'] as string, 'latin1').toString(), 'é')
  assert.match(answer.headers.date!, /GMT$/)
  assert.equal(seen!.method, 'POST')
  assert.equal(seen!.url, '/a%2Fb?x=1')
  assert.equal(seen!.protocol, 'HTTP/2.0')
  assert.equal(seen!.headers.host, `localhost:${loopback.port}`)
  assert.equal(seen!.headers['x-two'], 'a, b')
  assert.equal(seen!.remoteAddress, '127.0.0.1')
  session.destroy()
})

test('an empty body that ended before it is read', async () => {
  await using loopback = await startLoopback(async (transport) => {
    await sleep(20)
    transport.respond(200, {}, `${(await transport.readBody(MB)).length} bytes`)
  })
  const session = await http2Client(loopback.port)
  const stream = session.request({ ':method': 'POST', 'content-length': 0 })
  // After the headers, as curl does.
  setTimeout(() => stream.end(), 5)
  assert.equal(String((await answerOf(stream)).body), '0 bytes')
  session.destroy()
})

test('HEAD, 204 and 304 have no body', async () => {
  await using loopback = await startLoopback((transport) => transport.respond(Number(transport.url.slice(1)), {}, 'body'))
  const session = await http2Client(loopback.port)
  const [head, none, same] = await Promise.all([
    answerOf(session.request({ ':method': 'HEAD', ':path': '/200' })),
    answerOf(session.request({ ':path': '/204' })),
    answerOf(session.request({ ':path': '/304' })),
  ])
  assert.equal(head.headers['content-length'], '4')
  assert.equal(none.headers['content-length'], undefined)
  assert.equal(same.code, 304)
  for (const { body } of [head, none, same]) assert.equal(body.length, 0)
  session.destroy()
})

test('a body over the limit is a 413, declared or not, and the connection goes on', async () => {
  await using loopback = await startLoopback(echo)
  const session = await http2Client(loopback.port)
  for (const headers of [{ 'content-length': String(8 * MB) }, {}]) {
    const stream = session.request({ ':method': 'POST', ...headers })
    stream.on('error', () => {})
    stream.write(Buffer.alloc(8 * MB, 'x'))
    const answer = await answerOf(stream)
    assert.equal(answer.code, 413)
    assert.equal(String(answer.body), 'Request entity too large: limit is 3145728')
    await until(() => stream.closed, 'the stream to close')
  }
  const next = session.request({ ':method': 'POST' })
  next.end('abc')
  assert.match(String((await answerOf(next)).body), /"abc"/)
  await until(() => loopback.server.requestsInFlight === 0, 'all requests to be done')
  session.destroy()
})

test('a client that resets a stream in the middle of its body rejects the read', async () => {
  let error: unknown
  let closes = 0
  await using loopback = await startLoopback((transport) => {
    transport.onClose(() => closes++)
    transport.readBody(MB).catch((reason) => {
      error = reason
    })
  })
  // Node's own client ends the body before it resets a stream, so this one is made by hand.
  const client = await RawClient.connect(loopback.port, { ALPNProtocols: ['h2'] })
  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  client.send(frame(SETTINGS, 0, 0, ''))
  // POST, https, /, and the authority "a".
  client.send(frame(HEADERS, END_HEADERS, 1, '\x83\x87\x84\x41\x01a'))
  client.send(frame(DATA, 0, 1, 'abc'))
  await until(() => loopback.server.requestsInFlight === 1, 'the request')
  client.send(frame(RST_STREAM, 0, 1, '\0\0\0\x08'))
  await until(() => error !== undefined && closes > 0, 'the end')
  assert.ok(error instanceof ClientGoneError)
  assert.equal(closes, 1)
  assert.equal(client.closed, false)
  client.socket.destroy()
})

test('a slow reader is seen in pendingBytes without holding up another stream', async () => {
  const streams = new Map<string, BodyStream>()
  let drains = 0
  await using loopback = await startLoopback((transport) => {
    const stream = transport.stream(200, {})
    if (transport.url === '/slow') stream.onDrain(() => drains++)
    streams.set(transport.url, stream)
  })
  const session = await http2Client(loopback.port)
  session.setLocalWindowSize(4 * MB)
  const slow = session.request({ ':path': '/slow' })
  const quick = session.request({ ':path': '/quick' })
  let read = 0
  quick.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  await until(() => streams.size === 2, 'both requests')
  const chunk = Buffer.alloc(65536, 'x')
  for (let i = 0; i < 64; i++) {
    streams.get('/slow')!.write(chunk)
    streams.get('/quick')!.write(chunk)
    await sleep(0)
  }
  await until(() => read === 4 * MB, 'the quick reader')
  assert.ok(streams.get('/slow')!.pendingBytes > 3.5 * MB)
  assert.equal(streams.get('/quick')!.pendingBytes, 0)
  drains = 0
  slow.resume()
  await until(() => drains === 1, 'drain')
  assert.equal(streams.get('/slow')!.pendingBytes, 0)
  slow.close()
  await until(() => streams.get('/slow')!.closed, 'close')
  assert.equal(streams.get('/slow')!.write('x'), true)
  assert.equal(streams.get('/quick')!.closed, false)
  session.destroy()
})

test('many small events on many streams arrive complete and in order', async () => {
  const streams: BodyStream[] = []
  await using loopback = await startLoopback((transport) => streams.push(transport.stream(200, {})))
  const sessions = await Promise.all(Array.from({ length: 4 }, () => http2Client(loopback.port)))
  const answers = sessions.flatMap((session) => Array.from({ length: 20 }, () => answerOf(session.request({}))))
  await until(() => streams.length === 80, 'all streams')
  let expected = ''
  for (let i = 0; i < 100; i++) {
    const event = Buffer.from(`{"event":${i},"pad":"${'x'.repeat(i * 7)}"}\n`)
    expected += event
    for (const stream of streams) stream.write(event)
    if (i % 10 === 0) await sleep(0)
  }
  for (const stream of streams) stream.end()
  for (const answer of await Promise.all(answers)) assert.equal(String(answer.body), expected)
  for (const session of sessions) session.destroy()
})

test('destroy resets one stream and leaves the others', async () => {
  await using loopback = await startLoopback((transport) => {
    if (transport.url === '/drop') transport.destroy()
    else if (transport.url === '/throw') throw new Error('boom')
    else transport.respond(200, {}, 'ok')
  })
  const session = await http2Client(loopback.port)
  for (const path of ['/drop', '/throw']) {
    const dropped = session.request({ ':path': path })
    const [error] = (await once(dropped, 'error')) as [Error]
    assert.match(error.message, /INTERNAL_ERROR/)
  }
  assert.equal((await answerOf(session.request({ ':path': '/' }))).code, 200)
  assert.equal(loopback.errors.length, 1)
  session.destroy()
})

test('a connection that nobody reads ends soon after a stream on it was given up, one that is read does not', async () => {
  await using loopback = await startLoopback((transport) => transport.destroy(), { limits: { pingTimeoutMs: 200 } })
  const reading = await http2Client(loopback.port)
  const stuck = await RawClient.connect(loopback.port, { ALPNProtocols: ['h2'] })
  stuck.socket.pause()
  stuck.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  stuck.send(frame(SETTINGS, 0, 0, ''))
  // GET, https, /, and the authority "a".
  stuck.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, '\x82\x87\x84\x41\x01a'))
  await once(reading.request({}), 'error')
  assert.equal(loopback.server.openConnections, 2)
  await until(() => loopback.server.openConnections === 1, 'the connection to be closed')
  await sleep(250)
  assert.equal(reading.destroyed, false)
  reading.destroy()
  stuck.socket.destroy()
})

test('a large answer is compressed when asked for', async () => {
  const body = Buffer.alloc(300_000, '{"kind":"Pod"},')
  await using loopback = await startLoopback((transport) => transport.respond(200, { vary: 'Accept' }, body))
  const session = await http2Client(loopback.port)
  const answer = await answerOf(session.request({ 'accept-encoding': 'gzip' }))
  assert.equal(answer.headers['content-encoding'], 'gzip')
  assert.equal(answer.headers.vary, 'Accept, Accept-Encoding')
  assert.equal(answer.headers['content-length'], String(answer.body.length))
  assert.deepEqual(gunzipSync(answer.body), body)
  session.destroy()
})

test("the settings are the reference's, and headers are bounded", async () => {
  await using loopback = await startLoopback((transport) => transport.respond(200, {}, 'ok'))
  const session = await http2Client(loopback.port, { maxHeaderListPairs: 5000, maxSendHeaderBlockLength: 4 * MB })
  if (session.remoteSettings.initialWindowSize === 65535) await once(session, 'remoteSettings')
  assert.equal(session.remoteSettings.maxConcurrentStreams, 100)
  assert.equal(session.remoteSettings.initialWindowSize, 256 * 1024)
  assert.equal(session.remoteSettings.maxFrameSize, 256 * 1024)
  assert.equal(session.remoteSettings.maxHeaderListSize, MB)
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x-${i}`, 'y']))
  assert.equal((await answerOf(session.request(many))).code, 200)
  session.destroy()
})

test('a client that opens and resets streams without end is cut off', async () => {
  await using loopback = await startLoopback(() => {}, { limits: { resetBurst: 50, resetsPerSecond: 10 } })
  const session = await http2Client(loopback.port)
  for (let i = 0; i < 400 && !session.destroyed; i++) {
    const stream = session.request({})
    stream.on('error', () => {})
    stream.close(constants.NGHTTP2_CANCEL)
    if (i % 20 === 0) await sleep(1)
  }
  await until(() => session.destroyed, 'the connection to be closed')
  await until(() => loopback.server.openConnections === 0 && loopback.server.requestsInFlight === 0, 'nothing to be left')
  const other = await http2Client(loopback.port)
  other.destroy()
})

test('by chance a request is the last on its connection, yet it is answered', async () => {
  await using loopback = await startLoopback(echo, { goawayChance: 0.02, random: () => 0.01 })
  const session = await http2Client(loopback.port)
  const goaway = once(session, 'goaway')
  const stream = session.request({ ':method': 'POST' })
  await goaway
  stream.end('late')
  assert.match(String((await answerOf(stream)).body), /"late"/)
  await until(() => session.destroyed, 'the connection to be closed')
})

test('an idle connection is closed, one with an open stream is not', async () => {
  await using loopback = await startLoopback((transport) => transport.stream(200, {}), { limits: { idleTimeoutMs: 100 } })
  const idle = await http2Client(loopback.port)
  const watching = await http2Client(loopback.port)
  watching.request({}).on('error', () => {})
  await until(() => idle.destroyed, 'the idle connection to be closed')
  await sleep(150)
  assert.equal(watching.destroyed, false)
  watching.destroy()
})
