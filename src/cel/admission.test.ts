import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type JsonObject, JsonText } from '../machinery/json.ts'
import { type AdmissionScope, admissionEnvironment, misplacedTypes, PolicyVariables } from './admission.ts'
import { Questions } from './asking.ts'
import { fromJson } from './json-values.ts'
import { type AuthorizationQuestion, AuthorizerValue, resourceCheck } from './library/authorizer.ts'
import { toJson } from './to-json.ts'
import { INT } from './types.ts'

const object = fromJson({ metadata: { name: 'a' }, data: { n: '7', word: 'x' }, spec: { big: 2n ** 60n + 1n } })

/** The first line of what is wrong, or the type. */
function compiled(source: string, scope: AdmissionScope): string {
  try {
    return String(admissionEnvironment(scope).compile(source).type)
  } catch (error) {
    return (error as Error).message.split('\n')[0]!
  }
}

test('managed fields that are kept as text can be looked into', () => {
  const managedFields = [{ manager: 'm', fieldsV1: new JsonText('{"f:data":{"f:n":{}}}') as object as JsonObject }]
  const written = fromJson({ metadata: { managedFields } })
  const program = admissionEnvironment({}).compile("object.metadata.managedFields[0].fieldsV1['f:data'].size() == 1")
  assert.equal(program.evaluate({ object: written }).value, true)
})

test('what there is depends on the policy', () => {
  const undeclared = (at: number, name: string): string =>
    `ERROR: <input>:1:${at}: undeclared reference to '${name}' (in container '')`
  const cases: [string, AdmissionScope, string][] = [
    ['params.x', {}, undeclared(1, 'params')],
    ['params.x', { params: true }, 'dyn'],
    ["authorizer.path('/').check('get').allowed()", { authorizer: true }, 'bool'],
    ['authorizer.requestResource', { authorizer: true }, 'kubernetes.authorization.ResourceCheck'],
    [
      'authorizer.nosuch',
      { authorizer: true },
      "ERROR: <input>:1:11: unexpected failed resolution of 'kubernetes.authorization.Authorizer'",
    ],
    ['variables.a + 1', { variables: { a: INT } }, 'int'],
    ['variables.b', { variables: { a: INT } }, "ERROR: <input>:1:10: undefined field 'b'"],
    ['request.userInfo.groups', {}, 'list(string)'],
    ['request.object', {}, "ERROR: <input>:1:8: undefined field 'object'"],
    ['namespaceObject.metadata.creationTimestamp', {}, 'timestamp'],
    ['Object{}', {}, undeclared(7, 'Object')],
    ['Object{spec: Object.spec{x: 1}}', { mutating: true }, 'Object'],
    ["[JSONPatch{op: 'add'}]", { mutating: true }, 'list(JSONPatch)'],
    [
      "[JSONPatch{operation: 'add'}]",
      { mutating: true },
      "ERROR: <input>:1:21: expected type of field 'operation' is '' but provided type is 'string'",
    ],
    ["jsonpatch.escapeKey('a/b~c')", { mutating: true }, 'string'],
    ["jsonpatch.escapeKey('a')", {}, undeclared(1, 'jsonpatch')],
  ]
  for (const [source, scope, wanted] of cases) assert.equal(compiled(source, scope), wanted, source)
})

test('a request without a subresource has none', () => {
  const { request } = { request: fromJson({ operation: 'CREATE', name: 'a' }) }
  const program = admissionEnvironment({}).compile("request.subResource == ''")
  assert.throws(() => program.evaluate({ request }), { message: 'no such key: subResource' })
})

test('variables are evaluated once, when they are used, and may use each other', () => {
  const scope = { variables: { n: INT, twice: INT, broken: INT } }
  const environment = admissionEnvironment(scope)
  const compile = (source: string) => environment.compile(source)
  const programs = new Map([
    ['n', compile('int(object.data.n)')],
    ['twice', compile('variables.n * 2')],
    ['broken', compile('int(object.data.word)')],
  ])
  const variables = new PolicyVariables(programs, { object })
  assert.equal(variables.cost, 0)
  assert.equal(compile('variables.twice + variables.n').evaluate({ object, variables }).value, 21n)
  const { cost } = variables
  assert.ok(cost > 0)
  assert.equal(compile('variables.twice').evaluate({ object, variables }).value, 14n)
  assert.equal(variables.cost, cost)
  assert.throws(() => compile('variables.broken > 2').evaluate({ object, variables }), {
    message: `composited variable "broken" fails to evaluate: type conversion error from 'string' to 'int'`,
  })
  assert.equal(compile("variables.broken > 2 || object.data.word == 'x'").evaluate({ object, variables }).value, true)
})

