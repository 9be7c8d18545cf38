import assert from 'node:assert/strict'
import type { ClientRequest } from 'node:http'
import https from 'node:https'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTestServer, type TestServer, type TestServerOptions } from '../src/testing/start-test-server.ts'

// Requests against a whole server that has few seats: who is held back, who isn't, and what they are told.

const FLOW_CONTROL = '/apis/flowcontrol.apiserver.k8s.io/v1'
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const options = { timeout: 60_000 }

type Flags = TestServerOptions['flags']

async function serverWith(flags: Flags = {}) {
  const server = await startTestServer({ flags: { controllers: [], authorizationMode: ['AlwaysAllow'], ...flags } })
  const as = (user: string, url: string, body?: object, signal?: AbortSignal): Promise<Response> =>
    server.request(url, {
      method: body ? 'POST' : 'GET',
      headers: { 'impersonate-user': user, 'impersonate-group': 'system:authenticated' },
      ...(body ? { body } : {}),
      ...(signal ? { signal } : {}),
    })
  return { server, as, [Symbol.asyncDispose]: () => server.close() }
}

const made = async (server: TestServer, url: string, body: object): Promise<void> => {
  const answer = await server.request(url, { method: 'POST', body })
  assert.equal(answer.status, 201, await answer.text())
}

const configMap = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })

const priorityLevel = (name: string, limitResponse: object, shares = 10): object => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'PriorityLevelConfiguration',
  metadata: { name },
  spec: { type: 'Limited', limited: { nominalConcurrencyShares: shares, borrowingLimitPercent: 0, limitResponse } },
})

const flowSchema = (name: string, user: string): object => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  metadata: { name },
  spec: {
    priorityLevelConfiguration: { name },
    matchingPrecedence: 50,
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: user } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
      },
    ],
  },
})

const uidOf = async (server: TestServer, url: string): Promise<string> => {
  const { metadata } = (await (await server.request(url)).json()) as { metadata: { uid: string } }
  return metadata.uid
}

/** Waits until a user's requests go to a flow schema. */
async function inForce(server: TestServer, name: string, as: (url: string) => Promise<Response>): Promise<void> {
  const uid = await uidOf(server, `${FLOW_CONTROL}/flowschemas/${name}`)
  for (let i = 0; i < 100; i++) {
    const answer = await as('/api/v1/namespaces/default')
    await answer.text()
    if (answer.headers.get('x-kubernetes-pf-flowschema-uid') === uid) return
    await sleep(10)
  }
  assert.fail(`${name} never came into force`)
}

