import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { tokenFile } from './token-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'tokens-'))
after(() => rmSync(dir, { recursive: true }))
const path = join(dir, 'tokens.csv')

async function load(text: string) {
  writeFileSync(path, text)
  const warnings: string[] = []
  return { tokens: await tokenFile(path, (warning) => warnings.push(warning)), warnings }
}

test('each token is its user', async () => {
  const { tokens, warnings } = await load(
    'admin-token,admin,admin,"system:masters"\nbob-token,bob,u-bob,"ops,auditors",more\nplain,p,\n',
  )
  assert.deepEqual(tokens.authenticate('admin-token'), { name: 'admin', uid: 'admin', groups: ['system:masters'], extra: {} })
  assert.deepEqual(tokens.authenticate('bob-token'), { name: 'bob', uid: 'u-bob', groups: ['ops', 'auditors'], extra: {} })
  assert.deepEqual(tokens.authenticate('plain'), { name: 'p', uid: '', groups: [], extra: {} })
  assert.equal(tokens.authenticate('bob-token'), tokens.authenticate('bob-token'), 'one object per user')
  for (const wrong of ['Admin-Token', 'admin-toke', 'admin-token ', 'admin', '', '__proto__', 'constructor']) {
    assert.equal(tokens.authenticate(wrong), undefined, wrong)
  }
  assert.deepEqual(warnings, [])
})

test('what is odd is told, with the record and without the token', async () => {
  const { tokens, warnings } = await load('a,first,1\n\n,nobody,2\na,second,3,\n')
  assert.deepEqual(warnings, [
    `empty token has been found in token file '${path}', record number '2'`,
    `duplicate token has been found in token file '${path}', record number '3'`,
  ])
  assert.deepEqual(tokens.authenticate('a'), { name: 'second', uid: '3', groups: [''], extra: {} })
  assert.equal(tokens.authenticate(''), undefined)
})

test('a file that can not be used', async () => {
  await assert.rejects(load('a,b,c\na,b\n'), {
    message: `token file '${path}' must have at least 3 columns (token, user name, user uid), found 2`,
  })
  await assert.rejects(load('a,b,"c\n'), /^Error: parse error on line 1, column 8: extraneous or missing " in quoted-field$/)
  await assert.rejects(
    tokenFile(join(dir, 'missing'), () => {}),
    { message: `open ${join(dir, 'missing')}: no such file or directory` },
  )
})
