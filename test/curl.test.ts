import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { onPath, skipWithout } from './support/kubectl.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

// What tutorials show of talking to the API without a client: curl, a bearer token and the CA's certificate.

const run = promisify(execFile)
const TOKEN = 'a-secret-of-the-admin'
const pods = '/api/v1/namespaces/default/pods'

suite('curl with a bearer token', { skip: skipWithout('curl', onPath('curl')), timeout: 60_000 }, () => {
  const folder = temporaryFolder('curl')
  let server: ServerProcess

  before(async () => {
    const tokens = path.join(folder, 'tokens.csv')
    writeFileSync(tokens, `${TOKEN},alice,alice,system:masters\nanother,bob,bob\n`)
    server = await ServerProcess.start({ args: [`--token-auth-file=${tokens}`] })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  async function curl(url: string, token: string | undefined, ...more: string[]): Promise<{ code: number; body: string }> {
    const trust = ['--cacert', path.join(server.dataDir, 'pki/ca.crt')]
    const identity = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]
    const args = [
      '--silent',
      '--show-error',
      '--write-out',
      '\n%{http_code}',
      ...trust,
      ...identity,
      ...more,
      `${server.url}${url}`,
    ]
    const { stdout } = await run('curl', args)
    const end = stdout.lastIndexOf('\n')
    return { code: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
  }

  test('lists pods, for a reader with eyes', async () => {
    const { code, body } = await curl(pods, TOKEN)
    assert.equal(code, 200)
    // curl asks for no format: what it shows is indented.
    assert.match(body, /^{\n {2}"kind": "PodList",\n {2}"apiVersion": "v1",/)
    assert.deepEqual(JSON.parse(body).items, [])
  })

  test('creates a pod from JSON, and deletes it', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'nginx' },
      spec: { containers: [{ name: 'nginx', image: 'nginx' }] },
    }
    const json = ['--header', 'Content-Type: application/json']
    const created = await curl(pods, TOKEN, '--request', 'POST', ...json, '--data', JSON.stringify(pod))
    assert.equal(created.code, 201)
    assert.equal(JSON.parse(created.body).status.phase, 'Pending')
    const again = await curl(pods, TOKEN, '--request', 'POST', ...json, '--data', JSON.stringify(pod))
    assert.deepEqual([again.code, JSON.parse(again.body).reason], [409, 'AlreadyExists'])
    const patched = await curl(
      `${pods}/nginx`,
      TOKEN,
      ...['--request', 'PATCH', '--header', 'Content-Type: application/merge-patch+json'],
      ...['--data', '{"metadata":{"labels":{"by":"curl"}}}'],
    )
    assert.equal(JSON.parse(patched.body).metadata.labels.by, 'curl')
    assert.equal(JSON.parse((await curl(`${pods}?labelSelector=by%3Dcurl`, TOKEN)).body).items.length, 1)
    const deleted = await curl(`${pods}/nginx`, TOKEN, '--request', 'DELETE')
    assert.equal(deleted.code, 200)
    assert.equal((await curl(`${pods}/nginx`, TOKEN)).code, 404)
  })

  test('says who may do what', async () => {
    const anonymous = await curl(pods, undefined)
    assert.equal(anonymous.code, 403)
    assert.match(JSON.parse(anonymous.body).message, /User "system:anonymous" cannot list resource "pods"/)
    assert.deepEqual((await curl(pods, 'wrong')).code, 401)
    assert.deepEqual((await curl(pods, 'another')).code, 403)
    assert.equal((await curl('/version', undefined)).code, 200)
    assert.deepEqual(await curl('/livez', undefined), { code: 200, body: 'ok' })
  })

  test('over HTTP/1.1 as over HTTP/2', async () => {
    const [older, newer] = await Promise.all([curl(pods, TOKEN, '--http1.1'), curl(pods, TOKEN, '--http2')])
    assert.equal(older.code, 200)
    assert.equal(older.body, newer.body)
  })
})
