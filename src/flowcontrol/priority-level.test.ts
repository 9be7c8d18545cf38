import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlowSchemaState } from './flow.ts'
import { type Attempt, attempt, FakeTiming, limited, request, schema, startControl, user } from './testing.ts'

// One server of 10 seats, nearly all of them for one level, so that it has 10 seats (by rounding up).

const QUEUES = { queues: 8, handSize: 1, queueLengthLimit: 5 }
const USER = ['user/a', 'user/b']

function start(queuing: typeof QUEUES | null = QUEUES) {
  const started = startControl(10)
  const { control } = started
  control.configure({ levels: [limited('work', 10_000, queuing ?? undefined)], schemas: [schema('work', 'work', 500, USER)] })
  const state = control.schemaOf(user('a'), request('GET', '/api/v1/pods'))
  assert.equal(state.level.name, 'work')
  assert.equal(state.level.limit, 10)
  return { ...started, state, level: state.level }
}

const many = (count: number, state: FlowSchemaState, flow: string): Attempt[] =>
  Array.from({ length: count }, () => attempt(state, flow))

test('a free seat is taken at once and given back once', () => {
  const { state, level } = start()
  const one = attempt(state, 'a')
  assert.deepEqual([one.isServed, level.executing, level.seatsInUse], [true, 1, 1])
  one.finish()
  one.finish()
  assert.deepEqual([level.executing, level.seatsInUse, level.dispatched], [0, 0, 1])
})

test('requests wait when all seats are taken, and go on in their order as seats come free', () => {
  const { state, level } = start()
  const running = many(10, state, 'a')
  const waiting = many(3, state, 'a')
  assert.deepEqual(
    waiting.map(({ outcome }) => outcome),
    ['waiting', 'waiting', 'waiting'],
  )
  assert.deepEqual([level.waiting, level.seatsWaiting, state.counts.waiting], [3, 3, 3])
  running[4]!.finish()
  assert.deepEqual(
    waiting.map(({ isServed }) => isServed),
    [true, false, false],
  )
  waiting[0]!.finish()
  running[0]!.finish()
  assert.deepEqual([level.waiting, level.executing, level.seatsInUse], [0, 10, 10])
})

test('who comes after those who wait waits, too, even when a seat is free for them', () => {
  const { state, level } = start()
  const wide = { initial: 8, final: 0, linger: 0 }
  const first = attempt(state, 'a', { work: wide })
  const second = attempt(state, 'a', { work: wide })
  const third = attempt(state, 'a')
  assert.deepEqual([first.isServed, second.outcome, third.outcome], [true, 'waiting', 'waiting'])
  assert.equal(state.counts.noAccommodation > 0, true)
  first.finish()
  assert.deepEqual([second.isServed, third.isServed, level.seatsInUse], [true, true, 9])
})

test('a request that needs more seats than there are is served alone', () => {
  const { state, level } = start()
  const other = attempt(state, 'a')
  const huge = attempt(state, 'a', { work: { initial: 30, final: 0, linger: 0 } })
  assert.equal(huge.outcome, 'waiting')
  other.finish()
  assert.deepEqual([huge.isServed, level.seatsInUse], [true, 30])
  const next = attempt(state, 'a')
  assert.equal(next.outcome, 'waiting')
  huge.finish()
  assert.equal(next.isServed, true)
})

test('a full queue refuses more of its flow, others still get in', () => {
  const { state, level, timing } = start()
  many(10, state, 'a')
  const waiting = many(5, state, 'a')
  assert.ok(waiting.every(({ outcome }) => outcome === 'waiting'))
  timing.pass(50)
  assert.equal(attempt(state, 'a').outcome, 'queue-full')
  assert.equal(attempt(state, 'b').outcome, 'waiting')
  assert.deepEqual([level.refused, state.counts.refused.get('queue-full')], [1, 1])
})

test('of what comes at once a queue takes as many more as there are seats', () => {
  const { state, timing } = start()
  many(10, state, 'a')
  assert.ok(many(15, state, 'a').every(({ outcome }) => outcome === 'waiting'))
  assert.equal(attempt(state, 'a').outcome, 'queue-full')
  timing.pass(50)
  assert.equal(attempt(state, 'b').outcome, 'waiting')
  assert.equal(attempt(state, 'a').outcome, 'queue-full')
})

test('a level without queues refuses what finds no seat', () => {
  const { state } = start(null)
  const running = many(10, state, 'a')
  assert.equal(attempt(state, 'a').outcome, 'concurrency-limit')
  running[0]!.finish()
  assert.equal(attempt(state, 'a').isServed, true)
})

test('a request that waited too long is refused, and no seat is lost', () => {
  const { state, level, timing } = start()
  const running = many(10, state, 'a')
  const short = attempt(state, 'a', { waitLimit: 1000 })
  const long = attempt(state, 'a', { waitLimit: 5000 })
  timing.pass(999)
  assert.equal(short.outcome, 'waiting')
  timing.pass(1)
  assert.deepEqual([short.outcome, long.outcome, level.timedOut], ['time-out', 'waiting', 1])
  timing.pass(4000)
  assert.deepEqual([long.outcome, level.waiting, level.seatsWaiting], ['time-out', 0, 0])
  for (const one of running) one.finish()
  assert.deepEqual([level.executing, level.seatsInUse], [0, 0])
})

