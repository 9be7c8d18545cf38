import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Auditor } from '../audit/auditor.ts'
import type { AuditEvent } from '../audit/event.ts'
import { AuditPolicy } from '../audit/policy.ts'
import { parsePolicy } from '../audit/policy-file.ts'
import { Exchange, type Transport } from '../machinery/exchange.ts'
import { requestInfo } from '../machinery/request-info.ts'
import { notFound, type StatusError } from '../machinery/status.ts'
import { ANONYMOUS } from '../machinery/user.ts'
import { audit } from './audit.ts'
import { errors } from './errors.ts'
import type { Handler } from './stage.ts'

interface Written {
  stage: string
  responseStatus?: { code: number; message?: string; reason?: string }
  annotations?: Record<string, string>
}

/** One request through audit and a handler. @param keep what becomes of each event */
function request(url: string, handler: Handler, keep: () => boolean | Promise<boolean> = () => true) {
  const order: string[] = []
  const events: Written[] = []
  const auditor = new Auditor({
    policy: new AuditPolicy(
      parsePolicy(Buffer.from('{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}'), assert.fail),
    ),
    backend: {
      process: (taken: readonly AuditEvent[]) => {
        events.push(...taken.map(({ json }) => JSON.parse(json) as Written))
        order.push(...taken.map(({ stage }) => stage))
        return keep()
      },
      close: async () => {},
    },
    metrics: { event: () => {}, lost: () => {}, level: () => {}, rejected: () => order.push('rejected') },
    toJson: () => undefined,
    onError: assert.fail,
  })
  const answer = (to: Exchange, error: StatusError): void => {
    to.audit?.concluded(error.status)
    to.respond(error.code, 'application/json', JSON.stringify(error.status))
  }
  const chain = audit(auditor)(errors({ answer, log: () => {}, unexpected: (to, error) => to.audit?.panicked(error) })(handler))
  const transport = {
    method: 'GET',
    url,
    headers: {},
    rawHeaders: [],
    remoteAddress: '127.0.0.1',
    respond: (code: number) => order.push(`answered ${code}`),
    stream: (code: number) => {
      order.push(`answered ${code}`)
      return { write: () => true, end: () => order.push('ended') }
    },
    destroy: () => order.push('dropped'),
  } as unknown as Transport
  const exchange = new Exchange(transport, 0)
  exchange.info = requestInfo('GET', exchange.path, () => exchange.query)
  exchange.user = ANONYMOUS
  return { order, events, done: Promise.resolve(chain(exchange)) }
}

suite('audit', () => {
  test('is written before the answer goes out', async () => {
    const { order, done } = request('/version', (exchange) => exchange.respond(200, 'text/plain', 'x'))
    await done
    assert.deepEqual(order, ['RequestReceived', 'ResponseComplete', 'answered 200'])
  })

  test('holds up the answer for as long as it takes', async () => {
    const { order, done } = request(
      '/version',
      (exchange) => {
        order.push('handled')
        exchange.respond(200, 'text/plain', 'x')
      },
      async () => {
        await wait(5)
        order.push('kept')
        return true
      },
    )
    await done
    await wait(20)
    assert.deepEqual(order, ['RequestReceived', 'kept', 'handled', 'ResponseComplete', 'kept', 'answered 200'])
  })

  test('refuses what can not be kept', async () => {
    const { order, done } = request(
      '/version',
      () => assert.fail(),
      () => false,
    )
    await done
    assert.deepEqual(order, ['RequestReceived', 'rejected', 'answered 500'])
  })

  test('knows errors by their Status', async () => {
    const { events, done } = request('/api/v1/namespaces/a/pods/b', () => {
      throw notFound({ group: '', resource: 'pods' }, 'b')
    })
    await done
    const { responseStatus } = events.at(-1) as Written
    assert.deepEqual([responseStatus?.code, responseStatus?.reason], [404, 'NotFound'])
  })

  test('tells of what nobody expected by a stage of its own', async () => {
    const { order, events, done } = request('/version', async () => {
      throw new TypeError('x is undefined')
    })
    await done
    assert.deepEqual(order, ['RequestReceived', 'Panic', 'answered 500'])
    assert.equal(events.at(-1)?.responseStatus?.message, "APIServer panic'd: x is undefined")
  })

  test('tells of long answers twice', async () => {
    const { order, done } = request('/api/v1/pods?watch=1', async (exchange) => {
      const stream = exchange.stream(200, 'application/json')
      await wait(1)
      stream.end()
    })
    await done
    assert.deepEqual(order, ['RequestReceived', 'answered 200', 'ResponseStarted', 'ended', 'ResponseComplete'])
  })

  test('tells of clients that left, and of slow requests', async () => {
    const { events, done } = request('/version', async () => {
      await wait(510)
      throw Object.assign(new Error('gone'), { name: 'ClientGoneError' })
    })
    await done
    const { stage, responseStatus, annotations } = events.at(-1) as Written
    assert.deepEqual([stage, responseStatus?.message], ['ResponseComplete', 'Connection closed early'])
    assert.match(annotations?.['apiserver.latency.k8s.io/total'] ?? '', /^5\d\d\.\d+ms$/)
  })
})
