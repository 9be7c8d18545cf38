import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { TakenConnection, Transport } from '../machinery/exchange.ts'
import { RawClient, startLoopback } from './loopback.ts'
import { forwardedHeaders } from './reverse-proxy.ts'

const ASKING = 'Connection: keep-alive, Upgrade\r\nUpgrade: echo\r\n'
const GET = (path: string, headers: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`
const mayUpgrade = (url: string): boolean => url.startsWith('/up')

test('a connection is taken over with what came after the request', async () => {
  let taken: TakenConnection | undefined
  let gone = 0
  const take = (transport: Transport): void => {
    transport.onClose(() => gone++)
    taken = transport.takeOver?.()
    assert.ok(taken)
    transport.respond(200, {}, 'too late')
    taken.stream.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${taken.head}`)
    taken.stream.pipe(taken.stream)
  }
  await using loopback = await startLoopback(take, { mayUpgrade })
  const client = await RawClient.connect(loopback.port)
  client.send(`${GET('/up', ASKING)}first `)
  await client.received(/101 Switching Protocols\r\n\r\nfirst $/)
  client.send('second')
  await client.received(/first second$/)
  assert.equal(loopback.server.requestsInFlight, 1)
  assert.equal(gone, 0)
  taken!.stream.destroy()
  await once(taken!.stream, 'close')
  assert.deepEqual([gone, loopback.server.requestsInFlight], [1, 0])
})

test('a request that asks for it in vain is answered, and ends the connection', async () => {
  await using loopback = await startLoopback((transport) => transport.respond(400, {}, 'no'), { mayUpgrade })
  const client = await RawClient.connect(loopback.port)
  client.send(GET('/up', ASKING))
  assert.match(await client.ended(), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*connection: close\r\n[\s\S]*no$/i)
  assert.equal(loopback.server.requestsInFlight, 0)
})

test('elsewhere, with a body, and for HTTP/2 it is not heard', async () => {
  const upgradable: boolean[] = []
  const handle = (transport: Transport): void => {
    upgradable.push(transport.takeOver?.() !== undefined)
    void transport.readBody(100).then((body) => transport.respond(200, {}, `<${body}>`))
  }
  await using loopback = await startLoopback(handle, { mayUpgrade })
  const requests = [
    GET('/other', ASKING),
    `${GET('/up', `${ASKING}Content-Length: 3\r\n`)}abc`,
    GET('/up', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'),
  ]
  for (const request of requests) {
    const client = await RawClient.connect(loopback.port)
    client.send(request)
    await client.received(/Connection: keep-alive[\s\S]*<(?:abc)?>/)
  }
  assert.deepEqual(upgradable, [false, false, false])
})

test('a client that goes away before its answer is noticed', async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  const { promise: came, resolve: comes } = Promise.withResolvers<void>()
  const wait = (transport: Transport): void => {
    transport.onClose(resolve)
    comes()
  }
  await using loopback = await startLoopback(wait, { mayUpgrade })
  const client = await RawClient.connect(loopback.port)
  client.send(GET('/up', ASKING))
  await came
  client.socket.end()
  await gone
  assert.equal(loopback.server.requestsInFlight, 0)
})

test('a stop does not wait for ever for what was taken over', async () => {
  await using loopback = await startLoopback((transport) => void transport.takeOver?.(), { mayUpgrade })
  const client = await RawClient.connect(loopback.port)
  client.send(GET('/up', ASKING))
  while (loopback.server.requestsInFlight === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = loopback.server.close({ graceMs: 50 })
  await client.ended()
  await closed
})

test('backends get the headers of a request without its credentials and what was the connection’s', () => {
  const headers = {
    host: 'api',
    connection: 'keep-alive, X-Mine, Upgrade',
    upgrade: 'websocket',
    'x-mine': '1',
    authorization: 'Bearer x',
    'impersonate-extra-scopes': 'x',
    'x-remote-user': 'me',
    te: 'trailers',
    expect: '100-continue',
    'x-forwarded-for': '10.0.0.1',
    'sec-websocket-protocol': 'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.dG9rZW4',
    accept: 'a',
  }
  const rawHeaders = [...Object.entries(headers).flat(), 'Accept', 'b', ':path', '/']
  const transport = { headers, rawHeaders, remoteAddress: '10.0.0.2' } as unknown as Transport
  assert.deepEqual(
    forwardedHeaders(transport, (name) => name === 'x-remote-user'),
    {
      host: 'api',
      'x-forwarded-for': '10.0.0.1, 10.0.0.2',
      'sec-websocket-protocol': 'v4.channel.k8s.io',
      accept: ['a', 'b'],
      connection: 'Upgrade',
      upgrade: 'websocket',
    },
  )
})
