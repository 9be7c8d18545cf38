import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { BodyStream, Transport } from '../machinery/exchange.ts'
import { answerOf, echo, http2Client, RawClient, sleep, startLoopback, testPki, until } from './loopback.ts'

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function tcp(port: number): Promise<Socket & { text: string }> {
  const socket = Object.assign(connectTcp(port, '127.0.0.1'), { text: '' })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    socket.text += chunk
  })
  await once(socket, 'connect')
  return socket
}

async function assertServes(port: number): Promise<void> {
  const http1 = await RawClient.connect(port)
  http1.send(GET)
  await http1.received(/"method":"GET"/)
  http1.socket.destroy()
  const session = await http2Client(port)
  assert.equal((await answerOf(session.request({}))).code, 200)
  session.destroy()
}

test('plain HTTP is told so, as Go does', async () => {
  await using loopback = await startLoopback(echo)
  const socket = await tcp(loopback.port)
  socket.write(GET)
  await once(socket, 'close')
  assert.equal(socket.text, 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n')
  await until(() => loopback.server.openConnections === 0, 'the connection to be gone')
})

test('garbage, silence and half-open connections neither hurt nor stay', async () => {
  await using loopback = await startLoopback(echo, { limits: { headerTimeoutMs: 300, idleTimeoutMs: 300 } })
  const { port } = loopback
  const garbage = Array.from({ length: 2000 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 255)
  const sockets = await Promise.all(Array.from({ length: 40 }, () => tcp(port)))
  for (const [i, socket] of sockets.entries()) {
    if (i % 4 === 0) socket.write(Buffer.from(garbage.slice(i)))
    // The start of a handshake that never ends.
    else if (i % 4 === 1) socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
    else if (i % 4 === 2) socket.end()
  }
  // Good TLS with bad HTTP in it, and HTTP/2 that is none.
  for (const protocol of ['http/1.1', 'h2']) {
    const client = await RawClient.connect(port, { ALPNProtocols: [protocol] })
    client.send(Buffer.from(garbage))
    await client.ended()
  }
  const torn = await RawClient.connect(port)
  torn.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab')
  await until(() => loopback.server.requestsInFlight === 1, 'the request')
  torn.socket.destroy()
  const ending = await RawClient.connect(port)
  ending.socket.end(GET)
  await ending.received(/"method":"GET"/)
  await until(() => loopback.server.openConnections === 0, 'all of them to be gone')
  assert.equal(loopback.server.requestsInFlight, 0)
  assert.deepEqual(loopback.errors, [])
  await assertServes(port)
})

test('2,000 idle connections leave the server quick', async () => {
  await using loopback = await startLoopback(echo)
  const idle: Socket[] = []
  for (let i = 0; i < 2000; i += 200) idle.push(...(await Promise.all(Array.from({ length: 200 }, () => tcp(loopback.port)))))
  await until(() => loopback.server.openConnections === 2000, 'all connections')
  const begin = Date.now()
  await assertServes(loopback.port)
  assert.ok(Date.now() - begin < 1000)
  await loopback.server.close({ graceMs: 2000 })
  assert.equal(loopback.server.openConnections, 0)
  for (const socket of idle) socket.destroy()
})

test('client certificates are verified against the client CA, and told from none', async () => {
  const seen: { authorized: boolean; subject: string | undefined }[] = []
  const handler = (transport: Transport) => {
    const socket = transport.socket as { authorized: boolean; getPeerX509Certificate(): { subject: string } | undefined }
    seen.push({ authorized: socket.authorized, subject: socket.getPeerX509Certificate()?.subject })
    transport.respond(200, {}, '')
  }
  await using loopback = await startLoopback(handler)
  const { admin } = await testPki()
  const session = await http2Client(loopback.port, { key: admin.key, cert: admin.cert })
  await answerOf(session.request({}))
  session.destroy()
  const client = await RawClient.connect(loopback.port, { key: admin.key, cert: admin.cert })
  client.send(GET)
  await client.received(/\r\n\r\n/)
  const anonymous = await RawClient.connect(loopback.port)
  anonymous.send(GET)
  await anonymous.received(/\r\n\r\n/)
  for (const { authorized, subject } of seen.slice(0, 2)) {
    assert.equal(authorized, true)
    assert.match(subject!, /CN=kubernetes-admin/)
  }
  assert.deepEqual(seen[2], { authorized: false, subject: undefined })
})

test('TLS 1.1 is refused, another minimum and other suites are obeyed, and a new certificate is taken', async () => {
  const pki = await testPki()
  const tls = { key: pki.serving.key, cert: pki.serving.cert }
  await using loopback = await startLoopback(echo, { tls: { ...tls, cipherSuites: ['ECDHE-ECDSA-AES256-GCM-SHA384'] } })
  const { port } = loopback
  const attempt = async (options: object): Promise<string> => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: pki.ca.cert, ...options })
    const outcome = await Promise.race([
      once(socket, 'secureConnect').then(() => socket.getCipher().name),
      once(socket, 'error').then(([error]) => `refused ${(error as { code: string }).code}`),
    ]).catch((error) => `refused ${error.code}`)
    socket.destroy()
    return outcome
  }
  assert.match(await attempt({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /^refused/)
  assert.equal(await attempt({ maxVersion: 'TLSv1.2' }), 'ECDHE-ECDSA-AES256-GCM-SHA384')
  assert.match(await attempt({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), /^refused/)
  assert.equal(await attempt({}), 'TLS_AES_128_GCM_SHA256')
  loopback.server.setTls({ ...tls, minVersion: 'TLSv1.3' })
  assert.match(await attempt({ maxVersion: 'TLSv1.2' }), /^refused/)
  await assertServes(port)
})

test('close lets requests in flight finish, closes idle connections, and tells clients to leave', async () => {
  const waiting: Transport[] = []
  await using loopback = await startLoopback((transport) => {
    if (transport.url === '/wait') waiting.push(transport)
    else transport.respond(200, {}, 'quick')
  })
  const { port, server } = loopback
  const idle1 = await RawClient.connect(port)
  idle1.send(GET)
  await idle1.received(/quick/)
  const idle2 = await http2Client(port)
  const http1 = await RawClient.connect(port)
  http1.send(GET.replace('/ ', '/wait '))
  const http2 = await http2Client(port)
  const answer = answerOf(http2.request({ ':path': '/wait' }))
  await until(() => waiting.length === 2, 'both requests')
  const begin = Date.now()
  let closed = false
  const closing = server.close({ graceMs: 4000 }).then(() => {
    closed = true
  })
  await idle1.ended()
  await until(() => idle2.destroyed, 'the idle HTTP/2 connection')
  await assert.rejects(tcp(port), /ECONNREFUSED/)
  await sleep(30)
  assert.equal(closed, false)
  for (const transport of waiting) transport.respond(200, {}, 'answered')
  assert.match(await http1.ended(), /connection: close\r\n[\s\S]*answered$/i)
  assert.equal(String((await answer).body), 'answered')
  await closing
  assert.ok(Date.now() - begin < 2000)
  assert.equal(server.openConnections, 0)
  assert.equal(server.requestsInFlight, 0)
})

test('close drops what is left after the grace, and a second call can shorten it', async () => {
  const streams: BodyStream[] = []
  let closes = 0
  await using loopback = await startLoopback((transport) => {
    streams.push(transport.stream(200, {}))
    transport.onClose(() => closes++)
  })
  const http1 = await RawClient.connect(loopback.port)
  http1.send(GET)
  const http2 = await http2Client(loopback.port)
  http2.request({}).on('error', () => {})
  await until(() => streams.length === 2, 'both watches')
  const half = await tcp(loopback.port)
  const begin = Date.now()
  const long = loopback.server.close({ graceMs: 60_000 })
  await sleep(20)
  assert.equal(closes, 0)
  await loopback.server.close({ graceMs: 50 })
  await long
  assert.ok(Date.now() - begin < 1000)
  assert.equal(closes, 2)
  assert.ok(streams.every((stream) => stream.closed))
  assert.equal(loopback.server.openConnections, 0)
  half.destroy()
})

test('a port in use rejects', async () => {
  await using loopback = await startLoopback(echo)
  await assert.rejects(startLoopback(echo, { port: loopback.port }), /EADDRINUSE/)
})
