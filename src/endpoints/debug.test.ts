import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Exchange, type Transport } from '../machinery/exchange.ts'
import { Profiles } from '../observability/profiles.ts'
import { DebugEndpoints } from './debug.ts'

function debug(profiling = true) {
  const levels: number[] = []
  const made = new DebugEndpoints({ profiling, profiles: new Profiles(), setVerbosity: (level) => levels.push(level) })
  const get = async (url: string, method = 'GET', body = '') => {
    let sent = { code: 0, type: '', body: Buffer.alloc(0), location: '' }
    const respond: Transport['respond'] = (code, headers, answer) => {
      const { 'content-type': type, location = '' } = headers
      sent = { code, type: String(type), body: Buffer.from(answer as Buffer), location: String(location) }
    }
    const transport = { method, url, headers: {}, respond, onClose: () => {}, readBody: async () => Buffer.from(body) }
    const handled = await made.handle(new Exchange(transport as unknown as Transport, 0))
    return { handled, ...sent, text: sent.body.toString() }
  }
  return { get, levels }
}

test('profiles come in the form of pprof', async () => {
  const { get } = debug()
  assert.match((await get('/debug/pprof/')).text, /<a href="\/debug\/pprof\/profile">/)
  assert.deepEqual((({ code, location }) => [code, location])(await get('/debug/pprof')), [302, '/debug/pprof/'])
  const busy = setInterval(() => {
    for (let i = 0; i < 1e6; i++) Math.sqrt(i)
  }, 1)
  const [cpu, second] = await Promise.all([get('/debug/pprof/profile?seconds=0.2'), get('/debug/pprof/profile?seconds=0.1')])
  clearInterval(busy)
  assert.deepEqual([cpu.code, cpu.type], [200, 'application/octet-stream'])
  assert.match(gunzipSync(cpu.body).toString('latin1'), /samples.*nanoseconds.*debug\.test\.ts/s)
  assert.deepEqual([second.code, second.text], [500, 'Could not enable profiling: a profile is being taken already\n'])
  const heap = await get('/debug/pprof/heap?seconds=0.01')
  assert.match(gunzipSync(heap.body).toString('latin1'), /inuse_space/)
  assert.equal((await get('/debug/pprof/goroutine')).code, 200)
  assert.deepEqual((({ code, text }) => [code, text])(await get('/debug/pprof/trace')), [404, 'Unknown profile\n'])
})

test('the verbosity of the log can be set', async () => {
  const { get, levels } = debug()
  assert.equal((await get('/debug/flags/v', 'PUT', '4')).text, 'successfully set klog.logging.verbosity to 4')
  assert.deepEqual(levels, [4])
  const wrong = await get('/debug/flags/v', 'PUT', 'x')
  assert.deepEqual(
    [wrong.code, wrong.text],
    [400, 'failed set klog.logging.verbosity x: strconv.ParseInt: parsing "x": invalid syntax'],
  )
  assert.equal((await get('/debug/flags/v')).code, 406)
})

test('without profiling there is only flow control', async () => {
  const { get } = debug(false)
  for (const url of ['/debug/pprof/', '/debug/flags/v', '/debug/other']) assert.equal((await get(url)).handled, false)
  const dump = await get('/debug/api_priority_and_fairness/dump_requests')
  assert.match(dump.text, /^PriorityLevelName, FlowSchemaName, QueueIndex, /)
  assert.equal((await get('/debug/api_priority_and_fairness/dump_others')).handled, false)
})
