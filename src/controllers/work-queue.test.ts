import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inParallel } from './in-parallel.ts'
import { WorkQueue } from './work-queue.ts'

/** A queue whose work ends when the test says so. */
function setUp(options: { workers?: number; paused?: boolean } = {}) {
  const begun: string[] = []
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const errors: [unknown, string, number][] = []
  const queue = new WorkQueue({
    work: (key) => {
      begun.push(key)
      const end = Promise.withResolvers<void>()
      ends.set(key, end)
      return end.promise
    },
    onError: (...error) => void errors.push(error),
    workers: options.workers ?? 2,
    ...(options.paused ? { paused: true } : {}),
  })
  const next = async (count: number): Promise<void> => {
    for (let turns = 0; begun.length < count && turns < 1000; turns++) await setImmediate()
    assert.equal(begun.length, count)
  }
  return {
    queue,
    begun,
    errors,
    next,
    end: (key: string) => ends.get(key)!.resolve(),
    fail: (key: string) => ends.get(key)!.reject(key),
  }
}

suite('a work queue', () => {
  test('begins within the call, and with as many at a time as there are workers', async () => {
    const { queue, begun, end, next } = setUp()
    for (const key of ['a', 'b', 'c', 'c']) queue.add(key)
    assert.deepEqual(begun, ['a', 'b'])
    end('a')
    await next(3)
    assert.deepEqual(begun, ['a', 'b', 'c'])
    end('b')
    end('c')
    await queue.settled()
    assert.equal(begun.length, 3)
  })

  test('works on a key again when it is added meanwhile, though not at the same time', async () => {
    const { queue, begun, end, next } = setUp()
    queue.add('a')
    queue.add('a')
    queue.add('a')
    queue.add('b')
    assert.deepEqual(begun, ['a', 'b'])
    end('a')
    await next(3)
    assert.deepEqual(begun, ['a', 'b', 'a'])
    end('a')
    end('b')
    await queue.settled()
    assert.equal(begun.length, 3)
  })

  test('tries again what failed, later each time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { queue, begun, errors, fail, end, next } = setUp()
    queue.add('a')
    for (const [i, ms] of [10, 20, 40].entries()) {
      fail('a')
      await queue.settled()
      assert.deepEqual(errors.at(-1), ['a', 'a', i + 1])
      t.mock.timers.tick(ms - 1)
      assert.equal(begun.length, i + 1)
      t.mock.timers.tick(1)
      await next(i + 2)
    }
    end('a')
    await queue.settled()
    queue.add('a')
    fail('a')
    await queue.settled()
    assert.equal(errors.at(-1)?.[2], 1)
  })

  test('begins when it is started, and nothing more once it is closed', async () => {
    const { queue, begun, end } = setUp({ paused: true })
    queue.add('a')
    queue.add('b')
    queue.add('c')
    assert.deepEqual(begun, [])
    queue.start()
    assert.deepEqual(begun, ['a', 'b'])
    let closed = false
    const closing = queue.close().then(() => {
      closed = true
    })
    end('a')
    await setImmediate()
    assert.equal(closed, false)
    end('b')
    await closing
    queue.add('d')
    assert.deepEqual(begun, ['a', 'b'])
  })

  test('lets others run between work that never waits', async () => {
    let worked = 0
    const queue = new WorkQueue({
      work: async () => {
        worked++
        for (const until = performance.now() + 1; performance.now() < until; );
      },
      onError: () => assert.fail(),
      workers: 4,
      paused: true,
    })
    for (let i = 0; i < 200; i++) queue.add(String(i))
    let turns = 0
    const counting = (async () => {
      for (; worked < 200; turns++) await setImmediate()
    })()
    queue.start()
    await counting
    assert.ok(turns > 10, `${turns} turns`)
  })
})

test('in parallel: a few at a time, all of them, and the first failure in the end', async () => {
  let running = 0
  let most = 0
  const done: number[] = []
  const run = async (item: number): Promise<void> => {
    most = Math.max(most, ++running)
    await setImmediate()
    running--
    done.push(item)
    if (item % 4 === 1) throw new Error(String(item))
  }
  const items = Array.from({ length: 20 }, (_, i) => i)
  await assert.rejects(inParallel(items, 3, run), /^Error: 1$/)
  assert.equal(most, 3)
  assert.deepEqual(
    done.sort((a, b) => a - b),
    items,
  )
})
