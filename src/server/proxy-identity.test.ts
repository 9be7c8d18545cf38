import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Logger } from '../observability/logger.ts'
import { optionsWith } from '../options/options.ts'
import { ensurePki } from './pki.ts'
import { ProxyIdentity } from './proxy-identity.ts'

test('the client certificate follows its files, as far as they can be used', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'proxy-identity-'))
  const { admin, serving } = await ensurePki({ dir, hostnames: [], ips: [], clock: Date })
  const lines: string[] = []
  const logger = new Logger({ level: 'info', format: 'text', clock: Date.now, write: (line) => lines.push(line) })
  const [proxyClientCertFile, proxyClientKeyFile] = ['cert', 'key'].map((name) => path.join(dir, name)) as [string, string]
  const write = (cert: string, key: string): void => {
    writeFileSync(proxyClientCertFile, cert)
    writeFileSync(proxyClientKeyFile, key)
  }
  const options = optionsWith({ proxyClientCertFile, proxyClientKeyFile })
  assert.throws(() => new ProxyIdentity(options, logger), /can't read .*cert/)
  write(admin.cert, serving.key)
  assert.throws(() => new ProxyIdentity(options, logger), /can't use .*cert with .*key/)
  write(admin.cert, admin.key)
  const identity = new ProxyIdentity(options, logger)
  assert.deepEqual(identity.current, { cert: admin.cert, key: admin.key })
  // One file is replaced before the other.
  write(serving.cert, admin.key)
  identity.look()
  assert.equal(identity.current?.cert, admin.cert)
  assert.match(lines.at(-1) ?? '', /can not be used/)
  write(serving.cert, serving.key)
  identity.look()
  assert.equal(identity.current?.cert, serving.cert)
  identity.close()
  rmSync(dir, { recursive: true, force: true })
})

test('without flags there is none', () => {
  const logger = new Logger({ level: 'error', format: 'text', clock: Date.now, write: () => {} })
  assert.equal(new ProxyIdentity(optionsWith({}), logger).current, undefined)
})
