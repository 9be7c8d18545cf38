import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startTestServer } from '../src/testing/start-test-server.ts'
import { WebhookServer } from './support/webhook-server.ts'
import { CONFIG_MAPS, CONFIGURATIONS, patch, startWithWebhooks } from './support/with-webhooks.ts'

suite('webhooks', () => {
  test('change objects in turn, then judge what came of it', async () => {
    await using it = await startWithWebhooks()
    const { hooks } = it
    const add = (key: string) => () => patch({ op: 'add', path: `/data/${key}`, value: key })
    const first = hooks.serve('/first', () => patch({ op: 'add', path: '/data', value: { first: 'first' } }))
    await it.configure('mutating', 'a', { clientConfig: first })
    await it.configure('mutating', 'b', { clientConfig: hooks.serve('/second', add('second')) })
    const judge = hooks.serve('/judge', ({ review }) => ({
      allowed: 'second' in ((review.request.object as { data?: object }).data ?? {}),
      status: { code: 422, reason: 'Invalid', message: 'no second' },
      warnings: ['judged'],
    }))
    await it.configure('validating', 'v', { clientConfig: judge })
    const { status, body, warning } = await it.create('x')
    assert.equal(status, 201, String(body.message))
    assert.deepEqual(body.data, { first: 'first', second: 'second' })
    assert.equal(warning, '299 - "judged"')
    assert.deepEqual(
      hooks.asked.map(({ url }) => url),
      ['/first?timeout=10s', '/second?timeout=10s', '/judge?timeout=10s'],
    )
    const [asked] = hooks.asked
    const { uid, object, userInfo, ...request } = asked!.review.request
    assert.match(uid, /^[0-9a-f-]{36}$/)
    assert.equal((object as { kind?: string }).kind, 'ConfigMap')
    assert.equal((userInfo as { username: string }).username, 'admin')
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' }
    const resource = { group: '', version: 'v1', resource: 'configmaps' }
    assert.deepEqual(request, {
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: 'x',
      namespace: 'default',
      operation: 'CREATE',
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    })
    assert.equal(asked!.headers['user-agent'], 'kube-apiserver-admission')
  })

  test('refuse with what they say', async () => {
    await using it = await startWithWebhooks()
    let status: object | undefined
    const clientConfig = it.hooks.serve('/no', () => ({ allowed: false, ...(status ? { status } : {}) }))
    await it.configure('validating', 'v', { clientConfig })
    const refused = async () => {
      const { status: code, body } = await it.create('x')
      return [code, body.reason, body.message]
    }
    const by = 'admission webhook "v-0.example.com" denied the request'
    assert.deepEqual(await refused(), [400, undefined, `${by} without explanation`])
    status = { message: 'no' }
    assert.deepEqual(await refused(), [400, undefined, `${by}: no`])
    status = { code: 200, reason: 'Forbidden' }
    assert.deepEqual(await refused(), [400, 'Forbidden', `${by}: Forbidden`])
    status = { code: 403, reason: 'Forbidden', message: 'no' }
    assert.deepEqual(await refused(), [403, 'Forbidden', `${by}: no`])
    await it.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/v`)
    assert.equal((await it.create('x')).status, 201)
  })

  test('that fail let requests pass or not, as they are configured', async () => {
    await using it = await startWithWebhooks()
    const { hooks } = it
    const failing: [string, object | string, string][] = [
      ['text', 'hello', "failed to call webhook: couldn't get version/kind; json parse error: invalid character 'h'"],
      ['uid', { uid: 'other', allowed: true }, 'received invalid webhook response: expected response.uid='],
      ['patched', patch({ op: 'add', path: '/a', value: 1 }), 'received invalid webhook response: validating webhook may not'],
      [
        'empty',
        '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
        'received invalid webhook response: webhook resp',
      ],
      [
        'old',
        '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"allowed":true}}',
        'received invalid',
      ],
    ]
    for (const [name, answer, message] of failing) {
      const clientConfig = hooks.serve(`/${name}`, () => answer)
      await it.configure('validating', name, { clientConfig })
      const { status, body } = await it.create('x')
      assert.equal(status, 500)
      const start = `Internal error occurred: failed calling webhook "${name}-0.example.com": ${message}`
      assert.equal(body.message?.slice(0, start.length), start)
      await it.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/${name}`)
      await it.configure('validating', name, { clientConfig, failurePolicy: 'Ignore' })
      assert.equal((await it.create('x', undefined, '?dryRun=All')).status, 201)
      await it.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/${name}`)
    }
  })

  test('are reached only with the right certificate, and a way to them', async () => {
    await using it = await startWithWebhooks()
    const { url, caBundle } = it.hooks.serve('/ok', () => ({ allowed: true }))
    await using other = await WebhookServer.start()
    const failure = async (clientConfig: object): Promise<string> => {
      await it.configure('mutating', 'm', { clientConfig })
      const { body } = await it.create('x', undefined, '?dryRun=All')
      await it.send('DELETE', `${CONFIGURATIONS}/mutatingwebhookconfigurations/m`)
      return (body.message ?? '').replace(/^.*: failed to call webhook: Post "[^"]*": /, '')
    }
    assert.equal(await failure({ url, caBundle }), '')
    const unknown = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
    assert.equal(await failure({ url, caBundle: other.caBundle }), unknown)
    assert.equal(await failure({ url }), unknown)
    assert.equal(await failure({ url: 'https://127.0.0.1:1/x' }), 'dial tcp 127.0.0.1:1: connect: connection refused')
    const service = { namespace: 'default', name: 'none' }
    assert.equal(await failure({ service }), 'service "none" not found')
    const code = `an error on the server ("no such webhook") has prevented the request from succeeding`
    assert.match(
      await failure({ url: url.replace('/ok', '/none'), caBundle }),
      new RegExp(`failed to call webhook: ${code.replace(/[()]/g, '\\$&')}$`),
    )
  })

  test('that take too long', async () => {
    await using it = await startWithWebhooks()
    const clientConfig = it.hooks.serve('/slow', () => undefined)
    await it.configure('validating', 'v', { clientConfig, timeoutSeconds: 1 })
    const started = Date.now()
    const { status, body } = await it.create('x')
    assert.equal(status, 500)
    assert.match(body.message ?? '', /\/slow\?timeout=1s": context deadline exceeded$/)
    const took = Date.now() - started
    assert(took >= 950 && took < 5000, `${took} ms`)
  })

  test('hold a request up no longer than it may take, and then nothing is stored', async () => {
    await using it = await startWithWebhooks()
    const clientConfig = it.hooks.serve('/slow', () => undefined)
    await it.configure('mutating', 'm', { clientConfig, timeoutSeconds: 3, failurePolicy: 'Ignore' })
    const { status, body } = await it.create('x', undefined, '?timeout=1s')
    assert.equal(status, 504)
    assert.match(body.message ?? '', /^Timeout: /)
    await it.send('DELETE', `${CONFIGURATIONS}/mutatingwebhookconfigurations/m`)
    await setTimeout(3000)
    assert.equal((await it.send('GET', `${CONFIG_MAPS}/x`)).status, 404)
  })

  test('with side effects take no part in dry runs', async () => {
    await using it = await startWithWebhooks()
    const clientConfig = it.hooks.serve('/ok', () => ({ allowed: true }))
    await it.configure('validating', 'v', { clientConfig, sideEffects: 'NoneOnDryRun' })
    assert.equal((await it.create('x', undefined, '?dryRun=All')).status, 201)
    assert.equal(it.hooks.asked[0]?.review.request.dryRun, true)
  })

  test('that are broken keep nobody from starting the server, nor from removing them', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'webhooks-'))
    const configurations = `${CONFIGURATIONS}/validatingwebhookconfigurations`
    const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:basic-user'
    const started = () => startTestServer({ storage: 'embedded', dataDir, flags: { controllers: [] } })
    try {
      {
        await using server = await started()
        assert.equal((await server.request(role, { method: 'DELETE' })).status, 200)
        const rules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }]
        const common = { sideEffects: 'None', admissionReviewVersions: ['v1'] }
        const webhooks = [{ name: 'a.example.com', clientConfig: { url: 'https://127.0.0.1:1/' }, rules, ...common }]
        const body = { metadata: { name: 'all' }, webhooks }
        assert.equal((await server.request(configurations, { method: 'POST', body })).status, 201)
      }
      await using server = await started()
      assert.equal((await server.request(role)).status, 200)
      assert.equal((await server.request(role, { method: 'DELETE' })).status, 500)
      assert.equal((await server.request(`${configurations}/all`, { method: 'DELETE' })).status, 200)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  test('are told of in audit events, with what they add to them', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'webhooks-'))
    const [auditPolicyFile, auditLogPath] = [path.join(folder, 'policy.json'), path.join(folder, 'log')]
    const rules = [{ level: 'Request', resources: [{ group: '', resources: ['configmaps'] }], omitStages: ['RequestReceived'] }]
    await writeFile(auditPolicyFile, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }))
    try {
      const operations = [{ op: 'add', path: '/data', value: { a: 'b' } }]
      {
        await using it = await startWithWebhooks({ auditPolicyFile, auditLogPath })
        const clientConfig = it.hooks.serve('/m', () => ({ ...patch(...operations), auditAnnotations: { key: 'value' } }))
        await it.configure('mutating', 'm', { clientConfig })
        await it.configure('validating', 'v', { clientConfig: { url: 'https://127.0.0.1:1/' }, failurePolicy: 'Ignore' })
        assert.equal((await it.create('x')).status, 201)
      }
      const [line = ''] = (await readFile(auditLogPath, 'utf8')).split('\n')
      const { annotations } = JSON.parse(line) as { annotations: Record<string, string> }
      const names = { configuration: 'm', webhook: 'm-0.example.com' }
      const told = { ...names, patch: operations, patchType: 'JSONPatch' }
      assert.equal(annotations['m-0.example.com/key'], 'value')
      assert.equal(annotations['failed-open.validating.webhook.admission.k8s.io/round_0_index_0'], 'v-0.example.com')
      const at = (what: string) => JSON.parse(annotations[`${what}.webhook.admission.k8s.io/round_0_index_0`] ?? '{}') as object
      assert.deepEqual(at('mutation'), { ...names, mutated: true })
      assert.deepEqual(at('patch'), told)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('are counted', async () => {
    await using it = await startWithWebhooks()
    await it.configure('mutating', 'm', { clientConfig: it.hooks.serve('/ok', () => ({ allowed: true })) })
    await it.configure('validating', 'v', { clientConfig: it.hooks.serve('/no', () => ({ allowed: false })) })
    await it.configure('validating', 'w', { clientConfig: { url: 'https://127.0.0.1:1/' }, failurePolicy: 'Ignore' })
    assert.equal((await it.create('x')).status, 400)
    const metrics = await (await it.server.request('/metrics')).text()
    for (const line of [
      'request_total{name="m-0.example.com",type="admit",operation="CREATE",code="200",rejected="false"} 1',
      'request_total{name="v-0.example.com",type="validating",operation="CREATE",code="400",rejected="true"} 1',
      'rejection_count{name="v-0.example.com",type="validating",operation="CREATE",error_type="no_error",rejection_code="400"} 1',
      'fail_open_count{name="w-0.example.com",type="validating"} 1',
    ]) {
      assert(metrics.includes(`apiserver_admission_webhook_${line}`), line)
    }
  })

  test('are found as services, and told who asks', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'webhooks-'))
    const kubeConfigFile = path.join(folder, 'kubeconfig')
    const users = [{ name: '*', user: { token: 'secret' } }]
    await writeFile(kubeConfigFile, JSON.stringify({ apiVersion: 'v1', kind: 'Config', users }))
    const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration', kubeConfigFile }
    const admissionControlConfigFile = path.join(folder, 'admission.json')
    const plugins = [{ name: 'ValidatingAdmissionWebhook', configuration }]
    const document = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins }
    await writeFile(admissionControlConfigFile, JSON.stringify(document))
    try {
      await using it = await startWithWebhooks({ admissionControlConfigFile }, ['hooks.default.svc'])
      const { hooks } = it
      const { port } = hooks
      const { caBundle } = hooks.serve('/judge', () => ({ allowed: true }))
      const named = { namespace: 'default', name: 'hooks', path: '/judge', port }
      await it.configure('validating', 'v', { clientConfig: { service: named, caBundle } })
      const refused = (await it.create('x')).body.message
      const url = `https://hooks.default.svc:${port}/judge?timeout=10s`
      assert.equal(refused?.replace(/^.*: Post /, ''), `${JSON.stringify(url)}: service "hooks" not found`)
      const spec = { type: 'ExternalName', externalName: 'localhost' }
      assert.equal(
        (await it.send('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'hooks' }, spec })).status,
        201,
      )
      const { status, body } = await it.create('x')
      assert.equal(status, 201, String(body.message))
      assert.equal(hooks.asked[0]?.headers.authorization, 'Bearer secret')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
