import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startTestServer, type TestServer, type TestServerOptions } from '../src/testing/start-test-server.ts'
import { Kubectl, linesUntil, onPath, skipWithout } from './support/kubectl.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

interface Event {
  kind: string
  apiVersion: string
  level: string
  auditID: string
  stage: string
  requestURI: string
  verb: string
  user: { username?: string; groups?: string[] }
  impersonatedUser?: { username: string; groups: string[] }
  userAgent?: string
  objectRef?: Record<string, string>
  responseStatus?: { code: number; status?: string; reason?: string; message?: string }
  requestObject?: { kind: string; metadata: Record<string, unknown>; spec?: Record<string, unknown>; data?: object }
  responseObject?: { kind: string; metadata: Record<string, unknown>; items?: unknown[] }
  requestReceivedTimestamp: string
  stageTimestamp: string
  annotations?: Record<string, string>
}

const folder = temporaryFolder('audit')
after(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const fileOf = (content: string): string => {
  const file = path.join(folder, `file-${files++}`)
  writeFileSync(file, content)
  return file
}

const policyOf = (...rules: string[]): string =>
  fileOf(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules.map((rule) => `- {${rule}}\n`).join('')}`)

const eventsIn = (file: string): Event[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event)

/** An in-process server that writes to a file of its own. */
async function start(rules: string[], flags: TestServerOptions['flags'] = {}) {
  const file = path.join(folder, `audit-${files++}.log`)
  const log: string[] = []
  const server = await startTestServer({
    flags: { controllers: [], auditPolicyFile: policyOf(...rules), auditLogPath: file, ...flags },
    log: (line) => log.push(line),
  })
  return { server, file, log, events: () => eventsIn(file), [Symbol.asyncDispose]: () => server.close() }
}

async function send(
  server: TestServer,
  method: string,
  url: string,
  body?: unknown,
  more: Record<string, string> = {},
  token?: string | null,
) {
  const answer = await server.request(url, {
    method,
    headers: more,
    ...(body === undefined ? {} : { body }),
    ...(token === undefined ? {} : { token }),
  })
  return { code: answer.status, text: await answer.text(), auditId: answer.headers.get('audit-id') }
}

const NAMESPACE = '/api/v1/namespaces/default'
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } })
const SECRETS = '"resources": [{"resources": ["secrets"]}]'

suite('what kubectl does', { skip: skipWithout('kubectl', onPath('kubectl')), timeout: 60_000 }, () => {
  test('stands in the file', async () => {
    const file = path.join(folder, 'kubectl.log')
    const policy = policyOf(
      'level: None, nonResourceURLs: ["*"]',
      `level: Metadata, ${SECRETS}`,
      'level: RequestResponse, omitManagedFields: true',
    )
    await using server = await ServerProcess.start({ args: [`--audit-policy-file=${policy}`, `--audit-log-path=${file}`] })
    const kubectl = new Kubectl({
      binary: onPath('kubectl') as string,
      kubeconfig: server.kubeconfig,
      namespace: 'default',
      home: folder,
    })
    await kubectl.sh('create configmap a --from-literal=x=1')
    await kubectl.sh('create secret generic s --from-literal=password=geheim')
    await kubectl.sh('get configmap a -o yaml')
    const watching = kubectl.start(['get', 'configmaps', '--watch'])
    await linesUntil(watching, (lines) => lines.some((line) => line.startsWith('a ')))
    watching.kill()
    await once(watching, 'close')
    const denied = await kubectl.output(['get', 'configmaps', '--as=bob', '--as-group=guests'])
    assert.equal(denied.code, 1)
    await server.stop()

    const events = eventsIn(file)
    const of = (verb: string, resource: string, stage: string): Event => {
      const found = events.find((one) => one.verb === verb && one.objectRef?.resource === resource && one.stage === stage)
      assert.ok(found, `${verb} ${resource} ${stage}`)
      return found
    }
    for (const event of events) {
      assert.deepEqual([event.kind, event.apiVersion], ['Event', 'audit.k8s.io/v1'])
      assert.match(event.requestReceivedTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      assert.ok(event.stageTimestamp >= event.requestReceivedTimestamp)
      assert.match(event.user.username ?? '', /^kubernetes-admin$/)
      assert.match(event.userAgent ?? '', /^kubectl/)
    }
    const received = of('create', 'configmaps', 'RequestReceived')
    assert.deepEqual(received.objectRef, { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' })
    assert.deepEqual([received.responseStatus, received.requestObject, received.annotations], [undefined, undefined, undefined])
    const created = of('create', 'configmaps', 'ResponseComplete')
    assert.equal(created.auditID, received.auditID)
    assert.deepEqual(created.objectRef, { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' })
    assert.equal(created.responseStatus?.code, 201)
    assert.deepEqual(created.requestObject?.data, { x: '1' })
    assert.equal(created.responseObject?.kind, 'ConfigMap')
    assert.ok(created.responseObject?.metadata.uid)
    assert.equal(created.responseObject?.metadata.managedFields, undefined)
    assert.equal(created.annotations?.['authorization.k8s.io/decision'], 'allow')

    const secret = of('create', 'secrets', 'ResponseComplete')
    assert.deepEqual([secret.level, secret.requestObject, secret.responseObject], ['Metadata', undefined, undefined])
    assert.equal(secret.objectRef?.name, 's')
    assert.equal(readFileSync(file, 'utf8').includes(Buffer.from('geheim').toString('base64')), false)

    assert.equal(of('get', 'configmaps', 'ResponseComplete').responseObject?.metadata.name, 'a')
    const watches = events
      .filter(({ verb }) => verb === 'watch')
      .map(({ stage, responseStatus, responseObject }) => [stage, responseStatus?.code, responseObject])
    assert.deepEqual(watches, [
      ['RequestReceived', undefined, undefined],
      ['ResponseStarted', 200, undefined],
      ['ResponseComplete', 200, undefined],
    ])
    const refused = events.find(({ impersonatedUser, stage }) => impersonatedUser && stage === 'ResponseComplete')
    assert.deepEqual(refused?.impersonatedUser, { username: 'bob', groups: ['guests', 'system:authenticated'] })
    assert.deepEqual([refused?.responseStatus?.code, refused?.responseStatus?.reason], [403, 'Forbidden'])
    assert.equal(refused?.annotations?.['authorization.k8s.io/decision'], 'forbid')
    assert.equal(refused?.responseObject?.kind, 'Status')
  })
})

suite('events', () => {
  test('of a request share its id, which the answer carries', async () => {
    await using audited = await start(['level: Metadata'])
    const { auditId } = await send(audited.server, 'GET', '/version', undefined, { 'audit-id': 'mine' })
    assert.equal(auditId, 'mine')
    assert.deepEqual(
      audited.events().map(({ auditID, stage }) => [auditID, stage]),
      [
        ['mine', 'RequestReceived'],
        ['mine', 'ResponseComplete'],
      ],
    )
  })

  test('hold what was sent, with defaults, before it was changed, and what was answered', async () => {
    await using audited = await start(['level: RequestResponse, omitStages: [RequestReceived]'])
    const { server, events } = audited
    const pod = { metadata: { generateName: 'p-' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    assert.equal((await send(server, 'POST', `${NAMESPACE}/pods`, pod)).code, 201)
    await send(server, 'POST', `${NAMESPACE}/configmaps`, configMap('a'))
    const stored = JSON.parse((await send(server, 'GET', `${NAMESPACE}/configmaps/a`)).text)
    await send(server, 'PUT', `${NAMESPACE}/configmaps/a`, { ...stored, data: { a: 'c' } })
    await send(server, 'PATCH', `${NAMESPACE}/configmaps/a`, '{"data":\n{"x":"y"}}', {
      'content-type': 'application/merge-patch+json',
    })
    const apply = { 'content-type': 'application/apply-patch+yaml' }
    await send(
      server,
      'PATCH',
      `${NAMESPACE}/configmaps/b?fieldManager=m`,
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n',
      apply,
    )
    await send(server, 'GET', `${NAMESPACE}/configmaps`)
    await send(server, 'GET', `${NAMESPACE}/configmaps`, undefined, { accept: 'application/vnd.kubernetes.protobuf' })
    await send(server, 'DELETE', `${NAMESPACE}/configmaps/a`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 3 })
    await send(server, 'POST', `${NAMESPACE}/configmaps`, configMap('B'))
    const [created, , , put, patched, applied, list, protobuf, removed, invalid] = events()
    assert.ok(created && put && patched && applied && list && protobuf && removed && invalid)
    assert.deepEqual([created.objectRef?.name, created.requestObject?.spec?.restartPolicy], [undefined, 'Always'])
    assert.deepEqual([created.requestObject?.kind, created.requestObject?.spec?.serviceAccountName], ['Pod', undefined])
    assert.match(String(created.responseObject?.metadata.name), /^p-/)
    assert.deepEqual([put.objectRef?.uid, put.objectRef?.resourceVersion], [stored.metadata.uid, stored.metadata.resourceVersion])
    assert.deepEqual(put.requestObject?.data, { a: 'c' })
    assert.deepEqual(patched.requestObject, { data: { x: 'y' } })
    assert.deepEqual([applied.requestObject?.kind, applied.responseStatus?.code], ['ConfigMap', 201])
    assert.deepEqual([list.responseObject?.kind, list.responseObject?.items?.length], ['ConfigMapList', 2])
    assert.deepEqual([protobuf.responseObject?.kind, protobuf.responseObject?.items?.length], ['ConfigMapList', 2])
    assert.deepEqual(removed.requestObject, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 3 })
    assert.deepEqual([removed.responseStatus?.status, removed.responseStatus?.code], ['Success', 200])
    assert.deepEqual([invalid.responseStatus?.code, invalid.responseStatus?.reason], [422, 'Invalid'])
  })

  test('tell of credentials that are refused', async () => {
    await using audited = await start(['level: Metadata'])
    assert.equal((await send(audited.server, 'GET', '/api', undefined, {}, 'wrong')).code, 401)
    const [event, ...more] = audited.events()
    assert.deepEqual(
      [event?.stage, event?.responseStatus?.message, event?.user, more.length],
      ['ResponseStarted', 'Authentication failed, attempted: bearer', {}, 0],
    )
  })

  test('have the annotations of admission', async () => {
    await using audited = await start(['level: Metadata, omitStages: [RequestReceived], verbs: [create, update]'])
    const { server, events } = audited
    const labels = { 'pod-security.kubernetes.io/audit': 'restricted' }
    await send(server, 'POST', '/api/v1/namespaces', { metadata: { name: 'strict', labels } })
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    await send(server, 'POST', '/api/v1/namespaces/strict/pods', { metadata: { name: 'p' }, spec })
    await send(server, 'POST', `${NAMESPACE}/pods`, { metadata: { name: 'p' }, spec })
    const group = '/apis/admissionregistration.k8s.io/v1'
    await send(server, 'POST', `${group}/validatingadmissionpolicies`, {
      metadata: { name: 'pol' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }],
        },
        validations: [{ expression: "object.metadata.name != 'bad'", message: 'bad' }],
        auditAnnotations: [
          { key: 'which', valueExpression: "object.metadata.name == 'good' ? '' : 'it is ' + object.metadata.name" },
        ],
      },
    })
    const binding = { policyName: 'pol', validationActions: ['Audit', 'Warn'] }
    await send(server, 'POST', `${group}/validatingadmissionpolicybindings`, { metadata: { name: 'bind' }, spec: binding })
    await send(server, 'POST', `${NAMESPACE}/configmaps`, configMap('bad'))
    await send(server, 'POST', `${NAMESPACE}/configmaps`, configMap('good'))
    await send(server, 'POST', `${NAMESPACE}/endpoints`, { metadata: { name: 'e' } })
    const annotations = (resource: string, name: string, namespace = 'default'): Record<string, string> => {
      const found = events().find(
        ({ objectRef }) => objectRef?.resource === resource && objectRef.name === name && objectRef.namespace === namespace,
      )
      return found?.annotations ?? {}
    }
    const pod = annotations('pods', 'p', 'strict')
    assert.equal(pod['pod-security.kubernetes.io/enforce-policy'], 'privileged:latest')
    assert.match(pod['pod-security.kubernetes.io/audit-violations'] ?? '', /^would violate PodSecurity "restricted:latest": /)
    assert.equal(annotations('pods', 'p')['pod-security.kubernetes.io/enforce-policy'], 'privileged:latest')
    const bad = annotations('configmaps', 'bad')
    assert.deepEqual(JSON.parse(bad['validation.policy.admission.k8s.io/validation_failure'] ?? ''), [
      { message: 'bad', policy: 'pol', binding: 'bind', expressionIndex: 0, validationActions: ['Audit', 'Warn'] },
    ])
    assert.equal(bad['pol/which'], 'it is bad')
    const good = Object.keys(annotations('configmaps', 'good'))
    assert.deepEqual(good.sort(), ['authorization.k8s.io/decision', 'authorization.k8s.io/reason'])
    assert.equal(annotations('endpoints', 'e')['k8s.io/deprecated'], 'true')
  })

  test('tell of tokens that are issued, and of those that should be new by now', async () => {
    let now = Date.now()
    const file = path.join(folder, 'tokens.log')
    const policy = policyOf('level: Metadata, omitStages: [RequestReceived]')
    await using server = await startTestServer({
      flags: { controllers: [], auditPolicyFile: policy, auditLogPath: file },
      clock: () => now,
    })
    const account = `${NAMESPACE}/serviceaccounts`
    await send(server, 'POST', account, { metadata: { name: 'robot' } })
    const spec = { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] }
    await send(server, 'POST', `${NAMESPACE}/pods`, { metadata: { name: 'p' }, spec })
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' }
    const asked = await send(server, 'POST', `${account}/robot/token`, { spec: { expirationSeconds: 3607, boundObjectRef } })
    const { token } = JSON.parse(asked.text).status
    const last = () => eventsIn(file).at(-1)
    assert.match(last()?.annotations?.['authentication.kubernetes.io/issued-credential-id'] ?? '', /^JTI=[0-9a-f-]{36}$/)
    assert.equal((await send(server, 'GET', '/version', undefined, {}, token)).code, 200)
    assert.equal(last()?.annotations?.['authentication.k8s.io/stale-token'], undefined)
    now += 3_707_000
    assert.equal((await send(server, 'GET', '/version', undefined, {}, token)).code, 200)
    const stale = /^subject: system:serviceaccount:default:robot, seconds after warning threshold: (99|100|101)$/
    assert.match(last()?.annotations?.['authentication.k8s.io/stale-token'] ?? '', stale)
  })

  test('are not written for what the policy leaves out', async () => {
    await using audited = await start(['level: None, users: [admin]', 'level: Metadata'])
    await send(audited.server, 'GET', '/version')
    assert.deepEqual(audited.events(), [])
    await send(audited.server, 'GET', '/version', undefined, {}, null)
    assert.deepEqual(
      audited.events().map(({ user }) => user.username),
      ['system:anonymous', 'system:anonymous'],
    )
    const metrics = (await send(audited.server, 'GET', '/metrics')).text
    assert.match(metrics, /^apiserver_audit_event_total 2$/m)
    assert.match(metrics, /^apiserver_audit_level_total\{level="None"\} 2$/m)
  })
})

suite('where events go', () => {
  test('a file is put aside when it is full', async () => {
    await using audited = await start(['level: RequestResponse'], { auditLogMaxsize: 1, auditLogMaxbackup: 2 })
    const data = { a: 'x'.repeat(300_000) }
    for (let i = 0; i < 6; i++) await send(audited.server, 'POST', `${NAMESPACE}/configmaps`, { ...configMap(`c${i}`), data })
    await wait(100)
    const base = path.basename(audited.file, '.log')
    const aside = readdirSync(folder).filter((name) => name.startsWith(`${base}-`))
    assert.equal(aside.length, 2)
    const names = [...aside.map((name) => path.join(folder, name)), audited.file]
      .flatMap(eventsIn)
      .filter(({ stage }) => stage === 'ResponseComplete')
      .map(({ objectRef }) => objectRef?.name)
    assert.ok(names.includes('c5'))
    for (const name of aside) assert.ok(readFileSync(path.join(folder, name)).length <= 1 << 20)
  })

  test('a text line an event', async () => {
    await using audited = await start(['level: Metadata'], { auditLogFormat: 'legacy' })
    await send(audited.server, 'GET', '/version')
    assert.match(
      readFileSync(audited.file, 'utf8'),
      /^\S+Z AUDIT: id="\S+" stage="RequestReceived" .* response="<deferred>"\n.* response="200"\n$/,
    )
  })

  test('what can not be written is not done in strict mode, and done in the other', async () => {
    for (const [mode, code] of [
      ['blocking-strict', 500],
      ['blocking', 200],
    ] as const) {
      await using audited = await start(['level: Metadata'], { auditLogMode: mode, auditLogPath: '/dev/full' })
      const { code: answered, text } = await send(audited.server, 'GET', '/version')
      assert.equal(answered, code)
      if (code !== 500) continue
      assert.equal(text, 'Internal Server Error: "/version": failed to store audit event\n')
      assert.ok(audited.log.some((line) => line.includes('audit events are lost backend=log')))
    }
  })

  test('a webhook that is away for a while gets everything when it is back', async () => {
    const got: Event[] = []
    let away = 2
    const hook = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (away-- > 0) {
          response.writeHead(503).end()
          return
        }
        got.push(...(JSON.parse(Buffer.concat(chunks).toString()) as { items: Event[] }).items)
        response.writeHead(200).end('{}')
      })
    })
    await using _closing = closing(hook)
    hook.listen(0, '127.0.0.1')
    await once(hook, 'listening')
    const kubeconfig = fileOf(
      JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'k', cluster: { server: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/audit` } }],
        contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
        users: [{ name: 'u', user: {} }],
      }),
    )
    const audited = await start(['level: Metadata, omitStages: [RequestReceived]'], {
      auditLogPath: '',
      auditWebhookConfigFile: kubeconfig,
      auditWebhookBatchMaxWait: 10,
      auditWebhookBatchMaxSize: 2,
      auditWebhookInitialBackoff: 20,
    })
    try {
      for (const url of ['/version', '/api', '/apis', '/metrics', '/readyz']) await send(audited.server, 'GET', url)
      for (let i = 0; i < 500 && got.length < 5; i++) await wait(10)
      assert.deepEqual(got.map(({ requestURI }) => requestURI).sort(), ['/api', '/apis', '/metrics', '/readyz', '/version'])
      await send(audited.server, 'GET', '/livez')
    } finally {
      await audited.server.close()
    }
    assert.equal(got.at(-1)?.requestURI, '/livez', 'the stop waits for what is still held')
    assert.equal(got.length, 6)
  })
})

test('a policy that is wrong stops the start', async () => {
  const flags = { auditLogPath: path.join(folder, 'never.log') }
  const refused = (auditPolicyFile: string, message: RegExp) =>
    assert.rejects(startTestServer({ flags: { ...flags, auditPolicyFile } }), { message })
  await refused(
    '/nowhere',
    /^loading audit policy file: failed to read file path "\/nowhere": open \/nowhere: no such file or directory$/,
  )
  await refused(policyOf('level: Everything'), /^loading audit policy file: rules\[0\]\.level: Unsupported value: "Everything"/)
})

const closing = (server: Server): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    server.closeAllConnections()
    server.close()
  },
})
