import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { LogBackend } from './log-backend.ts'
import { RotatingFile, type RotatingFileOptions } from './rotating-file.ts'
import { event } from './testing.ts'

const root = mkdtempSync(path.join(tmpdir(), 'audit-'))
after(() => rmSync(root, { recursive: true, force: true }))

const DAY = 24 * 3600 * 1000
let folders = 0

function log(options: Partial<RotatingFileOptions> = {}, dir = path.join(root, String(folders++), 'deeper')) {
  let now = Date.UTC(2026, 10, 24, 14, 30)
  const errors: unknown[] = []
  const open = () =>
    new RotatingFile({
      file: path.join(dir, 'audit.log'),
      maxBytes: 10,
      maxBackups: 0,
      maxAge: 0,
      compress: false,
      clock: () => now,
      onError: (error) => errors.push(error),
      ...options,
    })
  return {
    dir,
    open,
    errors,
    tick: (ms: number) => (now += ms),
    text: (name: string) => readFileSync(path.join(dir, name), 'utf8'),
  }
}

test('is put aside when it is full, and goes on where it was', async () => {
  const { dir, open, tick, text } = log()
  const first = open()
  first.write('12345\n')
  first.write('789\n')
  first.write('more\n')
  await first.close()
  assert.equal(statSync(path.join(dir, 'audit.log')).mode & 0o777, 0o600)
  tick(1000)
  const second = open()
  second.write('12345\n')
  second.write('a line that is longer than a file should be\n')
  await second.close()
  const aside = ['audit-2026-11-24T14-30-00.000.log', 'audit-2026-11-24T14-30-01.000.log', 'audit-2026-11-24T14-30-01.001.log']
  assert.deepEqual(readdirSync(dir).sort(), [...aside, 'audit.log'])
  assert.equal(text('audit-2026-11-24T14-30-00.000.log'), '12345\n789\n')
  assert.equal(text('audit-2026-11-24T14-30-01.000.log'), 'more\n')
  assert.equal(text('audit-2026-11-24T14-30-01.001.log'), '12345\n')
  assert.equal(text('audit.log'), 'a line that is longer than a file should be\n')
})

test('several in one millisecond have names of their own', async () => {
  const { dir, open } = log()
  const file = open()
  for (const line of ['11111111\n', '22222222\n', '33333333\n']) file.write(line)
  await file.close()
  assert.deepEqual(readdirSync(dir).sort(), [
    'audit-2026-11-24T14-30-00.000.log',
    'audit-2026-11-24T14-30-00.001.log',
    'audit.log',
  ])
})

test('old ones are removed, by number and by age', async () => {
  const many = log({ maxBackups: 2 })
  const file = many.open()
  for (let i = 0; i < 5; i++) {
    many.tick(1000)
    file.write(`${i}${i}${i}${i}${i}${i}${i}\n`)
  }
  await file.close()
  assert.deepEqual(readdirSync(many.dir).sort(), [
    'audit-2026-11-24T14-30-04.000.log',
    'audit-2026-11-24T14-30-05.000.log',
    'audit.log',
  ])

  const aged = log({ maxAge: 2 * DAY })
  const before = aged.open()
  before.write('1234567\n')
  before.write('1234567\n')
  await before.close()
  writeFileSync(path.join(aged.dir, 'audit-notes.log'), 'not ours')
  aged.tick(3 * DAY)
  await aged.open().close()
  assert.deepEqual(readdirSync(aged.dir).sort(), ['audit-notes.log', 'audit.log'])
})

test('are compressed', async () => {
  const { dir, open } = log({ compress: true })
  const file = open()
  file.write('1234567\n')
  file.write('next\n')
  await file.close()
  const [name = ''] = readdirSync(dir).filter((entry) => entry.endsWith('.gz'))
  assert.equal(name, 'audit-2026-11-24T14-30-00.000.log.gz')
  assert.equal(gunzipSync(readFileSync(path.join(dir, name))).toString(), '1234567\n')
  assert.deepEqual(readdirSync(dir).sort(), [name, 'audit.log'])
})

test('without a limit it is never put aside', async () => {
  const { dir, open } = log({ maxBytes: 0 })
  const file = open()
  for (let i = 0; i < 10; i++) file.write('1234567\n')
  await file.close()
  assert.deepEqual(readdirSync(dir), ['audit.log'])
})

test('a log that fails says so', () => {
  const lost: string[] = []
  const backend = new LogBackend({
    sink: {
      write: () => {
        throw new Error('disk full')
      },
      close: async () => {},
    },
    format: 'legacy',
    lost: (by, error, events) => lost.push(`${by}: ${(error as Error).message}: ${events.length}`),
  })
  assert.equal(backend.process([event('a')]), false)
  assert.deepEqual(lost, ['log: disk full: 1'])
  const file = path.join(root, 'a-file')
  writeFileSync(file, '')
  assert.throws(() => log({ file: path.join(file, 'below', 'audit.log') }).open(), /ENOTDIR|EEXIST/)
})
