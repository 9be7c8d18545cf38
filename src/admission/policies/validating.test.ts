import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AuthorizationAnswer } from '../../cel/library/authorizer.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { admitted, asked, refused, TestObjects } from '../testing.ts'
import { validatingAdmissionPolicy } from './validating.ts'

const RULE = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*', '*/*'] }

/** A server with some policies, each bound by a binding of its own name. */
class Server {
  readonly objects = new TestObjects({
    namespaces: [{ metadata: { name: 'n', labels: { env: 'prod' } }, status: { phase: 'Active' } }],
  })
  readonly warnings: string[] = []
  answer: AuthorizationAnswer | Promise<AuthorizationAnswer> = { allowed: false, reason: 'because' }
  readonly plugin = validatingAdmissionPolicy({
    objects: this.objects,
    equivalents: () => [],
    params: ({ kind }) => (kind === 'Limit' ? this.limits : kind === 'Global' ? this.globals : undefined),
    show: (object) => object as JsonObject,
    authorize: () => this.answer,
  })
  readonly limits = { group: 'example.com', resource: 'limits', namespaced: true, show: (object: object) => object as JsonObject }
  readonly globals = { ...this.limits, resource: 'globals', namespaced: false }

  add(name: string, spec: JsonObject, binding: JsonObject = {}): this {
    this.objects.add('validatingadmissionpolicies.admissionregistration.k8s.io', {
      metadata: { name },
      spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules: [RULE] }, ...spec },
    })
    return this.bind(`${name}-b`, { policyName: name, ...binding })
  }

  bind(name: string, spec: JsonObject): this {
    this.objects.add('validatingadmissionpolicybindings.admissionregistration.k8s.io', {
      metadata: { name },
      spec: { validationActions: ['Deny'], ...spec },
    })
    return this
  }

  request(more: Parameters<typeof asked>[1] = {}, resource = 'configmaps') {
    const object = { metadata: { name: 'a', namespace: 'n' } }
    return asked(resource, { namespace: 'n', object, warn: (text) => this.warnings.push(text), ...more })
  }

  /** The cause that the refusal gives after the names of the policy and the binding. */
  async denied(more: Parameters<typeof asked>[1] = {}): Promise<string | undefined> {
    return (await refused(this.plugin, this.request(more))).message?.replace(/^.* denied request: /, '')
  }

  admits(more: Parameters<typeof asked>[1] = {}, resource = 'configmaps') {
    return admitted(this.plugin, this.request(more, resource))
  }
}

const denying = (expression: string, more: JsonObject = {}): JsonObject => ({ validations: [{ expression, ...more }] })

test('without bindings there is nothing to wait for', () => {
  const server = new Server()
  assert.equal(server.plugin.validate?.(server.request()), undefined)
  server.bind('b', { policyName: 'none' })
  assert.equal(server.plugin.validate?.(server.request()), undefined)
})

test('a refusal names the policy and the binding, and has the code of its reason', async () => {
  for (const [reason, code] of [
    [undefined, 422],
    ['Invalid', 422],
    ['Forbidden', 403],
    ['RequestEntityTooLarge', 413],
  ] as const) {
    const server = new Server().add('p', denying('false', reason ? { reason } : {}))
    const cause = "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: failed expression: false"
    assert.deepEqual(await refused(server.plugin, server.request()), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `configmaps "a" is forbidden: ${cause}`,
      reason: reason ?? 'Invalid',
      details: { name: 'a', kind: 'configmaps', causes: [{ message: cause }] },
      code,
    })
  }
})

suite('messages', () => {
  const cases: [string, JsonObject, string][] = [
    ['the expression', {}, 'failed expression: false'],
    ['a message', { message: ' no ' }, 'no'],
    ['a computed message', { messageExpression: "'is ' + object.metadata.name", message: 'no' }, 'is a'],
    ['one that fails', { messageExpression: 'string(object.data.x)', message: 'no' }, 'no'],
    ['an empty one', { messageExpression: "' '", message: 'no' }, 'no'],
    ['one of two lines', { messageExpression: "'a\\nb'", message: 'no' }, 'no'],
  ]
  for (const [name, validation, wanted] of cases) {
    test(name, async () => assert.equal(await new Server().add('p', denying('false', validation)).denied(), wanted))
  }

  test('the first denial counts, in the order of policies and validations', async () => {
    const server = new Server()
      .add('a', { validations: [{ expression: 'true' }, { expression: 'false', message: 'second' }, { expression: 'false' }] })
      .add('b', denying('false', { message: 'third' }))
    assert.equal(await server.denied(), 'second')
  })
})

