import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PresentedToken, type TokenIdentity } from './token.ts'
import { tokenFile } from './token-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'tokens-'))
after(() => rmSync(dir, { recursive: true }))
const path = join(dir, 'tokens.csv')

async function load(text: string) {
  writeFileSync(path, text)
  const warnings: string[] = []
  const tokens = await tokenFile(path, ['api', 'other'], (warning) => warnings.push(warning))
  const identify = (text: string, audiences?: readonly string[]) =>
    tokens.authenticate(new PresentedToken(text, audiences)) as TokenIdentity | undefined
  return { identify, userOf: (text: string) => identify(text)?.user, warnings }
}

test('each token is its user', async () => {
  const { identify, userOf, warnings } = await load(
    'admin-token,admin,admin,"system:masters"\nbob-token,bob,u-bob,"ops,auditors",more\nplain,p,\n',
  )
  assert.deepEqual(userOf('admin-token'), { name: 'admin', uid: 'admin', groups: ['system:masters'], extra: {} })
  assert.deepEqual(userOf('bob-token'), { name: 'bob', uid: 'u-bob', groups: ['ops', 'auditors'], extra: {} })
  assert.deepEqual(userOf('plain'), { name: 'p', uid: '', groups: [], extra: {} })
  assert.equal(identify('bob-token'), identify('bob-token'), 'one object per user')
  for (const wrong of ['Admin-Token', 'admin-toke', 'admin-token ', 'admin', '', '__proto__', 'constructor']) {
    assert.equal(userOf(wrong), undefined, wrong)
  }
  assert.deepEqual(warnings, [])
})

test('a token is for the audiences of the server', async () => {
  const { identify } = await load('bob-token,bob,u-bob\n')
  assert.deepEqual(identify('bob-token')?.audiences, ['api', 'other'])
  assert.deepEqual(identify('bob-token', ['x', 'other', 'api'])?.audiences, ['other', 'api'])
  assert.equal(identify('bob-token', ['x']), undefined)
})

test('what is odd is told, with the record and without the token', async () => {
  const { userOf, warnings } = await load('a,first,1\n\n,nobody,2\na,second,3,\n')
  assert.deepEqual(warnings, [
    `empty token has been found in token file '${path}', record number '2'`,
    `duplicate token has been found in token file '${path}', record number '3'`,
  ])
  assert.deepEqual(userOf('a'), { name: 'second', uid: '3', groups: [''], extra: {} })
  assert.equal(userOf(''), undefined)
})

test('a file that can not be used', async () => {
  await assert.rejects(load('a,b,c\na,b\n'), {
    message: `token file '${path}' must have at least 3 columns (token, user name, user uid), found 2`,
  })
  await assert.rejects(load('a,b,"c\n'), /^Error: parse error on line 1, column 8: extraneous or missing " in quoted-field$/)
  await assert.rejects(
    tokenFile(join(dir, 'missing'), [], () => {}),
    { message: `open ${join(dir, 'missing')}: no such file or directory` },
  )
})
