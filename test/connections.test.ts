import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, suite, test } from 'node:test'
import { startTestServer, type TestServer } from '../src/testing/start-test-server.ts'
import { authority, client } from './support/certificates.ts'
import { eventually } from './support/eventually.ts'
import { FakeKubelet, startPodServer } from './support/fake-kubelet.ts'
import { findKubectl, Kubectl, linesUntil, onPath, skipWithout } from './support/kubectl.ts'
import { temporaryFolder } from './support/server-process.ts'

// Connections through the server: to containers by way of their node's kubelet, and to what listens in pods and behind services.

const POD = '/api/v1/namespaces/default/pods/web'
const [kubeletCa, apiCa] = [authority('kubelets'), authority('api servers')]
const folder = temporaryFolder('connections')

let kubelet: FakeKubelet
let server: TestServer

const file = (name: string, content: string): string => {
  const at = path.join(folder, name)
  writeFileSync(at, content)
  return at
}

async function create(url: string, object: object, status?: object): Promise<void> {
  const made = await server.request(url, { method: 'POST', body: object })
  assert.equal(made.status, 201, await made.clone().text())
  if (!status) return
  const { name } = (object as { metadata: { name: string } }).metadata
  const body = { status }
  const headers = { 'content-type': 'application/merge-patch+json' }
  const patched = await server.request(`${url}/${name}/status`, { method: 'PATCH', headers, body })
  assert.equal(patched.status, 200, await patched.clone().text())
}

before(async () => {
  kubelet = await new FakeKubelet(kubeletCa, apiCa).start()
  const { cert, key } = client(apiCa, ['CN', 'kube-apiserver'])
  server = await startTestServer({
    flags: {
      controllers: [],
      authorizationMode: ['RBAC'],
      auditPolicyFile: file('audit.yaml', '{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}'),
      auditLogPath: path.join(folder, 'audit.log'),
      kubeletCertificateAuthority: file('ca.crt', kubeletCa.certificatePem),
      kubeletClientCertificate: file('client.crt', cert),
      kubeletClientKey: file('client.key', key),
      kubeletPreferredAddressTypes: ['InternalIP'],
    },
  })
  const daemonEndpoints = { kubeletEndpoint: { Port: kubelet.port } }
  const addresses = [
    { type: 'Hostname', address: 'nowhere.invalid' },
    { type: 'InternalIP', address: '127.0.0.1' },
  ]
  await create('/api/v1/nodes', { metadata: { name: 'node' } }, { addresses, daemonEndpoints })
  const declaredFeatures = ['ExtendWebSocketsToKubelet']
  await create('/api/v1/nodes', { metadata: { name: 'modern' } }, { addresses, daemonEndpoints, declaredFeatures })
  await create('/api/v1/nodes', { metadata: { name: 'far' } }, { addresses: [{ type: 'ExternalIP', address: '127.0.0.1' }] })
  const containers = [
    { name: 'main', image: 'x' },
    { name: 'flood', image: 'x' },
  ]
  const running = { phase: 'Running', podIPs: [{ ip: '127.0.0.1' }], podIP: '127.0.0.1' }
  for (const [name, nodeName] of [
    ['web', 'node'],
    ['modern', 'modern'],
    ['lost', 'far'],
  ] as const) {
    await create('/api/v1/namespaces/default/pods', { metadata: { name }, spec: { nodeName, containers } }, running)
  }
})

