import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BodyStream } from '../machinery/exchange.ts'
import { call, open } from './in-process.ts'
import { echo, sleep, until } from './loopback.ts'

test('call gives the answer of a handler', async () => {
  const answer = await call(echo, { method: 'POST', url: '/x?y=1', headers: { accept: 'text/plain' }, body: 'hé' })
  assert.equal(answer.code, 200)
  assert.deepEqual(answer.headers, { 'content-type': 'application/json', 'content-length': '67' })
  assert.deepEqual(JSON.parse(String(answer.body)), { method: 'POST', url: '/x?y=1', protocol: 'HTTP/2.0', body: 'hé' })
})

test('a body over the limit is the same 413', async () => {
  const answer = await call(echo, { method: 'POST', url: '/', body: Buffer.alloc(4_000_000) })
  assert.equal(answer.code, 413)
  assert.equal(String(answer.body), 'Request entity too large: limit is 3145728')
})

test('HEAD has no body; a handler that throws or drops the request rejects; onClose comes once', async () => {
  let closes = 0
  const head = await call(
    (transport) => {
      transport.onClose(() => closes++)
      transport.respond(200, {}, 'body')
      transport.respond(500, {}, 'ignored')
    },
    { method: 'HEAD', url: '/' },
  )
  assert.equal(head.code, 200)
  assert.equal(head.body.length, 0)
  await until(() => closes > 0, 'onClose')
  assert.equal(closes, 1)
  await assert.rejects(
    call((transport) => transport.destroy(), { url: '/' }),
    /dropped/,
  )
  await assert.rejects(
    call(
      () => {
        throw new Error('boom')
      },
      { url: '/' },
    ),
    /boom/,
  )
})

test('a stream arrives piece by piece, with back-pressure, and leaving it tells the handler', async () => {
  let stream: BodyStream | undefined
  let drains = 0
  let closes = 0
  const answer = await open(
    (transport) => {
      stream = transport.stream(200, { 'content-type': 'text/plain' })
      stream.onDrain(() => drains++)
      transport.onClose(() => closes++)
    },
    { url: '/' },
  )
  assert.equal(answer.code, 200)
  assert.equal(stream!.write('abc'), true)
  assert.equal(stream!.write(Buffer.alloc(100_000)), false)
  assert.equal(stream!.pendingBytes, 100_003)
  const got: number[] = []
  for await (const chunk of answer) {
    got.push(chunk.length)
    if (got.length === 2) {
      await sleep(5)
      assert.equal(drains, 1)
      setTimeout(() => stream!.write('later'), 5)
    }
    if (got.length === 3) break
  }
  assert.deepEqual(got, [3, 100_000, 5])
  await until(() => closes === 1, 'onClose')
  assert.equal(stream!.closed, true)
  assert.equal(stream!.write('x'), true)
  assert.equal(stream!.pendingBytes, 0)
})

test('an answer dropped in the middle ends with an error after what was written; abort ends a waiting reader', async () => {
  const dropped = await open(
    (transport) => {
      transport.stream(200, {}).write('abc')
      transport.destroy()
    },
    { url: '/' },
  )
  const got: string[] = []
  await assert.rejects(async () => {
    for await (const chunk of dropped) got.push(String(chunk))
  }, /dropped/)
  assert.deepEqual(got, ['abc'])
  const waiting = await open((transport) => void transport.stream(200, {}), { url: '/' })
  setTimeout(() => waiting.abort(), 5)
  for await (const _ of waiting) assert.fail('nothing was written')
})
