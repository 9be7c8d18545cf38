import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openEmbedded } from '../src/storage/embedded/embedded.ts'
import { type Storage, type StorageEvent, StorageUnavailableError } from '../src/storage/storage.ts'

const writers = 16
const prefix = '/registry/crash/'

if (process.argv[2] === 'write') await writeForever(process.argv[3]!, process.argv[4]!)
else defineTest()

/** What the writing process says, one line each: a write was begun, or was acknowledged with this revision. */
interface Line {
  readonly key: string
  readonly type: 'put' | 'delete'
  readonly text: string
  readonly revision?: number
}

/** The writing process: every writer creates, updates and deletes keys of its own until it is killed. */
async function writeForever(store: string, round: string): Promise<void> {
  const storage = await openEmbedded({ path: store })
  const say = (line: Line) => writeSync(1, `${JSON.stringify(line)}\n`)
  const padding = 'x'.repeat(3000)
  async function put(key: string, text: string, expected: number): Promise<number> {
    say({ key, type: 'put', text })
    const value = Buffer.from(`${text} ${padding}`)
    const revision = await (expected === 0 ? storage.create(key, value) : storage.update(key, value, expected))
    say({ key, type: 'put', text, revision })
    return revision
  }
  async function remove(key: string, text: string, expected: number): Promise<void> {
    say({ key, type: 'delete', text })
    say({ key, type: 'delete', text, revision: await storage.delete(key, expected) })
  }
  async function writer(id: number): Promise<void> {
    for (let i = 0; ; i++) {
      const key = `${prefix}${round}-${id}-${i}`
      let revision = await put(key, 'first', 0)
      if (i % 2 === 0) revision = await put(key, 'second', revision)
      if (i % 3 === 0) await remove(key, i % 2 === 0 ? 'second' : 'first', revision)
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, id) => writer(id)))
}

function defineTest(): void {
  const path = mkdtempSync(join(tmpdir(), 'storage-crash-'))
  const children = new Set<ChildProcess>()
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(path, { recursive: true, force: true })
  })

  /** Runs the writing process and kills it after it acknowledged some writes; returns what it said. */
  async function crash(round: number, acknowledgements: number): Promise<Line[]> {
    // To a file, since what is written to one is there after a kill, whereas a pipe may be full and hold the writer up.
    const said = join(path, `round-${round}`)
    const output = openSync(said, 'w')
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'write', path, String(round)], {
      stdio: ['ignore', output, 'inherit'],
    })
    children.add(child)
    closeSync(output)
    const exit = once(child, 'exit')
    for (;;) {
      assert.equal(child.exitCode, null, 'the writer ended by itself')
      if (readLines(said).filter(({ revision }) => revision !== undefined).length >= acknowledgements) break
      await sleep(3)
    }
    await assert.rejects(openEmbedded({ path }), StorageUnavailableError, 'a store in use is not opened')
    child.kill('SIGKILL')
    assert.deepEqual(await exit, [null, 'SIGKILL'])
    children.delete(child)
    return readLines(said)
  }

  test('what was acknowledged survives kill -9, ten times over', { timeout: 60_000 }, async () => {
    const expected = new Map<string, Line>()
    /** All events that a client saw that resumed after every crash. */
    const seen: StorageEvent[] = []
    const acknowledged: Line[] = []
    let lastRevision = 1
    let interrupted = 0
    for (let round = 0; round < 10; round++) {
      const lines = await crash(round, 150 + 83 * round)
      const open = new Map<string, Line>()
      for (const line of lines) {
        if (line.revision === undefined) open.set(line.key, line)
        else {
          open.delete(line.key)
          expected.set(line.key, line)
          acknowledged.push(line)
          lastRevision = Math.max(lastRevision, line.revision)
        }
      }
      if (open.size > 0) interrupted++
      await using storage = await openEmbedded({ path })
      const current = await storage.currentRevision()
      assert.ok(current >= lastRevision, `revision went back from ${lastRevision} to ${current}`)
      assert.ok(current <= lastRevision + open.size, 'nothing is there that nobody wrote')
      await assertHolds(storage, expected, open)
      await resume(storage, seen, current)
      const created = await storage.create(`${prefix}after-${round}`, Buffer.from('after'))
      assert.equal(created, current + 1)
      lastRevision = created
    }
    assertComplete(seen, acknowledged)
    assert.ok(interrupted >= 5, 'killed in the middle of writes')
  })
}

function readLines(file: string): Line[] {
  // A line that is cut off by the kill, or is not whole yet, was not said.
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return whole.map((line) => JSON.parse(line))
}

/** Every acknowledged write is there, unless one begun after it went through unacknowledged: then that one is. */
async function assertHolds(storage: Storage, expected: Map<string, Line>, open: Map<string, Line>): Promise<void> {
  const { items } = await storage.list(prefix)
  const stored = new Map(items.map((item) => [item.key, item]))
  for (const key of new Set([...expected.keys(), ...open.keys()])) {
    const [line, begun, item] = [expected.get(key), open.get(key), stored.get(key)]
    const text = item?.value.toString().split(' ')[0]
    const asAcknowledged = line?.type === 'put' ? item?.revision === line.revision && text === line.text : item === undefined
    const asBegun = begun && (begun.type === 'put' ? text === begun.text : item === undefined)
    assert.ok(asAcknowledged || asBegun, `${key}: acknowledged ${line?.type} ${line?.text}, found ${text}`)
    if (item && asBegun && !asAcknowledged) expected.set(key, { ...begun, revision: item.revision })
    else if (asBegun && !asAcknowledged) expected.set(key, begun)
  }
  for (const { key, value } of items) {
    assert.ok(expected.has(key) || key.startsWith(`${prefix}after-`), `${key} came from nowhere`)
    if (!key.startsWith(`${prefix}after-`)) assert.ok(value.length > 3000)
  }
}

/** Goes on with a watch where the last one ended, up to `current`. */
async function resume(storage: Storage, seen: StorageEvent[], current: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const subscription = await storage.watch(prefix, seen.at(-1)?.revision ?? 1, {
    onEvents: (events) => void seen.push(...events),
    onProgress: (revision) => revision >= current && resolve(),
    onError: reject,
  })
  await promise
  subscription.close()
}

/** The events are one unbroken history, and hold every acknowledged write. */
function assertComplete(seen: readonly StorageEvent[], acknowledged: readonly Line[]): void {
  const byRevision = new Map<number, StorageEvent>()
  const state = new Map<string, StorageEvent>()
  for (const [index, event] of seen.entries()) {
    // Only this test writes, so that every revision from 2 on is an event of its prefix.
    assert.equal(event.revision, index + 2, 'no event is missing or repeated')
    assert.equal(event.previous?.revision, state.get(event.key)?.revision)
    byRevision.set(event.revision, event)
    if (event.type === 'put') state.set(event.key, event)
    else state.delete(event.key)
  }
  for (const { key, type, text, revision } of acknowledged) {
    const event = byRevision.get(revision!)
    assert.deepEqual([event?.key, event?.type, event?.value.toString().split(' ')[0]], [key, type, text])
  }
}