suite('failure policy', () => {
  test('what has no value refuses the request, or counts as true', async () => {
    const broken = denying("object.data.level == 'x'")
    const message = "expression 'object.data.level == 'x'' resulted in error: no such key: data"
    assert.equal(await new Server().add('p', broken).denied(), message)
    await new Server().add('p', { ...broken, failurePolicy: 'Ignore' }).admits()
  })

  test('match conditions that fail count unless another is false', async () => {
    const conditions = (...expressions: string[]): JsonObject => ({
      ...denying('false'),
      matchConditions: expressions.map((expression, i) => ({ name: `c${i}`, expression })),
    })
    const error = (field: string): string => `expression 'object.${field}.x' resulted in error: no such key: ${field}`
    assert.equal(await new Server().add('p', conditions('true')).denied(), 'failed expression: false')
    await new Server().add('p', conditions('object.data.x', 'false')).admits()
    assert.equal(await new Server().add('p', conditions('object.data.x', 'true')).denied(), error('data'))
    const both = await new Server().add('p', conditions('object.data.x', 'object.spec.x')).denied()
    assert.equal(both, `[${error('data')}, ${error('spec')}]`)
    await new Server().add('p', { ...conditions('object.data.x'), failurePolicy: 'Ignore' }).admits()
  })

  test('audit annotations that fail refuse the request even where nothing is to be denied', async () => {
    const annotation = { key: 'k', valueExpression: 'object.data.x' }
    const spec = { auditAnnotations: [annotation] }
    const server = new Server().add('p', spec, { validationActions: ['Audit'] })
    assert.equal(await server.denied(), "expression 'object.data.x' resulted in error: no such key: data")
    await new Server().add('p', { ...spec, failurePolicy: 'Ignore' }).admits()
    await new Server().add('p', { auditAnnotations: [{ key: 'k', valueExpression: "'v'" }] }).admits()
  })

  test('expressions that cost too much together', async () => {
    const list = `[${Array.from({ length: 90 }, (_, i) => i).join(',')}]`
    const costly = `${list}.all(x, ${list}.all(y, ${list}.all(z, z >= 0 || x == y)))`
    const expensive = { validations: Array.from({ length: 12 }, () => ({ expression: costly })) }
    assert.match(
      (await new Server().add('p', expensive).denied()) ?? '',
      /running out of cost budget, no further validation rules/,
    )
    assert.match(
      (await new Server().add('p', denying(costly)).denied()) ?? '',
      /operation cancelled: actual cost limit exceeded$/,
    )
  })
})

