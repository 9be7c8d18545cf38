import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import { Logger } from '../observability/logger.ts'
import { KubeletAccess } from './kubelet-access.ts'
import { logRefusal } from './kubelet-answers.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'kubelets-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const at = path.join(folder, name)
  writeFileSync(at, content)
  return at
}

const PLAIN = {
  kubeletCertificateAuthority: '',
  kubeletClientCertificate: '',
  kubeletClientKey: '',
  kubeletPort: 10_250,
  kubeletPreferredAddressTypes: ['Hostname', 'InternalIP'],
}

let now = 0
const load = (options: Partial<typeof PLAIN> = {}) => {
  const logger = new Logger({ level: 'error', format: 'text', clock: () => now, write: () => {} })
  return KubeletAccess.load({ options: { ...PLAIN, ...options }, logger, clock: () => now })
}

const node = (addresses: { type: string; address: string }[], port?: number) =>
  ({
    metadata: { name: 'n' },
    status: { addresses, ...(port ? { daemonEndpoints: { kubeletEndpoint: { Port: port } } } : {}) },
  }) as KubeObject

const [internal, hostname] = [
  { type: 'InternalIP', address: '10.0.0.1' },
  { type: 'Hostname', address: 'n' },
]

test('the preferred kind of address counts, not its place', async () => {
  const access = await load()
  assert.deepEqual(await access.target(node([internal, hostname])), {
    host: 'n',
    port: 10_250,
    tls: { cert: undefined, key: undefined, insecure: true },
  })
  const { host, port } = await access.target(node([internal], 1234))
  assert.deepEqual([host, port], ['10.0.0.1', 1234])
  await assert.rejects(access.target(node([{ type: 'ExternalIP', address: '1.2.3.4' }])), {
    message: 'no preferred addresses found; known addresses: [{ExternalIP 1.2.3.4}]',
  })
  await assert.rejects(access.target({ metadata: { name: 'n' } } as KubeObject), { code: 500 })
})

test('certificates are read again after a while, and stay when they are gone', async () => {
  const ca = file('ca.crt', 'old')
  const access = await load({ kubeletCertificateAuthority: ca })
  const trusted = async () => (await access.target(node([internal]))).tls?.ca
  assert.equal(await trusted(), 'old')
  file('ca.crt', 'new')
  now += 9_999
  assert.equal(await trusted(), 'old')
  now += 1
  assert.equal(await trusted(), 'new')
  rmSync(ca)
  now += 10_000
  assert.equal(await trusted(), 'new')
  assert.deepEqual((await access.target(node([internal]), { insecure: true })).tls, {
    cert: undefined,
    key: undefined,
    insecure: true,
  })
})

test('what can not be used stops the start', async () => {
  await assert.rejects(load({ kubeletClientKey: file('client.key', 'x') }), {
    message: '--kubelet-client-certificate and --kubelet-client-key must be given together',
  })
  await assert.rejects(load({ kubeletCertificateAuthority: path.join(folder, 'none') }), /ENOENT/)
})

test('refusals of kubelets are told in the words of this API', () => {
  const told = (code: number) => {
    const { status } = logRefusal(code, 'text', 'p')
    return [status.code, status.reason ?? '', status.message]
  }
  assert.deepEqual(told(400), [400, 'BadRequest', 'text'])
  assert.deepEqual(told(403), [403, 'Forbidden', 'text ( pods/log p)'])
  assert.deepEqual(told(500), [500, 'InternalError', 'Internal error occurred: text'])
  const unknown = 'the server responded with the status code 302 but did not return more information ( pods/log p)'
  assert.deepEqual(told(302), [302, '', unknown])
})
