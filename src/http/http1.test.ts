import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { BodyStream, Transport } from '../machinery/exchange.ts'
import { echo, RawClient, sleep, startLoopback, until } from './loopback.ts'
import { ClientGoneError } from './read-body.ts'

const GET = (path = '/', more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
const MB = 1024 * 1024

test('answers carry their length, their headers in order, and a date', async () => {
  await using loopback = await startLoopback((transport) =>
    transport.respond(
      201,
      { 'content-type': 'application/json', warning: ['299 - "a"', '299 - "b"'], 'x-odd': 'a\r\nb: c', 'x-text': 'é€' },
      'hé',
    ),
  )
  const client = await RawClient.connect(loopback.port)
  client.send(GET())
  const text = await client.received(/hÃ©$/)
  assert.match(text, /^HTTP\/1\.1 201 Created\r\ncontent-type: application\/json\r\n/i)
  assert.match(text, /\r\nwarning: 299 - "a"\r\nwarning: 299 - "b"\r\n/i)
  assert.match(text, /\r\nx-odd: a {2}b: c\r\n/i)
  assert.equal(Buffer.from(/x-text: (.*)\r/i.exec(text)![1]!, 'latin1').toString(), 'é€')
  assert.match(text, /\r\ncontent-length: 3\r\n/i)
  assert.match(text, /\r\ndate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/i)
})

test('the request is given as it was sent', async () => {
  let seen: Transport | undefined
  await using loopback = await startLoopback((transport) => {
    seen = transport
    transport.respond(200, {}, '')
  })
  const client = await RawClient.connect(loopback.port)
  client.send(GET('/a%2Fb?x=1&x=2', 'X-Two: a\r\nx-two: b\r\n'))
  await client.received(/\r\n\r\n$/)
  assert.equal(seen!.url, '/a%2Fb?x=1&x=2')
  assert.equal(seen!.method, 'GET')
  assert.equal(seen!.protocol, 'HTTP/1.1')
  assert.equal(seen!.remoteAddress, '127.0.0.1')
  assert.equal(seen!.headers['x-two'], 'a, b')
  assert.deepEqual(seen!.rawHeaders, ['Host', 'localhost', 'X-Two', 'a', 'x-two', 'b'])
  assert.equal((seen!.socket as { authorized: boolean }).authorized, false)
})

test('a URL with scheme and host is reduced to its path', async () => {
  await using loopback = await startLoopback(echo)
  const client = await RawClient.connect(loopback.port)
  for (const url of ['https://localhost:6443/a?b', 'http://localhost', 'https://localhost?b=/', '*', '//a']) {
    client.send(`OPTIONS ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  }
  await client.received(/"\/a\?b"[\s\S]*"\/"[\s\S]*"\/\?b=\/"[\s\S]*"\*"[\s\S]*"\/\/a"/)
})

test('HEAD, 204 and 304 have no body', async () => {
  await using loopback = await startLoopback((transport) =>
    transport.respond(Number(transport.url.slice(1)), { 'content-type': 'text/plain' }, 'body'),
  )
  const client = await RawClient.connect(loopback.port)
  client.send('HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n')
  client.send(GET('/204'))
  client.send(GET('/304'))
  client.send(GET('/200'))
  const text = await client.received(/body$/)
  assert.equal(text.match(/HTTP\/1\.1/g)!.length, 4)
  assert.equal(text.match(/content-length: 4/gi)!.length, 2)
  assert.equal(text.match(/body/g)!.length, 1)
})

test('pipelined requests are answered in order, however long each takes', async () => {
  await using loopback = await startLoopback((transport) => {
    const delay = Number(transport.url.slice(1))
    setTimeout(() => transport.respond(200, {}, `<${delay}>`), delay)
  })
  const client = await RawClient.connect(loopback.port)
  client.send(GET('/40') + GET('/0') + GET('/20') + GET('/1'))
  const text = await client.received(/<1>/)
  assert.deepEqual(text.match(/<\d+>/g), ['<40>', '<0>', '<20>', '<1>'])
})

test('bodies arrive exactly, in chunks, with a length, and byte by byte; trailers are ignored', async () => {
  let body: Buffer | undefined
  await using loopback = await startLoopback((transport) => {
    void transport.readBody(MB).then((bytes) => {
      body = bytes
      transport.respond(200, {}, 'done')
    })
  })
  const client = await RawClient.connect(loopback.port)
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 255))
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes.length}\r\n\r\n`)
  client.send(bytes)
  await client.received(/done$/)
  assert.deepEqual(body, bytes)
  client.text = ''
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nx: y\r\n\r\n',
  )
  await client.received(/done$/)
  assert.equal(String(body), 'abcde')
  client.text = ''
  for (const byte of 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz') {
    client.send(byte)
    await sleep(0)
  }
  await client.received(/done$/)
  assert.equal(String(body), 'xyz')
})

test('a body over the limit is a 413, whether declared or not, and is not read', async () => {
  await using loopback = await startLoopback(echo)
  for (const head of ['Content-Length: 50000000', 'Transfer-Encoding: chunked']) {
    const client = await RawClient.connect(loopback.port)
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`)
    const chunk = Buffer.alloc(65536, 'x')
    let sent = 0
    const flood = () => {
      while (sent < 50_000_000 && !client.socket.destroyed) {
        sent += chunk.length
        if (head.startsWith('T')) client.send('10000\r\n')
        if (!client.socket.write(chunk)) return
        if (head.startsWith('T')) client.send('\r\n')
      }
    }
    if (head.startsWith('C')) {
      client.socket.on('drain', flood)
      flood()
    } else {
      client.send(`${(4 * MB).toString(16)}\r\n`)
      client.send(Buffer.alloc(4 * MB, 'x'))
    }
    const text = await client.ended()
    assert.match(text, /^HTTP\/1\.1 413 Request Entity Too Large\r\n/)
    assert.match(text, /connection: close\r\n/i)
    assert.match(text, /Request entity too large: limit is 3145728$/)
  }
  assert.equal(loopback.server.requestsInFlight, 0)
})

test('Expect: 100-continue is answered when the body is wanted, and only then', async () => {
  await using loopback = await startLoopback((transport) => {
    if (transport.url === '/refuse') transport.respond(403, {}, 'no')
    else echo(transport)
  })
  const post = (path: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  const client = await RawClient.connect(loopback.port)
  client.send(post('/', 3))
  await client.received(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  client.send('abc')
  await client.received(/"body":"abc"/)
  client.text = ''
  client.send(post('/refuse', 3))
  assert.match(await client.ended(), /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*no$/)
  const other = await RawClient.connect(loopback.port)
  other.send(post('/', 4 * MB))
  assert.match(await other.ended(), /^HTTP\/1\.1 413 /)
})

test('a client that leaves in the middle of a body rejects the read and closes the exchange once', async () => {
  let error: unknown
  let closes = 0
  await using loopback = await startLoopback((transport) => {
    transport.onClose(() => closes++)
    transport.readBody(MB).catch((reason) => {
      error = reason
    })
  })
  const client = await RawClient.connect(loopback.port)
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc')
  await until(() => loopback.server.requestsInFlight === 1, 'the request')
  client.socket.destroy()
  await until(() => closes > 0, 'onClose')
  await until(() => error !== undefined, 'the rejection')
  assert.ok(error instanceof ClientGoneError)
  assert.equal(closes, 1)
  assert.equal(loopback.server.requestsInFlight, 0)
})

test('an unread short body does not end the connection', async () => {
  await using loopback = await startLoopback((transport) => transport.respond(401, {}, 'who?'))
  const client = await RawClient.connect(loopback.port)
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`)
  client.send(GET())
  const text = await client.received(/who\?[\s\S]*who\?/)
  assert.doesNotMatch(text, /connection: close/i)
})

test('a stream is chunked, or has its length when it is known; its chunks go out at once', async () => {
  let stream: BodyStream | undefined
  await using loopback = await startLoopback((transport) => {
    stream = transport.stream(200, { 'content-type': 'text/plain' }, transport.url === '/known' ? { length: 6 } : {})
  })
  const client = await RawClient.connect(loopback.port)
  client.send(GET())
  await client.received(/transfer-encoding: chunked\r\n[\s\S]*\r\n$/i)
  stream!.write('abc')
  await client.received(/3\r\nabc\r\n$/)
  stream!.write(Buffer.from('def'))
  await client.received(/3\r\ndef\r\n$/)
  assert.equal(stream!.closed, false)
  stream!.end()
  await client.received(/0\r\n\r\n$/)
  assert.equal(stream!.closed, true)
  assert.equal(stream!.write('more'), true)
  client.text = ''
  client.send(GET('/known'))
  await client.received(/content-length: 6\r\n[\s\S]*\r\n$/i)
  stream!.write('abc')
  stream!.write('def')
  stream!.end()
  await client.received(/\r\n\r\nabcdef$/)
  assert.equal(loopback.server.openConnections, 1)
})

test('a slow reader is seen in pendingBytes, and drains when it reads again', async () => {
  let stream: BodyStream | undefined
  let drains = 0
  await using loopback = await startLoopback((transport) => {
    stream = transport.stream(200, {})
    stream.onDrain(() => drains++)
  })
  const client = await RawClient.connect(loopback.port)
  client.send(GET())
  await until(() => stream !== undefined, 'the request')
  client.socket.pause()
  const chunk = Buffer.alloc(256 * 1024, 'x')
  let written = 0
  while (stream!.write(chunk) || written < 32 * MB) {
    written += chunk.length
    if ((written & (MB - 1)) === 0) await sleep(0)
  }
  written += chunk.length
  await sleep(50)
  drains = 0
  const pending = stream!.pendingBytes
  assert.ok(pending > written / 2 && pending <= written + 1000, `${pending} of ${written}`)
  assert.equal(drains, 0)
  client.socket.resume()
  await until(() => drains === 1, 'drain')
  assert.equal(stream!.pendingBytes, 0)
  stream!.end()
  await client.received(/0\r\n\r\n$/)
})

test('a client that leaves a stream closes it, and later writes are dropped', async () => {
  let stream: BodyStream | undefined
  let closes = 0
  await using loopback = await startLoopback((transport) => {
    stream = transport.stream(200, {})
    transport.onClose(() => closes++)
  })
  const client = await RawClient.connect(loopback.port)
  client.send(GET())
  await until(() => stream !== undefined, 'the request')
  client.socket.destroy()
  await until(() => closes === 1, 'onClose')
  assert.equal(stream!.closed, true)
  assert.equal(stream!.write('x'), true)
  stream!.end()
  assert.equal(loopback.server.openConnections, 0)
})

test('large answers are compressed when asked for, in one piece and as a stream', async () => {
  const body = Buffer.alloc(300_000, '{"kind":"Pod"},')
  const handler = (transport: Transport) => {
    if (transport.url === '/stream') {
      const stream = transport.stream(200, {}, { compressible: true })
      for (let at = 0; at < body.length; at += 1000) stream.write(body.subarray(at, at + 1000))
      stream.end()
    } else transport.respond(200, {}, transport.url === '/small' ? body.subarray(0, 128 * 1024) : body)
  }
  const plain = async (port: number, path: string, accept: string): Promise<[string, Buffer]> => {
    const client = await RawClient.connect(port)
    client.send(GET(path, `Connection: close\r\nAccept-Encoding: ${accept}\r\n`))
    const text = await client.ended()
    const at = text.indexOf('\r\n\r\n')
    const raw = text.slice(at + 4)
    const chunked = /transfer-encoding: chunked/i.test(text.slice(0, at))
    return [text.slice(0, at + 4), Buffer.from(chunked ? unchunk(raw) : raw, 'latin1')]
  }
  await using on = await startLoopback(handler)
  for (const path of ['/', '/stream']) {
    const [head, bytes] = await plain(on.port, path, 'deflate, gzip')
    assert.match(head, /content-encoding: gzip\r\n/i)
    assert.match(head, /vary: Accept-Encoding\r\n/i)
    assert.ok(bytes.length < 10_000)
    assert.deepEqual(gunzipSync(bytes), body)
    const [other, whole] = await plain(on.port, path, 'gzip;q=1')
    assert.doesNotMatch(other, /content-encoding|vary/i)
    assert.deepEqual(whole, body)
  }
  assert.doesNotMatch((await plain(on.port, '/small', 'gzip'))[0], /content-encoding/i)
  await using off = await startLoopback(handler, { compression: false })
  for (const path of ['/', '/stream']) assert.deepEqual((await plain(off.port, path, 'gzip'))[1], body)
})

function unchunk(text: string): string {
  let out = ''
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, end), 16)
    if (!length) return out
    out += text.slice(end + 2, end + 2 + length)
    at = end + 2 + length + 2
  }
}