test('a request whose client is gone leaves its queue; once it is served leaving does nothing', () => {
  const { state, level } = start()
  const running = many(10, state, 'a')
  const gone = attempt(state, 'a')
  const next = attempt(state, 'a')
  gone.leave?.()
  gone.leave?.()
  assert.deepEqual([gone.outcome, level.waiting, level.cancelled], ['cancelled', 1, 1])
  running[0]!.finish()
  assert.equal(next.isServed, true)
  next.leave?.()
  assert.deepEqual([next.isServed, level.cancelled, level.executing], [true, 1, 10])
})

test('a flow with few requests goes before one with many', () => {
  const { state, timing } = start({ ...QUEUES, queueLengthLimit: 1000 })
  const running = many(10, state, 'greedy')
  const greedy = many(200, state, 'greedy')
  timing.pass(5)
  for (const one of running) one.finish()
  timing.pass(5)
  const modest = attempt(state, 'modest')
  assert.equal(modest.outcome, 'waiting')
  let finished = 0
  for (const one of greedy) {
    if (modest.isServed) break
    timing.pass(1)
    one.finish()
    finished++
  }
  assert.equal(modest.isServed, true)
  assert.ok(finished < 20, `${finished} of the greedy one went before it`)
})

test('two busy flows get the same, however many requests each has waiting', () => {
  const { state, timing } = start({ queues: 64, handSize: 2, queueLengthLimit: 1000 })
  const flows = { few: 40, many: 400 }
  const served = { few: 0, many: 0 }
  const running: { attempt: Attempt; flow: keyof typeof flows }[] = []
  const waiting: { attempt: Attempt; flow: keyof typeof flows }[] = []
  const send = (flow: keyof typeof flows): void => {
    const made = attempt(state, flow, { waitLimit: 1e9 })
    ;(made.isServed ? running : waiting).push({ attempt: made, flow })
  }
  for (const flow of ['many', 'few'] as const) for (let i = 0; i < flows[flow]; i++) send(flow)
  // Every request takes 10 ms; whoever is done asks again.
  for (let turn = 0; turn < 300; turn++) {
    timing.pass(10)
    for (const { attempt: one, flow } of running.splice(0)) {
      one.finish()
      served[flow]++
      send(flow)
    }
    for (let i = waiting.length - 1; i >= 0; i--) {
      if (waiting[i]!.attempt.isServed) running.push(...waiting.splice(i, 1))
    }
  }
  const total = served.few + served.many
  assert.ok(total > 2500, `${total} served`)
  assert.ok(served.few > total * 0.4 && served.few < total * 0.6, JSON.stringify(served))
})

test('what a request leaves to be done keeps its seats a while longer', () => {
  const { state, level, timing } = start()
  const write = attempt(state, 'a', { work: { initial: 1, final: 10, linger: 5 } })
  assert.equal(level.seatsInUse, 10)
  const next = attempt(state, 'a')
  write.finish()
  assert.deepEqual([level.executing, level.seatsInUse, next.outcome], [0, 10, 'waiting'])
  timing.pass(5)
  assert.deepEqual([level.seatsInUse, next.isServed], [1, true])
})

test('a lower limit takes nothing away, a higher one serves who waits', () => {
  const { state, level } = start()
  const running = many(10, state, 'a')
  const waiting = many(2, state, 'a')
  level.setLimit(5)
  for (const one of running.slice(0, 5)) one.finish()
  assert.deepEqual([level.executing, waiting[0]!.outcome], [5, 'waiting'])
  level.setLimit(7)
  assert.deepEqual([level.executing, level.waiting], [7, 0])
})

test('queues that are configured away serve who waits in them', () => {
  const { state, level, control } = start({ queues: 64, handSize: 1, queueLengthLimit: 5 })
  const running = many(10, state, 'a')
  const waiting = 'abcdefgh'.split('').map((flow) => attempt(state, flow))
  control.configure({
    levels: [limited('work', 10_000, { queues: 1, handSize: 1, queueLengthLimit: 5 })],
    schemas: [schema('work', 'work', 500, USER)],
  })
  assert.ok(waiting.every(({ outcome }) => outcome === 'waiting'))
  for (const one of running) one.finish()
  assert.ok(waiting.every(({ isServed }) => isServed))
  for (const one of waiting) one.finish()
  assert.deepEqual([level.queues?.queues.length, level.isIdle], [1, true])
})

test('clients are told to stay away longer while many are refused', () => {
  const { level } = start()
  const timing = new FakeTiming()
  const second = (refusals: number): number => {
    timing.pass(1000)
    for (let i = 0; i < refusals; i++) level.retryAfter.refused(1e12 + timing.now())
    return level.retryAfter.seconds
  }
  assert.equal(second(10), 1)
  assert.equal(second(10), 2)
  for (let i = 0; i < 60; i++) second(200)
  assert.equal(level.retryAfter.seconds, 32)
  for (let i = 0; i < 40; i++) {
    timing.pass(60_000)
    level.retryAfter.refused(1e12 + timing.now())
  }
  assert.equal(level.retryAfter.seconds, 1)
})
