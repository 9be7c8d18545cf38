import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AuditBackend } from './backend.ts'
import { BatchingBackend, type BatchOptions } from './batching.ts'
import type { AuditEvent } from './event.ts'
import { event, idOf, until } from './testing.ts'
import { Throttle } from './throttle.ts'
import { WebhookBackend } from './webhook-backend.ts'

/** Keeps batches, and lets each go on when told to. */
class Slow implements AuditBackend {
  readonly batches: string[] = []
  readonly #waiting: ((kept: boolean) => void)[] = []
  closed = false

  process(events: readonly AuditEvent[]): Promise<boolean> {
    this.batches.push(events.map(idOf).join(' '))
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    this.closed = true
  }

  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(true)
  }
}

function batching(options: Partial<BatchOptions> = {}, maxBytes?: number) {
  const backend = new Slow()
  const lost: string[] = []
  const batches = new BatchingBackend({
    backend,
    options: { bufferSize: 5, maxBatchSize: 2, maxWait: 20, concurrency: 1, ...options },
    lost: (by, error, events) => lost.push(`${by}: ${(error as Error).message}: ${events.map(idOf).join(' ')}`),
    ...(maxBytes ? { maxBytes } : {}),
  })
  return { backend, batches, lost }
}

suite('batches', () => {
  test('go when they are full, or have waited for long enough', async () => {
    const { backend, batches } = batching({ concurrency: 8 })
    for (const id of ['a', 'b', 'c']) batches.process([event(id)])
    await until(() => backend.batches.length === 1)
    assert.deepEqual(backend.batches, ['a b'])
    await until(() => backend.batches.length === 2)
    assert.deepEqual(backend.batches, ['a b', 'c'])
  })

  test('what there is no room for is lost and counted, and the request goes on', async () => {
    const { backend, batches, lost } = batching({ maxBatchSize: 1 })
    batches.process([event('a')])
    await until(() => backend.batches.length === 1)
    // One is under way; the next is taken as soon as that is done.
    for (const id of ['b', 'c', 'd', 'e', 'f', 'g']) assert.equal(batches.process([event(id)]), true)
    assert.deepEqual(lost, ['buffered: audit buffer queue blocked: g'])
    backend.release()
    await until(() => backend.batches.length === 2)
  })

  test('are bounded in bytes, too', () => {
    const one = event('a').size
    const { batches, lost } = batching({ bufferSize: 100 }, one * 2 + 1)
    for (const id of ['a', 'b', 'c']) batches.process([event(id)])
    assert.deepEqual(lost, ['buffered: audit buffer queue blocked: c'])
  })

  test('closing hands on what is there, and takes no more', async () => {
    const { backend, batches, lost } = batching({ maxWait: 60_000, throttle: { qps: 0.001, burst: 1 } })
    for (const id of ['a', 'b', 'c', 'd', 'e']) batches.process([event(id)])
    const closed = batches.close()
    const releasing = setInterval(() => backend.release(), 1)
    await closed
    clearInterval(releasing)
    assert.deepEqual(backend.batches, ['a b', 'c d', 'e'])
    assert.ok(backend.closed)
    batches.process([event('f')])
    assert.deepEqual(lost, ['buffered: audit backend shut down: f'])
  })
})

test('a throttle lets a burst through, then so many a second', () => {
  let now = 0
  const throttle = new Throttle({ qps: 10, burst: 2 }, () => now)
  assert.deepEqual([throttle.take(), throttle.take(), throttle.take(), throttle.take()], [0, 0, 100, 200])
  now = 1000
  assert.deepEqual([throttle.take(), throttle.take(), throttle.take()], [0, 0, 100])
})

suite('webhooks', () => {
  function webhook(answers: (number | Error)[], initialBackoff = 1) {
    const bodies: string[] = []
    const lost: string[] = []
    const backend = new WebhookBackend({
      post: async (body) => {
        bodies.push(body)
        const answer = answers.shift() ?? 200
        if (answer instanceof Error) throw answer
        return { code: answer }
      },
      initialBackoff,
      lost: (by, error, events) => lost.push(`${by}: ${(error as Error).message}: ${events.length}`),
      random: () => 0,
      close: () => {},
    })
    return { backend, bodies, lost }
  }

  test('get lists of events', async () => {
    const { backend, bodies } = webhook([])
    assert.equal(await backend.process([event('a'), event('b')]), true)
    const { items, ...list } = JSON.parse(bodies[0] as string)
    assert.deepEqual(list, { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {} })
    assert.deepEqual(
      items.map((item: { auditID: string; kind?: string }) => [item.auditID, item.kind]),
      [
        ['a', undefined],
        ['b', undefined],
      ],
    )
  })

  test('are tried again while they are away', async () => {
    const { backend, bodies, lost } = webhook([new Error('refused'), 500, 429, 503])
    assert.equal(await backend.process([event('a')]), true)
    assert.deepEqual([bodies.length, lost], [5, []])
  })

  test('lose what they never take, or will not take', async () => {
    const away = webhook(Array.from({ length: 9 }, () => new Error('refused')))
    assert.equal(await away.backend.process([event('a'), event('b')]), false)
    assert.deepEqual([away.bodies.length, away.lost], [5, ['webhook: refused: 2']])
    const refusing = webhook([400])
    assert.equal(await refusing.backend.process([event('a')]), false)
    assert.deepEqual([refusing.bodies.length, refusing.lost], [1, ['webhook: the audit webhook answered with 400: 1']])
  })

  test('are not waited for when the server stops', async () => {
    const { backend, bodies, lost } = webhook([new Error('refused'), new Error('refused')], 60_000)
    const sent = backend.process([event('a')])
    await until(() => bodies.length === 1)
    backend.hurry()
    assert.equal(await sent, false)
    assert.deepEqual([bodies.length, lost.length], [2, 1])
  })
})