test('Connection: close, HTTP/1.0 and an upgrade are honoured or passed over', async () => {
  await using loopback = await startLoopback(echo)
  const closing = await RawClient.connect(loopback.port)
  closing.send(GET('/', 'Connection: close\r\n'))
  assert.match(await closing.ended(), /connection: close\r\n[\s\S]*"GET"/i)
  const old = await RawClient.connect(loopback.port)
  old.send('GET /old HTTP/1.0\r\n\r\n')
  assert.match(await old.ended(), /"protocol":"HTTP\/1.0"/)
  const upgrading = await RawClient.connect(loopback.port)
  upgrading.send(GET('/up', 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n'))
  upgrading.send(GET('/next'))
  await upgrading.received(/"\/up"[\s\S]*"\/next"/)
})

test('what is not HTTP is refused in the words of Go, and the connection closed', async () => {
  await using loopback = await startLoopback(echo)
  const cases: [string, RegExp][] = [
    [
      'rubbish\r\n\r\n',
      /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: text\/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request/,
    ],
    ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc', /^HTTP\/1\.1 400 /],
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc', /^HTTP\/1\.1 400 /],
    [
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(1.1 * MB)}\r\n\r\n`,
      /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n[\s\S]*\r\n\r\n431 Request Header Fields Too Large$/,
    ],
    [`GET /${'x'.repeat(1.1 * MB)} HTTP/1.1\r\nHost: a\r\n\r\n`, /^HTTP\/1\.1 431 /],
    [GET('/', 'x: y\r\n'.repeat(3000)), /^HTTP\/1\.1 431 /],
  ]
  for (const [request, answer] of cases) {
    const client = await RawClient.connect(loopback.port)
    client.send(request)
    assert.match(await client.ended(), answer, request.slice(0, 60))
  }
  const fine = await RawClient.connect(loopback.port)
  fine.send(GET(`/${'x'.repeat(500_000)}`, `Y: ${'y'.repeat(400_000)}\r\n`))
  await fine.received(/"body":""/)
  assert.deepEqual(loopback.errors, [])
})

test('slow headers and idle connections are closed', async () => {
  await using loopback = await startLoopback(echo, { limits: { headerTimeoutMs: 200, idleTimeoutMs: 300 } })
  const slow = await RawClient.connect(loopback.port)
  slow.send('GET / HTTP/1.1\r\nHost: ')
  const idle = await RawClient.connect(loopback.port)
  idle.send(GET())
  await idle.received(/"GET"/)
  const watching = await RawClient.connect(loopback.port)
  assert.equal(await slow.ended(), '')
  await idle.ended()
  watching.socket.destroy()
})