suite('what expressions make', () => {
  const made = (source: string) => admissionEnvironment({ mutating: true }).compile(source).evaluate({ object }).value

  test('as JSON', () => {
    assert.deepEqual(
      toJson(made("Object{spec: Object.spec{n: 1, u: 2u, d: 1.5, l: [true], m: {'a': null}, ?o: optional.none()}}")),
      {
        spec: { n: 1, u: 2, d: 1.5, l: [true], m: { a: null } },
      },
    )
    assert.deepEqual(toJson(made('[object.data, dyn(object.spec.big)]')), [{ n: '7', word: 'x' }, 2n ** 60n + 1n])
    assert.deepEqual(
      toJson(made("[dyn(b'hi'), dyn(duration('1m')), dyn(timestamp('2024-01-01T00:00:00Z'))]".replace('[dyn', '[dyn'))),
      ['aGk=', '60s', '2024-01-01T00:00:00Z'],
    )
    assert.throws(() => toJson(made('{1: 2}')), { message: 'map key is of type int, not string' })
    assert.throws(() => toJson(made('1.0 / 0.0')), { message: 'json: unsupported value: +Inf' })
  })

  test('objects are named for where they stand', () => {
    assert.deepEqual(misplacedTypes(made('Object{spec: Object.spec{containers: [Object.spec.containers{x: 1}]}}')), [])
    assert.deepEqual(misplacedTypes(made('Object{metadata: Object.spec{}, spec: Object.spec{l: [Object.spec.x{}]}}')), [
      'unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type',
      'unexpected type name "Object.spec.x", expected "Object.spec.l", which matches field name path from root Object type',
    ])
  })
})

suite('asking the authorizer', () => {
  const program = admissionEnvironment({ authorizer: true }).compile(
    "authorizer.group('apps').resource('deployments').subresource('scale').namespace('n').name('x').labelSelector('a in (b),!c').fieldSelector('bad selector').check('get').allowed()" +
      " && authorizer.requestResource.check('use').reason() == 'because'" +
      " && !authorizer.serviceAccount('n', 's').path('/p').check('get').errored()" +
      " && authorizer.requestResource.check('use').allowed()",
  )

  async function ask(slow: boolean): Promise<{ asked: [string | undefined, AuthorizationQuestion][]; value: unknown }> {
    const asked: [string | undefined, AuthorizationQuestion][] = []
    const questions = new Questions((user, question) => {
      asked.push([user?.name, question])
      const answer = { allowed: true, reason: 'because' }
      return slow ? Promise.resolve(answer) : answer
    })
    const authorizer = new AuthorizerValue(questions.ask)
    const requestResource = resourceCheck(authorizer, { apiGroup: '', resource: 'pods', name: 'own' })
    const run = () => program.evaluate({ authorizer, 'authorizer.requestResource': requestResource }, 10_000_000).value
    const value = questions.settle(run)
    assert.equal(value instanceof Promise, slow)
    return { asked, value: await value }
  }

  test('each question once, whether answers take time or not', async () => {
    const plain = { path: '', apiVersion: '*', subresource: '', namespace: '', isResource: true }
    const questions = [
      [
        undefined,
        {
          ...plain,
          verb: 'get',
          apiGroup: 'apps',
          resource: 'deployments',
          subresource: 'scale',
          namespace: 'n',
          name: 'x',
          labelSelector: [
            { key: 'a', operator: 'In', values: ['b'] },
            { key: 'c', operator: 'DoesNotExist', values: [] },
          ],
        },
      ],
      [undefined, { ...plain, verb: 'use', apiGroup: '', resource: 'pods', name: 'own' }],
      [
        'system:serviceaccount:n:s',
        { ...plain, isResource: false, apiVersion: '', path: '/p', verb: 'get', apiGroup: '', resource: '', name: '' },
      ],
    ]
    for (const slow of [false, true]) assert.deepEqual(await ask(slow), { asked: questions, value: true })
  })

  test('two questions are all that an expression can pay for', () => {
    const questions = new Questions(() => ({ allowed: true, reason: '' }))
    const authorizer = new AuthorizerValue(questions.ask)
    const check = (path: string): string => `authorizer.path('${path}').check('get').allowed()`
    const evaluate = (...paths: string[]) =>
      admissionEnvironment({ authorizer: true }).compile(paths.map(check).join(' && ')).evaluate({ authorizer }).value
    assert.equal(evaluate('/a', '/b'), true)
    assert.throws(() => evaluate('/a', '/b', '/c'), { name: 'CostError' })
  })

  test('what can not be asked', () => {
    const authorizer = new AuthorizerValue(() => ({ allowed: false, reason: '' }))
    const evaluate = (source: string) => admissionEnvironment({ authorizer: true }).compile(source).evaluate({ authorizer })
    const cases: Record<string, string> = {
      "authorizer.path(' ')": 'path must not be empty',
      "authorizer.group('').resource('')": 'resource must not be empty',
      "authorizer.serviceAccount('Bad_Name', 'x')": 'Invalid service account namespace',
      "authorizer.serviceAccount('x', 'Bad_Name')": 'Invalid service account name',
    }
    for (const [source, message] of Object.entries(cases)) assert.throws(() => evaluate(source), { message }, source)
  })
})
