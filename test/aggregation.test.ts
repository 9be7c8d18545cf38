import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { startTestServer, type TestServer } from '../src/testing/start-test-server.ts'
import { authority, client } from './support/certificates.ts'
import { eventually } from './support/eventually.ts'
import { ExtensionServer, GROUP, VERSION } from './support/extension-server.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, linesUntil, skipWithout } from './support/kubectl.ts'
import { temporaryFolder } from './support/server-process.ts'

// Another API server behind this one, reached as a service of the cluster: its cluster IP is an address of loopback.

const RANGE = '127.96.0.0/24'
const HOST = '127.96.0.77'
const NAME = `${VERSION}.${GROUP}`
const BASE = `/apis/${GROUP}/${VERSION}`
const GADGETS = `${BASE}/namespaces/default/gadgets`
const API_SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices'

interface Parts {
  server: TestServer
  extension: ExtensionServer
}

const dnsNames = ['toys.default.svc']

async function create(server: TestServer, url: string, body: object): Promise<void> {
  const answer = await server.request(url, { method: 'POST', body })
  assert.equal(answer.status, 201, await answer.text())
}

async function createService(server: TestServer, port: number): Promise<void> {
  await create(server, '/api/v1/namespaces/default/services', {
    metadata: { name: 'toys' },
    spec: { clusterIP: HOST, ports: [{ name: 'https', port, protocol: 'TCP' }] },
  })
}

async function createSlice(server: TestServer, port: number): Promise<void> {
  await create(server, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'toys-1', labels: { 'kubernetes.io/service-name': 'toys' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.2.3'] }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  })
}

async function createApiService(server: TestServer, port: number, spec: object, version = VERSION): Promise<void> {
  await create(server, API_SERVICES, {
    metadata: { name: `${version}.${GROUP}` },
    spec: {
      group: GROUP,
      version,
      groupPriorityMinimum: 2000,
      versionPriority: 10,
      service: { namespace: 'default', name: 'toys', port },
      ...spec,
    },
  })
}

// biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, and fail when it isn't there
const json = async (server: TestServer, url: string, headers: Record<string, string> = {}): Promise<any> =>
  await (await server.request(url, { headers })).json()

async function condition(server: TestServer, name = NAME): Promise<{ status: string; reason: string; message: string }> {
  const { status } = await json(server, `${API_SERVICES}/${name}`)
  const { status: is, reason, message } = status?.conditions?.[0] ?? {}
  return { status: is, reason, message }
}

async function available(server: TestServer): Promise<void> {
  await eventually(async () => {
    assert.deepEqual(await condition(server), { status: 'True', reason: 'Passed', message: 'all checks passed' })
  })
  await eventually(async () => assert.equal((await discovered(server))?.freshness, 'Current'))
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

async function discovered(server: TestServer): Promise<{ freshness: string; resources: Record<string, unknown>[] } | undefined> {
  const { items } = await json(server, '/apis', { accept: AGGREGATED })
  return items.find((item: { metadata: { name: string } }) => item.metadata.name === GROUP)?.versions[0]
}

async function started(
  options: { http2?: boolean; aggregated?: boolean; flags?: object } = {},
): Promise<Parts & AsyncDisposable> {
  const extension = await ExtensionServer.start({ host: HOST, dnsNames, ...options })
  const flags = { serviceClusterIpRange: [RANGE], controllers: [], authorizationMode: ['RBAC'], ...options.flags }
  const server = await startTestServer({ flags })
  await createService(server, extension.port)
  await createSlice(server, extension.port)
  await createApiService(server, extension.port, { caBundle: extension.caBundle })
  await available(server)
  return {
    server,
    extension,
    async [Symbol.asyncDispose]() {
      await server.close()
      await extension[Symbol.asyncDispose]()
    },
  }
}

/** A request over a connection, as clients send it. */
function ask(server: TestServer, url: string, options: https.RequestOptions = {}): Promise<import('node:http').IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>()
  const headers = { authorization: `Bearer ${server.admin.token}`, ...options.headers }
  const sent = https.request(`${server.url}${url}`, { ca: server.ca, agent: false, ...options, headers }, resolve)
  sent.on('error', reject)
  sent.end()
  return promise
}

test('the condition says step by step what is missing', async () => {
  const extension = await ExtensionServer.start({ host: HOST, dnsNames })
  await using server = await startTestServer({ flags: { serviceClusterIpRange: [RANGE], controllers: [] } })
  const { port } = extension
  const says = (reason: string, message: string) =>
    eventually(async () => assert.deepEqual(await condition(server), { status: 'False', reason, message }))
  await createApiService(server, port, { caBundle: extension.caBundle })
  await says('ServiceNotFound', 'service/toys in "default" is not present')
  const early = await server.request(BASE)
  assert.deepEqual([early.status, await early.text()], [503, 'service unavailable\n'])
  await createService(server, port + 1)
  await says('ServicePortError', `service/toys in "default" is not listening on port ${port}`)
  const patch = (url: string, body: object) =>
    server.request(url, { method: 'PATCH', body, headers: { 'content-type': 'application/merge-patch+json' } })
  const ports = [{ name: 'https', port, protocol: 'TCP' }]
  await patch('/api/v1/namespaces/default/services/toys', { spec: { ports } })
  await says('EndpointsNotFound', 'cannot find endpointslices for service/toys in "default"')
  await createSlice(server, port)
  await available(server)
  const slice = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/toys-1'
  await patch(slice, { endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: false } }] })
  await says('MissingEndpoints', 'endpointslices for service/toys in "default" have no addresses with port name "https"')
  assert.equal((await discovered(server))?.freshness, 'Stale')
  await extension[Symbol.asyncDispose]()
  await patch(slice, { endpoints: [{ addresses: ['10.1.2.3'] }] })
  const url = `https://${HOST}:${port}${BASE}`
  const refused = `dial tcp ${HOST}:${port}: connect: connection refused`
  await says('FailedDiscoveryCheck', `failing or missing response from ${url}: Get "${url}": ${refused}`)
  const metrics = await (await server.request('/metrics')).text()
  assert.match(metrics, /^aggregator_unavailable_apiservice\{name="v1beta1\.toys\.example\.com"\} 1$/m)
  assert.match(metrics, /^aggregator_unavailable_apiservice\{name="v1\.apps"\} 0$/m)
  assert.match(
    metrics,
    /^aggregator_unavailable_apiservice_total\{name="v1beta1\.toys\.example\.com",reason="FailedDiscoveryCheck"\} 1$/m,
  )
  // It is asked again without anything having changed.
  await using _back = await ExtensionServer.start({ host: HOST, dnsNames, port }, extension.ca)
  await available(server)
  // Served by this server from now on, it is available by that alone.
  await patch(`${API_SERVICES}/${NAME}`, { spec: { service: null, caBundle: null } })
  await eventually(async () => assert.equal((await condition(server)).reason, 'Local'))
  assert.equal((await server.request(BASE)).status, 404)
})

