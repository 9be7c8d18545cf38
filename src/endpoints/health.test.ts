import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange, type Transport } from '../machinery/exchange.ts'
import { Health } from './health.ts'

function health() {
  const failures: string[] = []
  const made = new Health({ failed: (_endpoint, failed) => failures.push(...failed.map((f) => f.name)) })
  const get = async (url: string) => {
    let sent = { code: 0, text: '' }
    const respond: Transport['respond'] = (code, _headers, body) => {
      sent = { code, text: body.toString() }
    }
    const handled = await made.handle(new Exchange({ method: 'GET', url, headers: {}, respond } as unknown as Transport, 0))
    return { handled, ...sent }
  }
  return { made, failures, get }
}

test('all is well', async () => {
  const { made, get } = health()
  made.add('shutdown', () => {}, ['readyz'])
  assert.equal((await get('/healthz')).text, 'ok')
  assert.equal((await get('/livez?verbose')).text, '[+]ping ok\n[+]log ok\nlivez check passed\n')
  assert.equal((await get('/readyz/shutdown')).text, 'ok')
  assert.equal((await get('/livez/shutdown')).handled, false)
  assert.ok(made.paths().includes('/readyz/shutdown') && !made.paths().includes('/livez/shutdown'))
})

test('a failing check is named, its reason kept back', async () => {
  const { made, failures, get } = health()
  made.add('etcd', async () => {
    throw new Error('secret')
  })
  const all = await get('/readyz')
  assert.deepEqual([all.code, all.text], [500, '[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\nreadyz check failed\n'])
  assert.deepEqual(failures, ['etcd'])
  assert.deepEqual(await get('/readyz/etcd'), { handled: true, code: 500, text: 'internal server error: secret\n' })
  assert.equal((await get('/readyz?exclude=etcd')).code, 200)
})

test('what is excluded is said, and what could not be', async () => {
  const { get } = health()
  const { text } = await get('/healthz?verbose&exclude=log&exclude=b&exclude=a')
  assert.equal(
    text,
    '[+]ping ok\n[+]log excluded: ok\nwarn: some health checks cannot be excluded: no matches for "a", "b"\nhealthz check passed\n',
  )
})