after(async () => {
  await server.close()
  await kubelet.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Connections to the kubelet have ended. */
const nothingOpen = (): Promise<void> => eventually(async () => assert.equal(kubelet.open, 0))
const sent = (): string => kubelet.asked.at(-1)!

suite('logs', () => {
  test('come from the kubelet, which is asked in its own words', async () => {
    const query = 'container=main&timestamps=true&tailLines=5&sinceTime=2024-01-01T00:00:00.5Z&previous=1&limitBytes=9'
    const log = await server.request(`${POD}/log?${query}`)
    assert.equal(log.status, 200)
    assert.equal(log.headers.get('content-type'), 'text/plain')
    assert.equal(await log.text(), 'first line\nsecond line\n')
    const asked = 'limitBytes=9&previous=true&sinceTime=2024-01-01T00%3A00%3A00Z&tailLines=5&timestamps=true'
    assert.equal(sent(), `GET /containerLogs/default/web/main?${asked}`)
    assert.equal(kubelet.clients.at(-1), 'kube-apiserver')
    assert.equal(kubelet.headers.at(-1)!.authorization, undefined)
  })

  test('are followed line by line, until the client goes', async () => {
    const gone = new AbortController()
    const log = await server.request(`${POD}/log?container=main&follow=true`, { signal: gone.signal })
    let text = ''
    for await (const chunk of log.body!) {
      text += Buffer.from(chunk).toString()
      if (text.includes('line 5')) break
    }
    gone.abort()
    assert.match(text, /^first line\nsecond line\nline 3\nline 4\n/)
    await nothingOpen()
  })

  test('are read no faster than the client takes them', async () => {
    const gone = new AbortController()
    await server.request(`${POD}/log?container=flood`, { signal: gone.signal })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = kubelet.flooded
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal(kubelet.flooded, before)
    assert.ok(before < 64 << 20, `${before} bytes`)
    gone.abort()
    await nothingOpen()
  })

  test('are refused as the kubelet says', async () => {
    const refused = async (code: number, text: string) => {
      kubelet.refuses = { code, text }
      try {
        return (await (await server.request(`${POD}/log?container=main`)).json()) as Record<string, unknown>
      } finally {
        kubelet.refuses = undefined
      }
    }
    assert.deepEqual(await refused(400, 'container "main" is waiting to start'), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'container "main" is waiting to start',
      reason: 'BadRequest',
      code: 400,
    })
    const { message, reason, details, code } = await refused(404, 'nothing')
    assert.deepEqual(
      [message, reason, code],
      ['the server could not find the requested resource ( pods/log web)', 'NotFound', 404],
    )
    assert.deepEqual(details, { name: 'web', kind: 'pods/log' })
    assert.equal((await refused(500, 'boom')).message, 'Internal error occurred: boom')
    assert.equal(
      (await refused(502, 'x')).message,
      'an error on the server ("x") has prevented the request from succeeding ( pods/log web)',
    )
  })

  test('come over WebSockets to those who ask for one', async () => {
    const asked = (protocol: string) =>
      new Promise<string>((resolve, reject) => {
        const key = 'dGhlIHNhbXBsZSBub25jZQ=='
        const wanted = { 'sec-websocket-version': '13', 'sec-websocket-key': key, 'sec-websocket-protocol': protocol }
        const headers = { authorization: `Bearer ${server.admin.token}`, connection: 'Upgrade', upgrade: 'websocket', ...wanted }
        const request = https.request(`${server.url}${POD}/log?container=main`, { ca: server.ca, headers, agent: false })
        request.on('response', (answer) => reject(new Error(`answered with ${answer.statusCode}`)))
        request.on('error', reject)
        request.on('upgrade', (_answer, socket, head: Buffer) => {
          let bytes = head
          socket.on('data', (chunk: Buffer) => {
            bytes = Buffer.concat([bytes, chunk])
          })
          socket.on('end', () => socket.end())
          socket.on('close', () => resolve(bytes.toString('latin1').replace(/[^a-zA-Z0-9 =]+/g, ' ')))
        })
        request.end()
      })
    assert.match(await asked('binary.k8s.io'), /first line.*second line/)
    assert.match(await asked('base64.binary.k8s.io'), /Zmlyc3QgbGluZQ/)
    await assert.rejects(asked('other'), /answered with 400/)
  })

  test('need a node that can be reached', async () => {
    const lost = await server.request('/api/v1/namespaces/default/pods/lost/log?container=main')
    assert.equal(lost.status, 500)
    assert.equal(
      ((await lost.json()) as { message: string }).message,
      'no preferred addresses found; known addresses: [{ExternalIP 127.0.0.1}]',
    )
  })
})

suite('commands', () => {
  test('need another protocol', async () => {
    const answer = await server.request(`${POD}/exec?container=main&command=ls&stdout=true`, { method: 'POST' })
    assert.equal(answer.status, 400)
    assert.equal(((await answer.json()) as { message: string }).message, 'Upgrade request required')
  })

  test('need the right to create, also by a GET', async () => {
    const rules = [{ apiGroups: [''], resources: ['pods/exec'], verbs: ['get'] }]
    const RBAC = '/apis/rbac.authorization.k8s.io/v1'
    await create(`${RBAC}/clusterroles`, { metadata: { name: 'looker' }, rules })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'looker' }
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }]
    await create(`${RBAC}/clusterrolebindings`, { metadata: { name: 'looker' }, roleRef, subjects })
    const exec = async (headers: Record<string, string>) => {
      const answer = await server.request(`${POD}/exec?container=main&command=ls&stdout=true`, { headers })
      return [answer.status, ((await answer.json()) as { message: string }).message]
    }
    const asEve = { 'impersonate-user': 'eve' }
    assert.deepEqual(await exec({}), [400, 'Upgrade request required'])
    await eventually(async () => assert.deepEqual(await exec(asEve), [403, 'pods "web" is forbidden: ']))
  })

  test('that the kubelet refuses are answered with what it says', async () => {
    kubelet.refuses = { code: 404, text: 'no such container' }
    try {
      const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
      const answer = await overHttp1(`${POD}/exec?container=main&command=ls&stdout=true`, headers, 'POST')
      assert.deepEqual([answer.code, answer.body], [404, 'no such container'])
    } finally {
      kubelet.refuses = undefined
    }
  })
})

