import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { alwaysAllow, alwaysDeny } from '../authorization/authorizer.ts'
import { Logger } from '../observability/logger.ts'
import { AuthorizerFile } from './authorizer-file.ts'

const document = (...types: string[]): string =>
  JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthorizationConfiguration',
    authorizers: types.map((type) => ({ type, name: type.toLowerCase() })),
  })

test('a file that changes: what can not be used changes nothing', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'authorizers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'authorization.yaml')
  writeFileSync(file, document('AlwaysAllow'))
  const log: string[] = []
  const logger = new Logger({ level: 'debug', format: 'json', clock: Date.now, write: (line) => void log.push(line) })
  const authorizers = await AuthorizerFile.read({ file, logger, clock: Date.now })
  t.after(() => authorizers.close())
  let changes = 0
  authorizers.follow(() => changes++)
  const names = (): string[] =>
    authorizers.members((type) => (type === 'AlwaysAllow' ? alwaysAllow : alwaysDeny)).map(({ name }) => name)
  assert.deepEqual(names(), ['AlwaysAllow'])

  await authorizers.look()
  assert.equal(changes, 0)
  for (const [content, message] of [
    ['nonsense: [', 'can not be used'],
    [document('RBAC'), 'authorizer type RBAC is not allowed if it was not enabled at initial server startup'],
    [document(), 'at least one authorization mode must be defined'],
  ] as const) {
    writeFileSync(file, content)
    await authorizers.look()
    assert.match(log.at(-1) ?? '', new RegExp(message))
    assert.deepEqual(names(), ['AlwaysAllow'])
  }
  assert.equal(changes, 0)

  writeFileSync(file, document('AlwaysDeny', 'AlwaysAllow'))
  await authorizers.look()
  assert.equal(changes, 1)
  assert.deepEqual(names(), ['AlwaysDeny', 'AlwaysAllow'])
  rmSync(file)
  await authorizers.look()
  assert.deepEqual(names(), ['AlwaysDeny', 'AlwaysAllow'])
  writeFileSync(file, document('AlwaysAllow'))
})
