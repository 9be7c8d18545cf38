import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { issueCertificate } from '../util/x509.ts'
import { BackendClient, BackendError, type BackendTarget, type BackendTls } from './backend-client.ts'
import { echo, startLoopback, testPki, until } from './loopback.ts'

const text = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function* bytes(...parts: string[]): AsyncGenerator<Buffer, void> {
  for (const part of parts) yield Buffer.from(part)
}

async function listening<T extends Server>(server: T): Promise<T & AsyncDisposable> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const target = (server: Server, tls?: BackendTls): BackendTarget => {
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...(tls ? { tls } : {}) }
}

const get = (path = '/') => ({ method: 'GET', path, headers: {} })

test('over HTTP/2 where it is spoken, on one connection', async () => {
  await using loopback = await startLoopback(echo)
  const client = new BackendClient()
  const to = { host: '127.0.0.1', port: loopback.port, tls: { ca: loopback.pki.ca.cert, serverName: 'localhost' } }
  const all = await Promise.all(['/a', '/b?c=d', '/e'].map((path) => client.request(to, get(path))))
  const said = await Promise.all(all.map(async ({ code, body }) => [code, JSON.parse(await text(body))]))
  assert.deepEqual(
    said.map(([code, { url, protocol }]) => [code, url, protocol]),
    [
      [200, '/a', 'HTTP/2.0'],
      [200, '/b?c=d', 'HTTP/2.0'],
      [200, '/e', 'HTTP/2.0'],
    ],
  )
  const posted = await client.request(to, { method: 'POST', path: '/', headers: {}, body: bytes('one ', 'two') })
  assert.equal(JSON.parse(await text(posted.body)).body, 'one two')
  assert.equal(loopback.server.openConnections, 1)
  client.close()
  await until(() => loopback.server.openConnections === 0, 'the connection to be let go')
})

test('over HTTP/1.1 and without TLS where that is all, on connections that are kept', async () => {
  const { serving, ca } = await testPki()
  for (const secured of [true, false]) {
    let connections = 0
    const server = secured ? createHttps({ cert: serving.cert, key: serving.key }) : createHttp()
    server.on(secured ? 'secureConnection' : 'connection', () => connections++)
    server.on('request', (request, response) => {
      response.setHeader('x-own', 'stays').setHeader('keep-alive', 'timeout=5').setHeader('connection', 'keep-alive')
      request.pipe(response)
    })
    await using listens = await listening(server as Server)
    const client = new BackendClient()
    const to = target(listens, secured ? { ca: ca.cert, serverName: 'localhost' } : undefined)
    for (const part of ['a', 'b', 'c']) {
      const { headers, body } = await client.request(to, {
        method: 'PUT',
        path: '/',
        headers: { 'content-length': '1' },
        body: bytes(part),
      })
      assert.equal(await text(body), part)
      assert.equal(headers['x-own'], 'stays')
      assert.deepEqual(
        Object.keys(headers).filter((name) => /connection|keep-alive|transfer-encoding/.test(name)),
        [],
      )
    }
    assert.equal(connections, 1)
    client.close()
  }
})

test('a kept connection that the other side let go: what only asks is sent again, what changes something isn’t', async () => {
  const seen = new WeakSet<object>()
  await using server = await listening(
    createHttp((request, response) => {
      if (seen.has(request.socket)) return request.socket.resetAndDestroy()
      seen.add(request.socket)
      response.end('fine')
    }),
  )
  const client = new BackendClient()
  const to = target(server)
  for (let i = 0; i < 3; i++) assert.equal(await text((await client.request(to, get())).body), 'fine')
  await assert.rejects(client.request(to, { method: 'DELETE', path: '/', headers: {} }), { name: 'BackendError', message: 'EOF' })
  client.close()
})

test('why there is no answer, in the words of Go', async () => {
  const { serving, ca } = await testPki()
  const client = new BackendClient()
  const fails = (to: BackendTarget, message: string) =>
    assert.rejects(client.request(to, get()), (error) => error instanceof BackendError && error.message === message)
  const free = await listening(createHttp())
  const gone = target(free)
  await free[Symbol.asyncDispose]()
  await fails({ ...gone, tls: {} }, `dial tcp 127.0.0.1:${gone.port}: connect: connection refused`)
  await fails(gone, `dial tcp 127.0.0.1:${gone.port}: connect: connection refused`)
  await using server = await listening(
    createHttps({ cert: serving.cert, key: serving.key }, (_, response) => response.end()) as Server,
  )
  await fails(target(server, {}), 'tls: failed to verify certificate: x509: certificate signed by unknown authority')
  assert.equal((await client.request(target(server, { insecure: true }), get())).code, 200)
  const wrongName = client.request(target(server, { ca: ca.cert, serverName: 'a.b.svc' }), get())
  await assert.rejects(
    wrongName,
    /^BackendError: tls: failed to verify certificate: x509: certificate is valid for .*, not a\.b\.svc$/,
  )
  client.close()
})

test('a certificate that has a common name only is refused', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [notBefore, notAfter] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)]
  const cert = issueCertificate({ subject: [['CN', 'a.b.svc']], publicKey: privateKey, usage: 'server', notBefore, notAfter })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  await using server = await listening(createHttps({ cert, key }, (_, response) => response.end()) as Server)
  const client = new BackendClient()
  await assert.rejects(client.request(target(server, { ca: cert, serverName: 'a.b.svc' }), get()), {
    message: 'tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead',
  })
  client.close()
})

test('who goes away ends the request on the other side', async () => {
  let open = 0
  await using loopback = await startLoopback((transport) => {
    open++
    transport.onClose(() => open--)
    if (transport.url === '/begun') transport.stream(200, {}).write('some')
  })
  const client = new BackendClient()
  const to = { host: '127.0.0.1', port: loopback.port, tls: { insecure: true } }
  for (const path of ['/silent', '/begun']) {
    const gone = new AbortController()
    const asked = client.request(to, { ...get(path), signal: gone.signal })
    const ended = path === '/silent' ? asked : asked.then(({ body }) => text(body))
    await until(() => open === 1, 'the request')
    await new Promise((resolve) => setTimeout(resolve, 20))
    gone.abort()
    await assert.rejects(ended)
    await until(() => open === 0, 'its end')
  }
  client.close()
})