/** A request with its own headers on a connection of HTTP/1.1. */
function overHttp1(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ code: number; body: string; headers: http.IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const authorization = `Bearer ${server.admin.token}`
    const options = { method, ca: server.ca, headers: { authorization, ...headers }, agent: false }
    const request = https.request(`${server.url}${url}`, options, (answer) => {
      let body = ''
      answer.on('data', (chunk) => {
        body += chunk
      })
      answer.on('end', () => resolve({ code: answer.statusCode!, body, headers: answer.headers }))
    })
    request.on('upgrade', (_answer, socket) => {
      socket.destroy()
      reject(new Error('upgraded'))
    })
    request.on('error', reject)
    request.end()
  })
}

const binary = findKubectl('1.33') ?? onPath('kubectl')
suite('kubectl', { skip: skipWithout('kubectl', binary), timeout: 120_000 }, () => {
  const make = (): Kubectl => new Kubectl({ binary: binary!, kubeconfig: server.kubeconfig, namespace: 'default', home: folder })

  test('logs, also followed', async () => {
    assert.equal(await make().sh('logs web -c main'), 'first line\nsecond line\n')
    const following = make().start(['logs', '-f', 'web', '-c', 'main'])
    const lines = await linesUntil(following, (all) => all.length > 4)
    assert.equal(lines[4], 'line 5')
    following.kill()
    await nothingOpen()
  })

  for (const speaks of ['true', 'false']) {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: speaks, KUBECTL_PORT_FORWARD_WEBSOCKETS: speaks }
    const protocol = speaks === 'true' ? 'WebSockets' : 'SPDY'

    test(`exec over ${protocol}`, async () => {
      const said = await make().output(['exec', 'web', '-c', 'main', '--', 'echo', 'a', 'b&c'], { env })
      assert.deepEqual(said, { code: 0, stdout: 'echo a b&c\n', stderr: '' })
      assert.match(sent(), /^POST \/exec\/default\/web\/main\?command=echo&command=a&command=b%26c&error=1&output=1 SPDY\/3\.1$/)
      // What the server says itself, and what it passes on of kubectl's.
      const protocols = kubelet.headers.at(-1)!['x-stream-protocol-version']
      if (speaks === 'true') assert.equal(protocols, 'v4.channel.k8s.io')
      else assert.match(String(protocols), /^v\d\.channel\.k8s\.io, /)
      const input = 'some text\n'.repeat(50_000)
      const repeated = await make().output(['exec', '-i', 'web', '-c', 'main', '--', 'cat'], { env, input })
      assert.deepEqual([repeated.code, repeated.stdout === input, repeated.stderr], [0, true, ''])
      const failed = await make().output(['exec', 'web', '-c', 'main', '--', 'false'], { env })
      assert.equal(failed.code, 3)
      assert.match(failed.stderr, /command terminated with exit code 3/)
      await nothingOpen()
    })

    test(`attach over ${protocol}`, async () => {
      const repeated = await make().output(['attach', '-i', 'web', '-c', 'main'], { env, input: 'x\n' })
      assert.equal(repeated.code, 0, repeated.stderr)
      assert.match(repeated.stdout, /x\n$/)
    })

    test(`port-forward over ${protocol}`, async () => {
      const forwarding = make().start(['port-forward', 'web', ':80'], env)
      const [line] = await linesUntil(forwarding, (all) => all.length > 0)
      const port = /127\.0\.0\.1:(\d+) -> 80/.exec(line!)?.[1]
      for (let i = 0; i < 3; i++) assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'hello from a port\n')
      forwarding.kill()
      await nothingOpen()
      assert.match(sent(), /^POST \/portForward\/default\/web SPDY\/3\.1$/)
    })
  }

  test('exec over WebSockets all the way, where the kubelet speaks them', async () => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'true' }
    const said = await make().output(['exec', 'modern', '-c', 'main', '--', 'echo', 'a'], { env })
    assert.deepEqual(said, { code: 0, stdout: 'echo a\n', stderr: '' })
    assert.match(sent(), /^GET \/exec\/default\/modern\/main.* websocket$/)
  })
})

