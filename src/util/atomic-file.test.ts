import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFile, replaceFile } from './atomic-file.ts'

test('of several that create a file one wins, whole', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'atomic-'))
  try {
    const path = join(dir, 'key')
    const contents = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000))
    const won = await Promise.all(contents.map((content) => createFile(path, content, 0o600)))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(await readFile(path, 'utf8'), contents[won.indexOf(true)])
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(dir), ['key'], 'nothing else is left')
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('a replaced file has the new content and mode', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'atomic-'))
  try {
    const path = join(dir, 'file')
    await replaceFile(path, 'old', 0o644)
    await replaceFile(path, 'new', 0o600)
    assert.equal(await readFile(path, 'utf8'), 'new')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(dir), ['file'])
    await assert.rejects(replaceFile(join(dir, 'missing', 'file'), 'x', 0o600), { code: 'ENOENT' })
    await assert.rejects(createFile(join(dir, 'missing', 'file'), 'x', 0o600), { code: 'ENOENT' })
  } finally {
    await rm(dir, { recursive: true })
  }
})
