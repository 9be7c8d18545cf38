import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Exchange, type Transport } from '../machinery/exchange.ts'
import { StatusError } from '../machinery/status.ts'
import { ZPages, type ZPagesDeps } from './zpages.ts'

function pages(changes: Partial<ZPagesDeps> = {}) {
  let now = Date.UTC(2026, 9, 6, 21, 3, 43)
  const made = new ZPages({
    clock: () => now,
    version: { goVersion: 'go1', binaryVersion: '1.36.2', emulationVersion: '1.36', minimumCompatibilityVersion: '1.35' },
    paths: () => ['/healthz', '/healthz/ping', '/api'],
    flags: { v: '2', profiling: 'true' },
    statusz: true,
    ...changes,
  })
  now += 3_723_000
  return {
    made,
    get(url: string, accept?: string): { type: string; text: string } | undefined {
      let sent: { type: string; text: string } | undefined
      const respond: Transport['respond'] = (_code, headers, body) => {
        sent = { type: String(headers['content-type']), text: body.toString() }
      }
      const headers = accept === undefined ? {} : { accept }
      const handled = made.handle(new Exchange({ method: 'GET', url, headers, respond } as unknown as Transport, 0))
      assert.equal(handled, sent !== undefined)
      return sent
    },
  }
}

suite('statusz and flagz', () => {
  test('are text for people', () => {
    const { get } = pages()
    for (const accept of [undefined, '*/*', 'text/plain', 'application/json;q=0.5, text/plain']) {
      const status = get('/statusz', accept)
      assert.equal(status?.type, 'text/plain; charset=utf-8')
      assert.match(status.text, /^\nkube-apiserver statusz\nWarning: This endpoint is not meant to be machine parseable/)
      assert.match(status.text, /\nStarted: Tue Oct {2}6 21:03:43 UTC 2026\nUp: 1 hr 02 min 03 sec\n/)
      assert.match(status.text, /\nPaths: \/api \/healthz\n$/)
    }
    assert.match(get('/flagz')?.text ?? '', /^\nkube-apiserver flags\nWarning: .*\n\nprofiling=true\nv=2\n$/)
  })

  test('are objects for whoever names them', () => {
    const { get } = pages()
    const status = get('/statusz', 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz')
    assert.equal(status?.type, 'application/json')
    assert.deepEqual(JSON.parse(status.text), {
      kind: 'Statusz',
      apiVersion: 'config.k8s.io/v1beta1',
      metadata: { name: 'kube-apiserver' },
      startTime: '2026-10-06T21:03:43Z',
      uptimeSeconds: 3723,
      goVersion: 'go1',
      binaryVersion: '1.36.2',
      emulationVersion: '1.36',
      minimumCompatibilityVersion: '1.35',
      paths: ['/api', '/healthz'],
    })
    const flags = get('/flagz', 'application/yaml;v=v1alpha1;g=config.k8s.io;as=Flagz')
    assert.match(
      flags?.text ?? '',
      /^apiVersion: config.k8s.io\/v1alpha1\nflags:\n {2}profiling: "true"\n {2}v: "2"\nkind: Flagz\n/,
    )
  })

  test('are nothing else', () => {
    const { get } = pages()
    for (const accept of [
      'application/json',
      'application/json;v=v2;g=config.k8s.io;as=Statusz',
      'application/json;v=v1beta1;g=config.k8s.io;as=Flagz',
      'application/vnd.kubernetes.protobuf',
    ]) {
      assert.throws(
        () => get('/statusz', accept),
        (error) => error instanceof StatusError && error.code === 406,
      )
    }
    assert.equal(get('/statusz/'), undefined)
  })

  test('are there as far as their gates are on', () => {
    const { made, get } = pages({ flags: undefined })
    assert.deepEqual(made.listed(), ['/statusz'])
    assert.equal(get('/flagz'), undefined)
    assert.deepEqual(pages({ statusz: false }).made.listed(), ['/flagz'])
  })
})
