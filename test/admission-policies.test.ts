import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestServer } from '../src/testing/start-test-server.ts'

const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
const BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings'
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

interface Answer {
  status: number
  message: string
  warning: string
}

async function start() {
  const server = await startTestServer({ flags: { controllers: [] } })
  const send = async (method: string, url: string, body?: object, type?: string): Promise<Answer> => {
    const headers: Record<string, string> = type ? { 'content-type': type } : {}
    const answer = await server.request(url, { method, headers, ...(body ? { body } : {}) })
    const text = await answer.text()
    const message = (text.startsWith('{') ? (JSON.parse(text) as { message?: string }).message : text) ?? ''
    return { status: answer.status, message, warning: answer.headers.get('warning') ?? '' }
  }
  /** A policy that refuses (or warns) always, and says what an expression comes to. */
  const policy = async (name: string, resource: string, messageExpression: string, action = 'Deny'): Promise<void> => {
    const [group = '', resources = ''] = resource.split(':')
    const rule = { apiGroups: [group], apiVersions: ['*'], operations: ['*'], resources: [resources] }
    const spec = { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'false', messageExpression }] }
    assert.equal((await send('POST', POLICIES, { metadata: { name }, spec })).status, 201)
    const binding = { metadata: { name }, spec: { policyName: name, validationActions: [action] } }
    assert.equal((await send('POST', BINDINGS, binding)).status, 201)
  }
  return { send, policy, [Symbol.asyncDispose]: () => server.close() }
}

suite('stored policies', () => {
  test('hold at once, and no longer than they are stored', async () => {
    await using server = await start()
    const create = () => server.send('POST', `${CONFIG_MAPS}?dryRun=All`, { metadata: { name: 'a' } })
    assert.equal((await create()).status, 201)
    await server.policy('p', ':configmaps', "'no ' + object.kind")
    const { status, message } = await create()
    assert.equal(status, 422)
    assert.equal(
      message,
      `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no ConfigMap`,
    )
    assert.equal((await server.send('DELETE', `${POLICIES}/p`)).status, 200)
    assert.equal((await create()).status, 201)
  })

  test('see an object in the version that they are for', async () => {
    await using server = await start()
    await server.policy('p', 'events.k8s.io:events', "request.kind.group + '<' + request.requestKind.group + ' ' + object.note")
    const involvedObject = { namespace: 'default', kind: 'Pod', name: 'x' }
    const event = { metadata: { name: 'e' }, involvedObject, message: 'hello', reason: 'r', type: 'Normal' }
    const { message } = await server.send('POST', '/api/v1/namespaces/default/events', event)
    assert.match(message, /^events "e" is forbidden: .* denied request: events\.k8s\.io< hello$/)
  })

  test('see the names and options that the request has', async () => {
    await using server = await start()
    await server.policy(
      'p',
      ':configmaps',
      "request.?name.orValue('-') + ' ' + request.operation + ' ' + request.options.kind",
      'Warn',
    )
    const said = async (method: string, url: string, body?: object, type?: string) =>
      (await server.send(method, url, body, type)).warning.replace(/^.*'p': |"$/g, '')
    assert.equal(await said('POST', CONFIG_MAPS, { metadata: { generateName: 'g-' } }), '- CREATE CreateOptions')
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
    const apply = 'application/apply-patch+yaml'
    assert.equal(await said('PATCH', `${CONFIG_MAPS}/a?fieldManager=m`, applied, apply), 'a CREATE CreateOptions')
    const merge = 'application/merge-patch+json'
    assert.equal(await said('PATCH', `${CONFIG_MAPS}/a`, { data: { x: 'y' } }, merge), 'a UPDATE UpdateOptions')
    assert.equal(await said('DELETE', `${CONFIG_MAPS}/a`), 'a DELETE DeleteOptions')
    assert.equal(await said('DELETE', CONFIG_MAPS), '- DELETE DeleteOptions')
  })

  test('judge connections before anybody looks for what is connected to', async () => {
    await using server = await start()
    await server.policy('p', ':pods/exec', "object.kind + ' ' + object.command.join(' ')")
    const { status, message } = await server.send('POST', '/api/v1/namespaces/default/pods/none/exec?command=rm&command=-rf')
    assert.equal(status, 422)
    assert.match(message, /^pods "none" is forbidden: .* denied request: PodExecOptions rm -rf$/)
  })
})