for (const http2 of [true, false]) {
  suite(`over ${http2 ? 'HTTP/2' : 'HTTP/1.1'}`, () => {
    let parts: Parts & AsyncDisposable
    const home = temporaryFolder('aggregation')
    const proxy = authority('front-proxy-ca')
    before(async () => {
      const { cert, key } = client(proxy, ['CN', 'front-proxy'])
      writeFileSync(path.join(home, 'proxy.crt'), cert)
      writeFileSync(path.join(home, 'proxy.key'), key)
      const flags = {
        proxyClientCertFile: path.join(home, 'proxy.crt'),
        proxyClientKeyFile: path.join(home, 'proxy.key'),
      }
      parts = await started({ http2, aggregated: http2, flags })
      parts.extension.put('a', 1)
    })
    after(async () => {
      await parts[Symbol.asyncDispose]()
      rmSync(home, { recursive: true, force: true })
    })

    test('the other server is told who asks, and by whom', async () => {
      const { server, extension } = parts
      const answer = await ask(server, `${GADGETS}/a?pretty=1`, {
        headers: {
          'impersonate-user': 'Jürgen',
          'impersonate-group': 'toys',
          'impersonate-extra-acme.com%2fproject': 'x',
          'x-remote-user': 'root',
          'x-remote-group': 'system:masters',
          'x-remote-extra-a': 'b',
          'x-forwarded-for': '10.9.8.7',
          'x-own': 'stays',
          connection: 'x-hop',
          'x-hop': 'goes',
        },
      })
      answer.resume()
      assert.equal(answer.statusCode, 403)
      const admin = await ask(server, `${GADGETS}/a?pretty=1`, {
        headers: {
          'x-remote-user': 'root',
          'x-remote-extra-a': 'b',
          'x-own': 'stays',
          connection: 'x-hop',
          'x-hop': 'goes',
          'x-forwarded-for': '10.9.8.7',
        },
      })
      assert.equal(admin.statusCode, 200)
      admin.resume()
      const { headers, url, protocol, client: by } = extension.received.at(-1)!
      assert.equal(url, `${GADGETS}/a?pretty=1`)
      assert.equal(protocol, http2 ? '2.0' : '1.1')
      assert.equal(by, 'front-proxy')
      assert.equal(headers['x-remote-user'], 'admin')
      assert.equal(headers['x-remote-uid'], 'admin')
      assert.equal(headers['x-remote-group'], 'system:masters, system:authenticated')
      assert.equal(headers['x-remote-extra-a'], undefined)
      assert.equal(headers['x-own'], 'stays')
      assert.equal(headers['x-hop'], undefined)
      assert.equal(headers.authorization, undefined)
      assert.equal(headers['x-forwarded-for'], '10.9.8.7, 127.0.0.1')
      assert.equal(headers['x-forwarded-proto'], 'https')
      assert.equal(headers['x-forwarded-uri'], `${GADGETS}/a`)
      assert.equal(headers['x-forwarded-host'], `${HOST}:${extension.port}`)
      assert.equal(headers['audit-id'], admin.headers['audit-id'])
    })

    test('an impersonated user, with all that is known of them', async () => {
      const { server, extension } = parts
      const answer = await ask(server, BASE, {
        headers: {
          'impersonate-user': 'J\u00c3\u00bcrgen',
          'impersonate-group': 'system:masters',
          'impersonate-extra-acme.com%2fproject': 'x',
        },
      })
      answer.resume()
      assert.equal(answer.statusCode, 200)
      const { headers } = extension.received.at(-1)!
      assert.equal(headers['x-remote-user'], 'J\u00c3\u00bcrgen')
      assert.equal(headers['x-remote-extra-acme.com%2fproject'], 'x')
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('impersonate')),
        [],
      )
    })

    test('bodies go both ways', async () => {
      const { server } = parts
      const made = await server.request(GADGETS, { method: 'POST', body: { metadata: { name: 'b' }, size: 2 } })
      assert.deepEqual([made.status, ((await made.json()) as { size: number }).size], [201, 2])
      const large = Buffer.alloc(5 << 20, 'x')
      const echoed = await server.request(`${BASE}/echo`, { method: 'POST', body: large })
      assert.ok(Buffer.from(await echoed.arrayBuffer()).equals(large))
    })

    test('what has no body has none', async () => {
      const answer = await ask(parts.server, `${GADGETS}/a`, { method: 'HEAD' })
      assert.equal(answer.statusCode, 200)
      let length = 0
      for await (const chunk of answer) length += chunk.length
      assert.equal(length, 0)
    })

    test('what was authorized is what is asked for', async () => {
      const { server, extension } = parts
      for (const [sent, received] of [
        ['a%2Fscale', 'a/scale'],
        ['x%3Fy%23z', 'x%3Fy%23z'],
        ['%C3%BC%20', '%C3%BC%20'],
      ]) {
        await (await ask(server, `${GADGETS}/${sent}?q=%2F`)).resume()
        assert.equal(extension.received.at(-1)?.url, `${GADGETS}/${received}?q=%2F`)
      }
    })

    test('connections are kept', async () => {
      const { server, extension } = parts
      await (await server.request(BASE)).text()
      const before = extension.connections
      for (let i = 0; i < 20; i++) await (await server.request(`${GADGETS}/a`)).text()
      assert.equal(extension.connections, before)
    })

    test('a watch sends events as they come, and ends with its client', async () => {
      const { server, extension } = parts
      const idle = extension.open
      const answer = await ask(server, `${GADGETS}?watch=1`)
      extension.put('w', 3)
      const [event] = await once(answer, 'data')
      assert.equal(JSON.parse(String(event)).object.size, 3)
      assert.equal(extension.open, idle + 1)
      answer.destroy()
      await eventually(async () => assert.equal(extension.open, idle))
    })

    test('a slow client slows the other server down', async () => {
      const { server, extension } = parts
      const answer = await ask(server, `${BASE}/endless`)
      answer.pause()
      let before = -1
      await eventually(async () => {
        const now = extension.flooded
        await new Promise((resolve) => setTimeout(resolve, 200))
        assert.equal(now, extension.flooded)
        before = now
      })
      assert.ok(before < 64 << 20, `${before} bytes were taken`)
      answer.destroy()
      await eventually(async () => assert.equal(extension.open, 0))
    })

    test('redirects are not passed on, errors are', async () => {
      const { server } = parts
      const away = await server.request(`${BASE}/away`)
      assert.equal(away.status, 502)
      assert.equal(await away.text(), 'the backend attempted to redirect this request, which is not permitted')
      const missing = await server.request(`${GADGETS}/none`)
      const { message } = (await missing.json()) as { message: string }
      assert.deepEqual([missing.status, message], [404, `gadgets.${GROUP} "none" not found`])
    })

    test('one that takes too long is ended on both sides', async () => {
      const { server, extension } = parts
      const answer = await ask(server, `${BASE}/silent?timeout=1s`)
      assert.equal(answer.statusCode, 504)
      let text = ''
      for await (const chunk of answer) text += chunk
      assert.match(text, /request did not complete within the allotted timeout/)
      await eventually(async () => assert.equal(extension.open, 0))
    })

    test('an answer that breaks off breaks off for the client', async () => {
      const answer = await ask(parts.server, `${BASE}/broken`)
      assert.equal(answer.statusCode, 200)
      await assert.rejects(async () => {
        for await (const _ of answer);
      })
    })

    test('who may not is refused here already', async () => {
      const { server, extension } = parts
      const before = extension.received.length
      assert.equal((await server.request(`${GADGETS}/a`, { token: null })).status, 403)
      assert.equal(extension.received.length, before)
    })

    test('another protocol', async () => {
      const { server } = parts
      const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, ALPNProtocols: ['http/1.1'] })
      await once(socket, 'secureConnect')
      const asked = `GET ${BASE}/talk HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.admin.token}\r\n`
      socket.write(`${asked}Connection: Upgrade\r\nUpgrade: echo\r\n\r\n`)
      const said = textOf(socket)
      await eventually(async () => assert.match(said(), /^HTTP\/1\.1 101 [\s\S]*upgrade: echo\r\n\r\n$/i))
      socket.write('hello')
      await eventually(async () => assert.match(said(), /hello$/))
      socket.end()
      await once(socket, 'close')
    })

    test('discovery', async () => {
      const { server } = parts
      const entry = await discovered(server)
      const [gadgets] = entry?.resources ?? []
      const kind = http2 ? { group: GROUP, version: VERSION, kind: 'Gadget' } : { group: '', version: '', kind: 'Gadget' }
      assert.deepEqual(gadgets, {
        resource: 'gadgets',
        responseKind: kind,
        scope: 'Namespaced',
        singularResource: 'gadget',
        verbs: ['create', 'delete', 'get', 'list', 'watch'],
        shortNames: ['gd'],
        ...(http2
          ? {}
          : {
              subresources: [
                { subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get'] },
              ],
            }),
      })
      const { groups } = await json(server, '/apis')
      const names = groups.map(({ name }: { name: string }) => name)
      // Behind all that is built in, in front of what has no priority of its own.
      assert.equal(names.indexOf(GROUP), names.indexOf('flowcontrol.apiserver.k8s.io') + 1)
      const group = await json(server, `/apis/${GROUP}`)
      assert.deepEqual(group.preferredVersion, { groupVersion: `${GROUP}/${VERSION}`, version: VERSION })
      const { paths } = await json(server, '/openapi/v3')
      const { serverRelativeURL } = paths[BASE.slice(1)]
      const document = await json(server, serverRelativeURL)
      assert.equal(document.info.title, 'toys')
      const whole = await json(server, '/openapi/v2')
      assert.ok(whole.paths[`${BASE}/namespaces/{namespace}/gadgets`].get)
      assert.ok(whole.paths['/api/v1/namespaces/{namespace}/pods'].get)
      assert.equal(whole.paths['/other'], undefined)
      const time = 'io.k8s.apimachinery.pkg.apis.meta.v1.Time'
      assert.equal(whole.definitions[time].type, 'string')
      assert.deepEqual(whole.definitions[`${time}_v2`], { type: 'integer' })
      const { properties } = whole.definitions['com.example.toys.v1beta1.Gadget']
      assert.deepEqual(properties.made, { $ref: `#/definitions/${time}_v2` })
      const accept = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
      const encoded = await server.request('/openapi/v2', { headers: { accept } })
      assert.equal(encoded.status, 200)
      assert.ok(Buffer.from(await encoded.arrayBuffer()).includes('com.example.toys.v1beta1.Gadget'))
    })
  })
}

