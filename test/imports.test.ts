import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

// Code may use what is below it and nothing beside or above it: what it needs from there it declares as a small interface, and server/
// supplies it. So every part can be read, tested and replaced with only what is below it in mind. Types count, too.

/** The folders (and files) of src/, highest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['boot'],
  ['main', 'index'],
  ['testing'],
  ['server'],
  ['options', 'http', 'filters', 'endpoints', 'discovery', 'aggregator', 'controllers'],
  ['apiextensions'],
  ['kinds'],
  ['registry'],
  ['storage', 'admission', 'authentication', 'authorization', 'flowcontrol', 'audit'],
  ['cel'],
  ['machinery'],
  ['generated'],
  ['observability'],
  ['util'],
]

/** The generated types are written in terms of JSON's. */
const EXCEPTIONS: readonly (readonly [from: string, to: string])[] = [['src/generated/types.ts', 'src/machinery/json.ts']]

/** Helpers of tests: they may import anything, and only tests may import them. */
const isForTests = (file: string): boolean =>
  file.endsWith('.test.ts') ||
  file.startsWith('src/storage/contract/') ||
  file.startsWith('src/testing/') ||
  file.endsWith('/testing.ts') ||
  ['src/http/loopback.ts', 'src/storage/storage-contract.ts'].includes(file)

const root = path.join(import.meta.dirname, '..')

const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.posix.join('src', name.split(path.sep).join('/')))

/** The files that a file imports, in any way that has the name in quotes. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^'\n]+)'/g)].map(([, name]) =>
    path.posix.join(path.posix.dirname(file), name!),
  )
}

const folderOf = (file: string): string => file.split('/')[1]!.replace(/\.ts$/, '')
const levelOf = (folder: string): number => LEVELS.findIndex((level) => level.includes(folder))

test('every folder of src has its level', () => {
  const folders = new Set(files.map(folderOf))
  assert.deepEqual(
    [...folders].filter((folder) => levelOf(folder) < 0),
    [],
  )
})

test('imports point down only', () => {
  const wrong = files
    .filter((file) => !isForTests(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((imported) => {
          const [from, to] = [folderOf(file), folderOf(imported)]
          if (from === to || EXCEPTIONS.some(([a, b]) => a === file && b === imported)) return false
          return levelOf(to) <= levelOf(from)
        })
        .map((imported) => `${file} imports ${imported}`),
    )
  assert.deepEqual(wrong, [])
})

test('only tests import what is for tests', () => {
  const wrong = files
    .filter((file) => !isForTests(file) && file !== 'src/index.ts')
    .flatMap((file) =>
      importsOf(file)
        .filter(isForTests)
        .map((imported) => `${file} imports ${imported}`),
    )
  assert.deepEqual(wrong, [])
})

test('every exception is still needed', () => {
  assert.deepEqual(
    EXCEPTIONS.filter(([from, to]) => !importsOf(from).includes(to)),
    [],
  )
})