test('bindings may warn instead of denying', async () => {
  const server = new Server().add('p', denying('false', { message: 'no' }), { validationActions: ['Warn', 'Audit'] })
  await server.admits()
  assert.deepEqual(server.warnings, ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': no"])
})

test('a binding narrows what its policy is for', async () => {
  const resourceRules = [{ ...RULE, resources: ['secrets'] }]
  const server = new Server().add('p', denying('false'), { matchResources: { resourceRules } })
  await server.admits()
  await assert.rejects(server.admits({}, 'secrets'))
})

test('policies and reviews are beyond all policies', async () => {
  const server = new Server().add('p', denying('false'))
  await server.admits({}, 'validatingadmissionpolicies.admissionregistration.k8s.io')
  await server.admits({}, 'mutatingadmissionpolicybindings.admissionregistration.k8s.io')
  await server.admits({}, 'localsubjectaccessreviews.authorization.k8s.io')
  await server.admits({}, 'tokenreviews.authentication.k8s.io')
  await assert.rejects(server.admits({}, 'validatingwebhookconfigurations.admissionregistration.k8s.io'))
})

suite('expressions see', () => {
  const shows = async (expression: string, more: Parameters<typeof asked>[1] = {}) =>
    new Server().add('p', denying('false', { messageExpression: expression })).denied(more)

  test('objects, as far as there are any', async () => {
    const oldObject = { metadata: { name: 'old' } }
    const both = "(object == null ? 'none' : object.metadata.name) + ' ' + (oldObject == null ? 'none' : oldObject.metadata.name)"
    assert.equal(await shows(both), 'a none')
    assert.equal(await shows(both, { oldObject, operation: 'UPDATE' }), 'a old')
    assert.equal(await shows(both, { oldObject, operation: 'DELETE', object: undefined as never, name: 'old' }), 'none old')
  })

  test('the request', async () => {
    assert.equal(
      await shows(
        "request.operation + request.name + request.namespace + string(request.dryRun) + request.?subResource.orValue('-')",
      ),
      'CREATEanfalse-',
    )
    const options = { kind: 'PatchOptions', apiVersion: 'meta.k8s.io/v1', force: true, fieldManager: 'm' }
    const shown = 'request.options.kind + string(has(request.options.force)) + request.options.fieldManager'
    assert.equal(await shows(shown, { options, operation: 'UPDATE' }), 'UpdateOptionsfalsem')
    assert.equal(await shows('string(has(request.userInfo.extra)) + request.userInfo.username'), 'falsealice')
  })

  test('the namespace, but not in match conditions', async () => {
    assert.equal(await shows('namespaceObject.metadata.labels.env + namespaceObject.status.phase'), 'prodActive')
    const expression = 'namespaceObject == null'
    const server = new Server().add('p', { ...denying('false'), matchConditions: [{ name: 'c', expression }] })
    assert.equal(await server.denied(), 'failed expression: false')
  })

  test('variables, which may use each other', async () => {
    const variables = [
      { name: 'one', expression: '1' },
      { name: 'two', expression: 'variables.one + 1' },
      { name: 'unused', expression: 'object.data.x' },
    ]
    const server = new Server().add('p', {
      variables,
      ...denying('variables.two == 3', { messageExpression: 'string(variables.two)' }),
    })
    assert.equal(await server.denied(), '2')
  })
})

test('the authorizer is asked, at once or with time, but not for messages', async () => {
  const expression = "authorizer.requestResource.check('use').allowed()"
  const variables = [{ name: 'why', expression: "authorizer.requestResource.check('use').reason()" }]
  const spec = { variables, ...denying(expression, { messageExpression: 'variables.why', message: 'no' }) }
  const server = new Server().add('p', spec)
  assert.equal(await server.denied(), 'no')
  server.answer = Promise.resolve({ allowed: true, reason: '' })
  await server.admits()
})

suite('parameters', () => {
  const spec = { paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' }, ...denying('params == null || params.max > 5') }
  const limit = (name: string, max: number, namespace = 'n'): JsonObject => ({
    metadata: { name, namespace, labels: { use: 'yes' } },
    max,
  })
  const withLimits = (binding: JsonObject, ...limits: JsonObject[]): Server => {
    const server = new Server().add('p', spec, binding)
    for (const one of limits) server.objects.add('limits.example.com', one)
    return server
  }
  const NONE = 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction'

  test('by name, in the namespace of the request or another', async () => {
    const paramRef = { name: 'l', parameterNotFoundAction: 'Deny' }
    assert.equal(await withLimits({ paramRef }, limit('l', 1)).denied(), 'failed expression: params == null || params.max > 5')
    await withLimits({ paramRef }, limit('l', 9)).admits()
    assert.equal(await withLimits({ paramRef }, limit('l', 9, 'other')).denied(), NONE)
    await withLimits({ paramRef: { ...paramRef, namespace: 'other' } }, limit('l', 9, 'other')).admits()
    await withLimits({ paramRef: { ...paramRef, parameterNotFoundAction: 'Allow' } }).admits()
  })

  test('by labels: all of them are asked', async () => {
    const paramRef = { selector: { matchLabels: { use: 'yes' } }, parameterNotFoundAction: 'Deny' }
    await withLimits({ paramRef }, limit('l', 9), limit('m', 1, 'other')).admits()
    await assert.rejects(withLimits({ paramRef }, limit('l', 9), limit('m', 1)).admits())
    assert.equal(await withLimits({ paramRef }).denied(), NONE)
  })

  test('are null where the binding names none', async () => {
    await withLimits({}, limit('l', 1)).admits()
  })

  test('of the wrong scope or of no known kind', async () => {
    const paramRef = { name: 'l', parameterNotFoundAction: 'Deny' }
    assert.equal(
      await withLimits({ paramRef }).denied({ namespace: '' }),
      'failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    )
    const global = { ...spec, paramKind: { apiVersion: 'example.com/v1', kind: 'Global' } }
    assert.equal(
      await new Server().add('p', global, { paramRef: { ...paramRef, namespace: 'n' } }).denied(),
      'failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
    )
    const unknown = { ...spec, paramKind: { apiVersion: 'v1', kind: 'Nothing' } }
    const server = new Server().add('p', unknown, { paramRef })
    assert.equal(
      (await refused(server.plugin, server.request())).message,
      `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'v1, Kind=Nothing'`,
    )
    await new Server().add('p', { ...unknown, failurePolicy: 'Ignore' }, { paramRef }).admits()
  })
})