function textOf(socket: TLSSocket): () => string {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  return () => text
}

test('a certificate of somebody else is not taken, unless nobody asks for it', async () => {
  const extension = await ExtensionServer.start({ host: HOST, dnsNames: ['other.default.svc'] })
  await using _extension = extension
  await using server = await startTestServer({ flags: { serviceClusterIpRange: [RANGE], controllers: [] } })
  await createService(server, extension.port)
  await createSlice(server, extension.port)
  await createApiService(server, extension.port, { caBundle: extension.caBundle })
  // Availability is no matter of trust.
  await eventually(async () => assert.equal((await condition(server)).status, 'True'))
  const refused = await eventually(async () => {
    const answer = await server.request(BASE)
    const text = await answer.text()
    assert.notEqual(text, 'service unavailable\n')
    return { code: answer.status, text }
  })
  assert.deepEqual(refused, {
    code: 503,
    text: 'error trying to reach service: tls: failed to verify certificate: x509: certificate is valid for other.default.svc, not toys.default.svc\n',
  })
  await server.request(`${API_SERVICES}/${NAME}`, {
    method: 'PATCH',
    body: { spec: { caBundle: null, insecureSkipTLSVerify: true } },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  await eventually(async () => assert.equal((await server.request(BASE)).status, 200))
})

for (const version of KUBECTL_VERSIONS) {
  const binary = findKubectl(version)
  test(`with kubectl ${version}`, { skip: skipWithout(`kubectl ${version}`, binary), timeout: 120_000 }, async () => {
    assert.ok(binary)
    const home = temporaryFolder('home')
    const { server, extension, ...parts } = await started({ aggregated: true })
    const kubectl = new Kubectl({ binary, kubeconfig: server.kubeconfig, namespace: 'default', home })
    const { port } = extension
    extension.put('a', 1)
    assert.match(
      await kubectl.sh(`api-resources --api-group=${GROUP}`),
      /^gadgets +gd +toys\.example\.com\/v1beta1 +true +Gadget$/m,
    )
    assert.match(await kubectl.sh('api-versions'), /^toys\.example\.com\/v1beta1$/m)
    assert.match(await kubectl.sh('get gd'), /^NAME +LARGENESS\na +1\n$/)
    assert.equal(await kubectl.sh('get gadget a -o jsonpath={.size}'), '1')
    assert.match(await kubectl.sh(`get apiservice ${NAME}`), /^v1beta1\.toys\.example\.com +default\/toys +True +\S+$/m)
    assert.match(await kubectl.sh('explain gadgets'), /A gadget to play with\./)
    const missing = await kubectl.output(['get', 'gadget', 'none'])
    assert.match(missing.stderr, /Error from server \(NotFound\): gadgets\.toys\.example\.com "none" not found/)
    const watching = kubectl.start(['get', 'gadgets', '--watch-only', '-o', 'jsonpath={.metadata.name}{"\\n"}'])
    const lines = linesUntil(watching, (all) => all.length > 0)
    await eventually(async () => assert.ok(extension.received.some(({ url }) => url.includes('watch=true'))))
    extension.put('late', 5)
    assert.deepEqual(await lines, ['late'])
    watching.kill()

    await extension[Symbol.asyncDispose]()
    const away = await kubectl.output(['get', '--raw', GADGETS])
    assert.match(away.stderr, /unable to handle the request|error trying to reach service|service unavailable/i)
    await using back = await ExtensionServer.start({ host: HOST, dnsNames, port }, extension.ca)
    back.put('again', 1)
    await eventually(async () => assert.match(await kubectl.sh('get gadgets'), /^again +1$/m), 40_000)
    await kubectl.sh(`delete apiservice ${NAME}`)
    const gone = await kubectl.output(['get', '--raw', GADGETS])
    assert.match(gone.stderr, /could not find the requested resource/)
    assert.doesNotMatch(await kubectl.sh('api-versions'), /toys\.example\.com/)
    await parts[Symbol.asyncDispose]()
    rmSync(home, { recursive: true, force: true })
  })
}