const address = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

suite('proxies', { skip: address ? false : 'this machine has no network' }, () => {
  let pod: Awaited<ReturnType<typeof startPodServer>>

  before(async () => {
    pod = await startPodServer(address!)
    const [ports, podIPs] = [[{ name: 'http', port: pod.port }], [{ ip: address }]]
    const containers = [{ name: 'main', image: 'x', ports: [{ containerPort: pod.port }] }]
    const target = { metadata: { name: 'target' }, spec: { nodeName: 'node', containers } }
    await create('/api/v1/namespaces/default/pods', target, { phase: 'Running', podIPs, podIP: address })
    await create('/api/v1/namespaces/default/services', {
      metadata: { name: 'svc' },
      spec: { ports: [{ name: 'http', port: 80, targetPort: pod.port }] },
    })
    const targetRef = { kind: 'Pod', name: 'target', namespace: 'default' }
    const subsets = [{ addresses: [{ ip: address, targetRef }], ports }]
    await create('/api/v1/namespaces/default/endpoints', { metadata: { name: 'svc' }, subsets })
    const addresses = [{ type: 'InternalIP', address }]
    await create('/api/v1/nodes', { metadata: { name: 'other' } }, { addresses })
  })
  after(() => pod.close())

  const PROXY = '/api/v1/namespaces/default/services/svc:http/proxy'

  test('pass requests on as they are, but for who sent them', async () => {
    const headers = { 'x-custom': 'yes', 'impersonate-user': 'system:admin', 'impersonate-group': 'system:masters' }
    const answer = await server.request(`${PROXY}/a%20b/?q=1%2F2`, { method: 'PUT', body: 'text', headers })
    assert.deepEqual([answer.status, await answer.text()], [200, 'got text'])
    const { url, headers: seen } = pod.asked.at(-1)!
    assert.equal(url, 'PUT /a%20b/?q=1%2F2')
    assert.equal(seen['x-custom'], 'yes')
    assert.equal(seen.authorization, undefined)
    assert.equal(seen['impersonate-user'], undefined)
    assert.equal(seen['x-forwarded-for'], '127.0.0.1')
    assert.equal(seen['x-forwarded-uri'], '/api/v1/namespaces/default/services/svc:http/proxy/a%20b/')
  })

  test('ask for tidy paths', async () => {
    await overHttp1(`${PROXY}/a//b///`, {})
    assert.equal(pod.asked.at(-1)!.url, 'GET /a/b/')
  })

  test('reach services by the name or number of a port, and pods by theirs', async () => {
    for (const of of [
      'services/svc:80',
      'services/svc:http',
      'services/http:svc:http',
      `pods/target:${pod.port}`,
      'pods/target',
    ]) {
      const answer = await server.request(`/api/v1/namespaces/default/${of}/proxy/x`)
      assert.equal(answer.status, 200, `${of}: ${await answer.text()}`)
    }
    const onNode = await server.request(`/api/v1/nodes/other:${pod.port}/proxy/x`)
    assert.equal(onNode.status, 200, await onNode.text())
    const refused = async (url: string) => {
      const answer = await server.request(url)
      return [answer.status, ((await answer.json()) as { message: string }).message]
    }
    const SERVICES = '/api/v1/namespaces/default/services'
    assert.deepEqual(await refused(`${SERVICES}/svc:81/proxy/`), [503, 'no service port 81 found for service "svc"'])
    assert.deepEqual(await refused(`${SERVICES}/svc:nope/proxy/`), [503, 'no endpoints available for service "svc:nope"'])
    assert.deepEqual(await refused('/api/v1/namespaces/default/pods/web/proxy/'), [400, 'address not allowed'])
    assert.deepEqual(await refused('/api/v1/nodes/node/proxy/metrics'), [400, 'address not allowed'])
    const [code, message] = await refused('/api/v1/namespaces/default/pods/target:1/proxy/')
    assert.equal(code, 503)
    assert.match(String(message), /^error trying to reach service: dial tcp [\d.]+:1: connect: connection refused$/)
  })

  test('keep answers as they are, but for what leads out of the proxy', async () => {
    assert.equal((await server.request(`${PROXY}/missing`)).status, 404)
    const moved = await server.request(`${PROXY}/moved`, {})
    assert.deepEqual([moved.status, moved.headers.get('location')], [302, `${PROXY}/there?x=1`])
    const page = await server.request(`${PROXY}/page`)
    assert.equal(page.headers.get('access-control-allow-origin'), null)
    assert.equal(
      await page.text(),
      `<html><body><a class=x href="${PROXY}/other">o</a><script>var a = '<a href="/no">'</script></body></html>`,
    )
    const root = await server.request(`${PROXY}?x=1`)
    assert.deepEqual([root.status, root.headers.get('location')], [301, `${PROXY}/?x=1`])
  })

  test('break off where the backend does', async () => {
    const answer = await server.request(`${PROXY}/broken`)
    assert.equal(answer.status, 200)
    await assert.rejects(answer.text())
  })

  test('pass other protocols through', async () => {
    const said = await new Promise<string>((resolve, reject) => {
      const headers = { authorization: `Bearer ${server.admin.token}`, connection: 'Upgrade', upgrade: 'echo' }
      const request = https.request(`${server.url}${PROXY}/ws`, { ca: server.ca, headers, agent: false })
      request.on('response', (answer) => reject(new Error(`answered with ${answer.statusCode}`)))
      request.on('error', reject)
      request.on('upgrade', (_answer, socket) => {
        let text = ''
        socket.on('data', (chunk) => {
          text += chunk
          if (text === 'hello') socket.end()
        })
        socket.on('close', () => resolve(text))
        socket.write('hello')
      })
      request.end()
    })
    assert.equal(said, 'hello')
  })

  test('take bodies over HTTP/2, too, and end with the client', async () => {
    const session = http2.connect(server.url, { ca: server.ca })
    const head = { authorization: `Bearer ${server.admin.token}`, ':path': `${PROXY}/h2`, ':method': 'POST' }
    const stream = session.request(head)
    const parts = ['one ', 'two ', 'three']
    for (const part of parts) stream.write(part)
    stream.end()
    const answered = await stream.toArray()
    assert.equal(Buffer.concat(answered).toString(), 'got one two three')
    session.close()
    assert.equal(pod.asked.at(-1)!.headers['transfer-encoding'], 'chunked')
  })

  test('serve kubectl proxy', { skip: skipWithout('kubectl', binary) }, async () => {
    const kubectl = new Kubectl({ binary: binary!, kubeconfig: server.kubeconfig, namespace: 'default', home: folder })
    const proxying = kubectl.start(['proxy', '--port=0'])
    const [line] = await linesUntil(proxying, (all) => all.length > 0)
    const origin = `http://${/127\.0\.0\.1:\d+/.exec(line!)?.[0]}`
    assert.equal(await (await fetch(`${origin}${PROXY}/x`)).text(), 'got ')
    const page = await (await fetch(`${origin}${PROXY}/page`)).text()
    assert.match(page, /href="\/api\/v1\/namespaces\/default\/services\/svc:http\/proxy\/other"/)
    proxying.kill()
  })

  test('serve kubectl get --raw', { skip: skipWithout('kubectl', binary) }, async () => {
    const kubectl = new Kubectl({ binary: binary!, kubeconfig: server.kubeconfig, namespace: 'default', home: folder })
    assert.equal(await kubectl.run(['get', '--raw', `${PROXY}/x`]), 'got ')
  })
})