suite('flow control', options, () => {
  test('answers tell which flow schema and priority level they belong to', async () => {
    await using world = await serverWith()
    const { server, as } = world
    await inForce(server, 'global-default', (url) => as('jane', url))
    const answer = await as('jane', '/api/v1/namespaces/none')
    assert.equal(answer.status, 404)
    assert.equal(
      answer.headers.get('x-kubernetes-pf-prioritylevel-uid'),
      await uidOf(server, `${FLOW_CONTROL}/prioritylevelconfigurations/global-default`),
    )
    const probe = await as('jane', '/readyz')
    assert.equal(probe.headers.get('x-kubernetes-pf-flowschema-uid'), await uidOf(server, `${FLOW_CONTROL}/flowschemas/probes`))
    // Who isn't let in belongs nowhere.
    const stranger = await server.request('/api/v1/pods', { token: 'wrong' })
    assert.deepEqual([stranger.status, stranger.headers.get('x-kubernetes-pf-flowschema-uid')], [401, null])
  })

  test('one user overloads a priority level, another one still gets answers', async () => {
    await using world = await serverWith({ maxRequestsInflight: 20, maxMutatingRequestsInflight: 10 })
    const { server, as } = world
    await inForce(server, 'global-default', (url) => as('greedy', url))
    const codes = new Map<number, number>()
    let left = 2000
    let refused: Response | undefined
    const greedy = Array.from({ length: left }, async (_, i) => {
      const answer = await as('greedy', CONFIG_MAPS, configMap(`g${i}`))
      codes.set(answer.status, (codes.get(answer.status) ?? 0) + 1)
      if (answer.status === 429) refused ??= answer
      else await answer.text()
      left--
    })
    for (let i = 0; i < 5; i++) {
      const answer = await as('modest', '/api/v1/namespaces/default')
      assert.equal(answer.status, 200)
      await answer.text()
      if (i === 0) assert.ok(left > 0, 'answered while the greedy one still waits')
    }
    const root = await server.request('/api/v1/namespaces/default')
    assert.equal(root.status, 200)
    await Promise.all(greedy)
    // Six queues of 50, and more; nothing but these two answers.
    assert.deepEqual([...codes.keys()].sort(), [201, 429])
    assert.ok(codes.get(201)! >= 300, JSON.stringify([...codes]))
    assert.equal(refused?.headers.get('retry-after'), '1')
    assert.equal(refused?.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.ok(refused?.headers.get('x-kubernetes-pf-prioritylevel-uid'))
    assert.equal(await refused?.text(), 'Too many requests, please try again later.\n')
    const metrics = await (await server.request('/metrics')).text()
    const labels = 'priority_level="global-default",flow_schema="global-default"'
    assert.match(metrics, new RegExp(`apiserver_flowcontrol_rejected_requests_total{${labels},reason="queue-full"} \\d+`))
    assert.match(metrics, new RegExp(`apiserver_flowcontrol_current_executing_seats{${labels}} 0\n`))
    assert.match(metrics, new RegExp(`apiserver_flowcontrol_current_inqueue_requests{${labels}} 0\n`))
  })

  test('with default limits 400 requests of one user at once are all served', async () => {
    await using world = await serverWith()
    const { server, as } = world
    await inForce(server, 'global-default', (url) => as('jane', url))
    const answers = await Promise.all(Array.from({ length: 400 }, (_, i) => as('jane', CONFIG_MAPS, configMap(`c${i}`))))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201])
    await Promise.all(answers.map((answer) => answer.text()))
  })

  test('a level that rejects', async () => {
    await using world = await serverWith({ maxRequestsInflight: 10, maxMutatingRequestsInflight: 10 })
    const { server, as } = world
    await made(server, `${FLOW_CONTROL}/prioritylevelconfigurations`, priorityLevel('strict', { type: 'Reject' }, 1))
    await made(server, `${FLOW_CONTROL}/flowschemas`, flowSchema('strict', 'jane'))
    await inForce(server, 'strict', (url) => as('jane', url))
    const sent = Array.from({ length: 20 }, async (_, i) => (await as('jane', CONFIG_MAPS, configMap(`s${i}`))).status)
    assert.deepEqual([...new Set(await Promise.all(sent))].sort(), [201, 429])
  })

  test('clients that hang up while they wait, and one that holds a seat', async () => {
    await using world = await serverWith({ maxRequestsInflight: 10, maxMutatingRequestsInflight: 10 })
    const { server, as } = world
    const queuing = { queues: 1, handSize: 1, queueLengthLimit: 10 }
    await made(server, `${FLOW_CONTROL}/prioritylevelconfigurations`, priorityLevel('patient', { type: 'Queue', queuing }, 1))
    await made(server, `${FLOW_CONTROL}/flowschemas`, flowSchema('patient', 'john'))
    await inForce(server, 'patient', (url) => as('john', url))
    const waitingAre = async (count: number): Promise<void> => {
      const row = new RegExp(`^patient, +\\d, +\\w+, +false, +${count}, `, 'm')
      for (let i = 0; i < 200; i++) {
        const dump = await (await server.request('/debug/api_priority_and_fairness/dump_priority_levels')).text()
        if (row.test(dump)) return
        await sleep(10)
      }
      assert.fail(`never ${count} that wait`)
    }
    const connect = (method: string, length = 0): ClientRequest => {
      const headers = { authorization: `Bearer ${server.admin.token}`, 'impersonate-user': 'john' }
      const sized = length ? { ...headers, 'content-length': length, 'content-type': 'application/json' } : headers
      const path = method === 'GET' ? '/api/v1/namespaces/default' : CONFIG_MAPS
      const request = https.request(`${server.url}${path}`, { method, ca: server.ca, agent: false, headers: sized })
      request.on('error', () => {})
      return request
    }
    // The seat is kept while the body is awaited.
    const holder = connect('POST', 100)
    holder.write('{')
    for (let i = 0; i < 100; i++) {
      const dump = await (await server.request('/debug/api_priority_and_fairness/dump_requests')).text()
      if (dump.includes('john')) break
      await sleep(10)
    }
    const clients = Array.from({ length: 4 }, () => connect('GET'))
    const answered = clients.map(
      (client) =>
        new Promise<number>((resolve) => client.on('response', (answer) => resolve(answer.resume().statusCode ?? 0)).end()),
    )
    await waitingAre(4)
    clients[0]!.destroy()
    clients[2]!.destroy()
    await waitingAre(2)
    holder.destroy()
    assert.deepEqual(await Promise.all([answered[1], answered[3]]), [200, 200])
    await waitingAre(0)
    const after = await as('john', '/api/v1/namespaces/default')
    assert.equal(after.status, 200)
  })

  test('a request that never comes to an end gives its seat back when its time is up', async () => {
    await using world = await serverWith({ maxRequestsInflight: 10, maxMutatingRequestsInflight: 10, requestTimeout: 300 })
    const { server, as } = world
    await made(server, `${FLOW_CONTROL}/prioritylevelconfigurations`, priorityLevel('strict', { type: 'Reject' }, 1))
    await made(server, `${FLOW_CONTROL}/flowschemas`, flowSchema('strict', 'jane'))
    await inForce(server, 'strict', (url) => as('jane', url))
    const headers = {
      authorization: `Bearer ${server.admin.token}`,
      'impersonate-user': 'jane',
      'content-type': 'application/json',
      'content-length': 100,
    }
    const holder = https.request(`${server.url}${CONFIG_MAPS}`, { method: 'POST', ca: server.ca, agent: false, headers })
    holder.on('error', () => {})
    holder.write('{')
    const statuses = new Set<number>()
    for (let i = 0; i < 200 && !(statuses.has(429) && statuses.has(200)); i++) {
      const { status } = await as('jane', '/api/v1/namespaces/default')
      // First it is refused, then let in again.
      if (status === 429 || statuses.has(429)) statuses.add(status)
      await sleep(10)
    }
    assert.deepEqual([...statuses], [429, 200])
    holder.destroy()
  })

  test('a watch needs its seat only until it has begun', async () => {
    await using world = await serverWith({ maxRequestsInflight: 10, maxMutatingRequestsInflight: 10 })
    const { server, as } = world
    await made(server, `${FLOW_CONTROL}/prioritylevelconfigurations`, priorityLevel('strict', { type: 'Reject' }, 1))
    await made(server, `${FLOW_CONTROL}/flowschemas`, flowSchema('strict', 'jane'))
    await inForce(server, 'strict', (url) => as('jane', url))
    const end = new AbortController()
    for (let i = 0; i < 30; i++) {
      const watch = await as('jane', `${CONFIG_MAPS}?watch=1`, undefined, end.signal)
      assert.equal(watch.status, 200)
      await sleep(1)
    }
    end.abort()
  })

  test('without flow control there are plain limits, and none for system:masters', async () => {
    await using world = await serverWith({
      enablePriorityAndFairness: false,
      maxRequestsInflight: 10,
      maxMutatingRequestsInflight: 5,
    })
    const { server, as } = world
    const statuses = (answers: readonly Response[]): number[] => [...new Set(answers.map(({ status }) => status))].sort()
    const writes = await Promise.all(Array.from({ length: 50 }, (_, i) => as('jane', CONFIG_MAPS, configMap(`c${i}`))))
    assert.deepEqual(statuses(writes), [201, 429])
    const refused = writes.find(({ status }) => status === 429)
    assert.deepEqual(
      [refused?.headers.get('retry-after'), refused?.headers.get('x-kubernetes-pf-flowschema-uid'), await refused?.text()],
      ['1', null, 'Too many requests, please try again later.\n'],
    )
    const root = await Promise.all(
      Array.from({ length: 50 }, (_, i) => server.request(CONFIG_MAPS, { method: 'POST', body: configMap(`r${i}`) })),
    )
    assert.deepEqual(statuses(root), [201])
    const after = await as('jane', CONFIG_MAPS, configMap('after'))
    assert.equal(after.status, 201)
  })
})
