import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { AdminClient, type Answer, configMap, configMaps } from './support/client.ts'
import { closed, drain, openTcp, openTls, randomBytes } from './support/raw.ts'
import { ServerProcess } from './support/server-process.ts'

// Whatever comes in: a clear Status or a closed connection, never a crash, never memory without bound, and nothing that was stored is
// lost. Every group of insults is followed by a look at the server.

/** What the server may take while it is under attack, in MB. */
const MEMORY_BOUND = 400

suite('bad input', { timeout: 180_000 }, () => {
  let server: ServerProcess
  let client: AdminClient
  let stored: string

  before(async () => {
    server = await ServerProcess.start({ args: ['--disable-admission-plugins=ServiceAccount'] })
    client = new AdminClient(server)
    for (let i = 0; i < 50; i++) assert.equal((await client.call('POST', configMaps, configMap(`kept-${i}`))).code, 201)
    stored = await keptObjects()
  })
  after(async () => {
    client[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  })

  async function keptObjects(): Promise<string> {
    const { items } = (await client.call('GET', configMaps)).json as { items: { metadata: { name: string } }[] }
    return JSON.stringify(items.filter(({ metadata }) => metadata.name.startsWith('kept-')))
  }

  let checks = 0
  /** It still serves, has lost nothing, takes new objects, and hasn't grown. */
  async function assertWell(): Promise<void> {
    assert.equal(server.child.exitCode, null, server.log)
    assert.equal((await client.call('GET', '/readyz')).text, 'ok')
    assert.equal(await keptObjects(), stored)
    const name = `check-${checks++}`
    assert.equal((await client.call('POST', configMaps, configMap(name))).code, 201)
    assert.equal((await client.call('DELETE', `${configMaps}/${name}`)).code, 200)
    assert.ok(server.ownMb < MEMORY_BOUND, `${server.ownMb} MB`)
    assert.doesNotMatch(server.log, /ERROR/)
  }

  /** A refusal in the API's own form. */
  function assertRefused(answer: Answer, what: string, code?: number): void {
    assert.ok(answer.code >= 400, `${what}: ${answer.code} ${answer.text.slice(0, 300)}`)
    // The reference answers a few with 500, but it, too, says what is wrong.
    assert.doesNotMatch(answer.text, /unexpected error/, what)
    assert.equal(answer.json?.kind, 'Status', `${what}: ${answer.text.slice(0, 300)}`)
    assert.equal(answer.json.code, answer.code, what)
    assert.ok(answer.json.message, what)
    if (code !== undefined) assert.equal(answer.code, code, `${what}: ${answer.text.slice(0, 300)}`)
  }

  test('bodies that are no objects', async () => {
    for (const body of [...NO_OBJECTS, ...WRONG_TYPES]) {
      const what = body.slice(0, 60)
      assertRefused(await client.call('POST', configMaps, body), `create ${what}`)
      assertRefused(await client.call('PUT', `${configMaps}/kept-1`, body), `update ${what}`)
      assertRefused(await client.call('POST', configMaps, body, 'application/yaml'), `create as YAML ${what}`)
    }
    for (const body of BAD_YAML) assertRefused(await client.call('POST', configMaps, body, 'application/yaml'), body.slice(0, 60))
    for (const body of BAD_PODS)
      assertRefused(await client.call('POST', '/api/v1/namespaces/default/pods', body), JSON.stringify(body))
    await assertWell()
  })

  test('patches that make no sense', async () => {
    for (const [type, bodies] of Object.entries(BAD_PATCHES)) {
      for (const body of bodies) {
        assertRefused(await client.call('PATCH', `${configMaps}/kept-1`, body, type), `${type} ${body.slice(0, 60)}`)
      }
    }
    await assertWell()
  })

  test('kinds, formats and methods that nobody knows', async () => {
    const created = (body: object) => client.call('POST', configMaps, body)
    assertRefused(await created({ apiVersion: 'v1', kind: 'Nonsense', metadata: { name: 'a' } }), 'kind', 400)
    assertRefused(await created({ apiVersion: 'v9', kind: 'ConfigMap', metadata: { name: 'a' } }), 'version', 400)
    assertRefused(await created({ apiVersion: 'a/b/c', kind: 'ConfigMap', metadata: { name: 'a' } }), 'group', 400)
    assertRefused(await created({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }), 'another kind', 400)
    for (const path of ['/api/v1/nonsense', '/api/v1/namespaces/default/nonsense/a', '/apis/nope.io/v1/things', '/api/v9/pods']) {
      assert.equal((await client.call('GET', path)).code, 404, path)
    }
    assertRefused(await client.call('POST', configMaps, 'x', 'image/png'), 'content type', 415)
    assertRefused(await client.call('PATCH', `${configMaps}/kept-1`, '{}', 'text/html'), 'patch type', 415)
    for (const method of ['TRACE', 'PROPFIND', 'OPTIONS', 'POST']) {
      const { code } = await client.call(method, `${configMaps}/kept-1`)
      assert.ok(code >= 400 && code < 500, `${method}: ${code}`)
    }
    await assertWell()
  })

  test('bad names', async () => {
    for (const name of BAD_NAMES) {
      assertRefused(await client.call('POST', configMaps, configMap(name)), `create ${name.slice(0, 60)}`)
      const path = `${configMaps}/${encodeURIComponent(name)}`
      for (const method of ['GET', 'DELETE']) {
        const answer = await client.call(method, path)
        // An empty name is the collection, and a slash another path.
        if (name !== '' && !name.includes('/')) assertRefused(answer, `${method} ${name.slice(0, 60)}`)
        assert.ok(answer.code < 500)
        if (name === '') break
      }
    }
    const elsewhere = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'elsewhere' } }
    assertRefused(await client.call('POST', configMaps, elsewhere), 'another namespace', 400)
    assertRefused(await client.call('POST', '/api/v1/namespaces/missing/configmaps', configMap('a')), 'no namespace', 404)
    await assertWell()
  })

  test('bad queries', async () => {
    for (const query of BAD_QUERIES) {
      const { code, text } = await client.call('GET', `${configMaps}?${query}`)
      assert.ok(code < 500 || /Invalid value/.test(text), `${query}: ${code} ${text.slice(0, 300)}`)
    }
    for (const query of [
      'labelSelector=((',
      'fieldSelector=nope%3D1',
      'resourceVersion=abc',
      'continue=garbage',
      'watch=1&resourceVersion=abc',
    ]) {
      assertRefused(await client.call('GET', `${configMaps}?${query}`), query)
    }
    await assertWell()
  })

  test('huge bodies', async () => {
    const requests = [
      `POST ${configMaps} HTTP/1.1\r\ncontent-type: application/json`,
      `PUT ${configMaps}/kept-1 HTTP/1.1\r\ncontent-type: application/yaml`,
      `PATCH ${configMaps}/kept-1 HTTP/1.1\r\ncontent-type: application/merge-patch+json`,
    ]
    for (const request of requests) {
      // The announcement is enough. A client that sends at once may break off before it reads the answer.
      const socket = await openTls(server)
      socket.write(head(request, `content-length: ${4 << 20}`))
      const answer = await drain(socket, 3_000)
      assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*"kind":\s*"Status"/, `${request}: ${answer}`)
    }
    // Many at once, none of which may be held in memory as a whole.
    const endless = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = await openTls(server)
        socket.write(
          `POST ${configMaps} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
        )
        const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
        let sent = 0
        while (!socket.destroyed && socket.writable && sent < 50 << 20) {
          sent += chunk.length
          if (!socket.write(chunk))
            await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve).once('end', resolve))
          if (socket.readableLength > 0) break
        }
        return { sent, answer: await drain(socket, 3_000) }
      }),
    )
    for (const { sent, answer } of endless) {
      assert.ok(sent < 50 << 20, 'it read all')
      assert.match(answer, /^(HTTP\/1\.1 413 |$)/)
    }
    await assertWell()
  })

  test('broken HTTP', async () => {
    for (const bytes of BROKEN_HTTP) {
      const socket = await openTls(server)
      socket.write(bytes)
      const answer = await drain(socket, 2_000)
      const codes = [...answer.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, code]) => Number(code))
      // Either nothing (it waits for the rest, or hangs up) or refusals.
      for (const code of codes)
        assert.ok(code >= 400 && code <= 505 && code !== 500, `${bytes.slice(0, 60)}: ${answer.slice(0, 200)}`)
    }
    const plain = await openTcp(server)
    plain.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.match(await drain(plain, 2_000), /^HTTP\/1\.0 400 .*HTTPS server/s)
    await assertWell()
  })

  test('random bytes: below TLS, above it, and as HTTP/2 frames', async () => {
    await Promise.all(
      Array.from({ length: 60 }, async (_, seed) => {
        const [below, above, framed] = await Promise.all([openTcp(server), openTls(server), openTls(server, 'h2')])
        below.write(randomBytes(seed, 3000))
        above.write(randomBytes(seed, 3000))
        framed.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')
        framed.write(randomBytes(seed, 3000))
        await Promise.all([below, above, framed].map((socket) => closed(socket, 1_000)))
      }),
    )
    await assertWell()
  })
})

const DEEP = 50_000

const NO_OBJECTS = [
  '',
  ' ',
  '{',
  '[]',
  '"text"',
  '12',
  'null',
  'true',
  '{"metadata":',
  '{"a":1}}',
  '{"a":1}{"b":2}',
  "{'a':1}",
  '\u0000',
  '\ufeff{"apiVersion":"v1"',
  '['.repeat(DEEP),
  '{"a":'.repeat(DEEP),
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":${'9'.repeat(10_000)}}}`,
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"\ud800"}',
]

const WRONG_TYPES = [
  '{"apiVersion":1,"kind":"ConfigMap"}',
  '{"apiVersion":"v1","kind":["ConfigMap"]}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":"name"}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":{"a":1}}}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept-1","labels":["a"]}}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept-1","labels":{"a":1}}}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept-1"},"data":[]}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept-1"},"binaryData":{"a":"not base64!"}}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept-1","creationTimestamp":"yesterday"}}',
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept-1","ownerReferences":{"a":1}}}',
]

const LAUGHS = Array.from(
  { length: 30 },
  (_, i) =>
    `a${i}: &a${i} [${
      i
        ? Array(9)
            .fill(`*a${i - 1}`)
            .join(',')
        : '"lol"'
    }]`,
)

const BAD_YAML = [
  '\tkey: value',
  'a: [1, 2',
  'a: *nowhere',
  '- just\n- a list',
  'a: &a [*a]',
  `${LAUGHS.join('\n')}\n`,
  `${'- '.repeat(10_000)}a`,
  '%YAML 9.9\n---\na: b',
  '? {a: b}\n: c',
]

const podWith = (spec: object): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bad' }, spec })

const BAD_PODS = [
  podWith({}),
  podWith({ containers: {} }),
  podWith({ containers: 'none' }),
  podWith({ containers: [1, 2] }),
  podWith({ containers: [{ name: 'a' }] }),
  podWith({ containers: [{ name: 'a', image: 'i', ports: [{ containerPort: 'http' }] }] }),
  podWith({ containers: [{ name: 'a', image: 'i', ports: [{ containerPort: 1e9 }] }] }),
  podWith({ containers: [{ name: 'a', image: 'i', resources: { limits: { cpu: 'lots' } } }] }),
  podWith({ containers: Array(3).fill({ name: 'same', image: 'i' }) }),
  podWith({ containers: [{ name: 'a', image: 'i' }], activeDeadlineSeconds: 1.5 }),
]

const BAD_PATCHES = {
  'application/json-patch+json': [
    '',
    '{}',
    '[1]',
    '[{"op":"fly","path":"/a"}]',
    '[{"op":"add","path":"a","value":1}]',
    '[{"op":"remove","path":"/data/nope"}]',
    '[{"op":"replace","path":"/metadata","value":1}]',
    '[{"op":"copy","from":"/data","path":"/data/a"}]',
    `[${Array(20_000).fill('{"op":"add","path":"/data/a","value":"b"}').join(',')}]`,
  ],
  'application/merge-patch+json': ['', '[]', '1', '{"metadata":1}', '{"data":{"a":{"b":1}}}', '{"a":'.repeat(DEEP)],
  'application/strategic-merge-patch+json': ['', '[]', '{"metadata":{"finalizers":{"a":1}}}', '{"data":1}', '{"$patch":1}'],
}

const BAD_NAMES = [
  '',
  'Upper',
  'under_score',
  '-dash',
  'dot.',
  'a'.repeat(300),
  'a'.repeat(5000),
  '..',
  '.',
  'a/b',
  'a%b',
  'ü',
  'a b',
  '\u0000',
  '__proto__',
]

const BAD_QUERIES = [
  'limit=abc',
  'limit=-1',
  `limit=${'9'.repeat(40)}`,
  'timeoutSeconds=abc',
  'timeoutSeconds=-5',
  'resourceVersion=-1',
  'resourceVersion=0&resourceVersionMatch=Fuzzy',
  'resourceVersionMatch=Exact',
  'continue=%00%ff',
  'labelSelector=a%20in%20(',
  `labelSelector=${'a,'.repeat(2000)}a`,
  'fieldSelector=%3D%3D',
  'pretty=maybe',
  '%zz=1',
  '&&==&',
  'watch=perhaps&timeoutSeconds=1',
  '__proto__=1&constructor=2',
]

const head = (line: string, ...headers: string[]): string => `${[line, 'host: a', ...headers].join('\r\n')}\r\n\r\n`

const BROKEN_HTTP = [
  '\r\n\r\n\r\n',
  'GET\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'FLY / HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  head(`GET /${'a'.repeat(2 << 20)} HTTP/1.1`),
  head('GET /api HTTP/1.1', `x: ${'a'.repeat(2 << 20)}`),
  head('GET /api HTTP/1.1', ...Array.from({ length: 5000 }, (_, i) => `x-${i}: a`)),
  head(`POST ${configMaps} HTTP/1.1`, 'content-length: 5', 'transfer-encoding: chunked'),
  head(`POST ${configMaps} HTTP/1.1`, 'content-length: 5', 'content-length: 6'),
  head(`POST ${configMaps} HTTP/1.1`, 'content-length: -1'),
  head(`POST ${configMaps} HTTP/1.1`, 'content-length: 99999999999999999999'),
  `${head(`POST ${configMaps} HTTP/1.1`, 'transfer-encoding: chunked')}zz\r\nabc\r\n`,
  `${head(`POST ${configMaps} HTTP/1.1`, 'transfer-encoding: chunked')}5\r\nabcdefgh\r\n`,
  head('GET /api HTTP/1.1', 'a b: c'),
  head('GET /api HTTP/1.1', 'x: a\u0000b'),
  head('CONNECT example.org:443 HTTP/1.1'),
  head('GET /api HTTP/1.1', 'expect: 200-maybe'),
  head('GET /api/v1/namespaces/%2e%2e/%00 HTTP/1.1', 'connection: close'),
]