test('streams end with the server', async () => {
  const stopping = await startTestServer({ flags: { controllers: [], kubeletPreferredAddressTypes: ['InternalIP'] } })
  const from = server
  server = stopping
  try {
    const daemonEndpoints = { kubeletEndpoint: { Port: kubelet.port } }
    await create(
      '/api/v1/nodes',
      { metadata: { name: 'node' } },
      { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints },
    )
    const spec = { nodeName: 'node', containers: [{ name: 'main', image: 'x' }] }
    await create('/api/v1/namespaces/default/pods', { metadata: { name: 'web' }, spec })
    // Without a certificate of its own it is nobody to this kubelet, which says so by hanging up.
    const refused = await server.request(`${POD}/log`)
    assert.equal(refused.status, 500)
    assert.match(
      ((await refused.json()) as { message: string }).message,
      /^Get "https:\/\/127\.0\.0\.1:\d+\/containerLogs\/default\/web\/main": /,
    )
  } finally {
    server = from
    await stopping.close()
  }
  const log = await server.request(`${POD}/log?container=main&follow=true`)
  const command = await new Promise<Duplex>((resolve, reject) => {
    const headers = { authorization: `Bearer ${server.admin.token}`, connection: 'Upgrade', upgrade: 'SPDY/3.1' }
    const options = { method: 'POST', ca: server.ca, headers, agent: false as const }
    const request = https.request(`${server.url}${POD}/exec?container=main&command=cat&stdin=1&stdout=1`, options)
    request.on('error', reject)
    request.on('upgrade', (_answer, socket) => resolve(socket))
    request.end()
  })
  command.on('error', () => {})
  const ended = new Promise((resolve) => command.once('close', resolve))
  command.resume()
  assert.equal(kubelet.open, 2)
  const begun = performance.now()
  await server.close()
  await Promise.all([ended, assert.rejects(log.text())])
  assert.ok(performance.now() - begun < 5_000)
  await nothingOpen()
  const events = readFileSync(path.join(folder, 'audit.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const ofCommand = events.filter(({ requestURI }) => requestURI.endsWith('command=cat&stdin=1&stdout=1'))
  assert.deepEqual(
    ofCommand.map(({ stage, responseStatus, objectRef }) => [stage, responseStatus?.code, objectRef.subresource]),
    [
      ['RequestReceived', undefined, 'exec'],
      ['ResponseStarted', 101, 'exec'],
      ['ResponseComplete', 101, 'exec'],
    ],
  )
})
