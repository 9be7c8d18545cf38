import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { TypeDecoder } from '../../machinery/decode.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { FactAtoms } from '../../machinery/managed-fields/fact-atoms.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import { SchemaFacts } from '../../machinery/schema.ts'
import { AdmissionChain, type AdmissionPlugin } from '../plugin.ts'
import { asked, refused, TestObjects } from '../testing.ts'
import { mutatingAdmissionPolicy } from './mutating.ts'

const RULE = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*', '*/*'] }
const POD = 'io.k8s.api.core.v1.Pod'
const facts = new SchemaFacts()
const decoder = new TypeDecoder(facts)
const atoms = new FactAtoms(facts)

/** A server with some policies, each bound by a binding of its own name, that knows nothing but pods. */
class Server {
  readonly objects = new TestObjects({ namespaces: [{ metadata: { name: 'n', labels: { team: 'blue' } } }] })
  readonly plugin = mutatingAdmissionPolicy({
    objects: this.objects,
    equivalents: () => [],
    params: ({ kind }) =>
      kind === 'Team'
        ? { group: 'example.com', resource: 'teams', namespaced: true, show: (object) => object as JsonObject }
        : undefined,
    forms: {
      show: (object) => ({ apiVersion: 'v1', kind: 'Pod', ...(object as JsonObject) }),
      read: (json, _attributes, _kind, strict) => {
        const unknown: string[] = []
        const read = decoder.decodeRequest(POD, json, strict ? unknown : undefined)
        if (unknown.length) throw new Error(`strict decoding error: ${unknown.join(', ')}`)
        return read as KubeObject
      },
      atom: () => atoms.atom(POD),
    },
    authorize: () => ({ allowed: true, reason: '' }),
  })

  add(name: string, mutations: JsonObject[], spec: JsonObject = {}, binding: JsonObject = {}): this {
    this.objects.add('mutatingadmissionpolicies.admissionregistration.k8s.io', {
      metadata: { name },
      spec: { matchConstraints: { resourceRules: [RULE] }, reinvocationPolicy: 'Never', mutations, ...spec },
    })
    this.objects.add('mutatingadmissionpolicybindings.admissionregistration.k8s.io', {
      metadata: { name: `${name}-b` },
      spec: { policyName: name, ...binding },
    })
    return this
  }

  request(object: JsonObject = {}, more: Parameters<typeof asked>[1] = {}) {
    const metadata = { name: 'a', namespace: 'n' }
    const whole = { metadata, spec: { containers: [{ name: 'c', image: 'i' }] }, ...object }
    return asked('pods', { namespace: 'n', object: whole, ...more })
  }

  /** The object after mutating admission with all that is asked twice. */
  async mutated(object: JsonObject = {}, others: AdmissionPlugin[] = []): Promise<JsonObject & { spec: JsonObject }> {
    const request = this.request(object)
    await new AdmissionChain([...others, this.plugin]).admit(request)
    return request.object as JsonObject & { spec: JsonObject }
  }

  async denied(object: JsonObject = {}): Promise<string | undefined> {
    return (await refused(this.plugin, this.request(object))).message?.replace(/^.* denied request: /, '')
  }
}

const apply = (expression: string): JsonObject => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
const patch = (expression: string): JsonObject => ({ patchType: 'JSONPatch', jsonPatch: { expression } })
const label = (name: string, value: string): JsonObject =>
  apply(`Object{ metadata: Object.metadata{ labels: {'${name}': ${value}} } }`)
const labelsOf = (object: JsonObject): unknown => (object.metadata as JsonObject).labels

test('without bindings there is nothing to wait for', () => {
  assert.equal(new Server().plugin.admit?.(new Server().request()), undefined)
})

suite('apply configurations', () => {
  test('are merged by the type of the object', async () => {
    const server = new Server().add('p', [
      apply(
        "Object{ spec: Object.spec{ containers: object.spec.containers.map(c, Object.spec.containers{ name: c.name, env: [Object.spec.containers.env{ name: 'A', value: '1' }] }) } }",
      ),
    ])
    const env = [{ name: 'B', value: '2' }]
    const { spec } = await server.mutated({ spec: { containers: [{ name: 'c', image: 'i', env }] } })
    const [container] = spec.containers as JsonObject[]
    assert.equal(container?.image, 'i')
    assert.deepEqual(container?.env, [...env, { name: 'A', value: '1' }])
  })

  const refusals: [string, string, string][] = [
    ['an atomic map', "Object{ spec: Object.spec{ nodeSelector: {'a': 'b'} } }", '.spec.nodeSelector'],
    [
      'an atomic list in a list',
      "Object{ spec: Object.spec{ containers: [Object.spec.containers{ name: 'c', command: ['x'] }] } }",
      '.spec.containers[0].command',
    ],
  ]
  for (const [name, expression, at] of refusals) {
    test(`can't set ${name}`, async () => {
      const why = 'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: '
      assert.equal(await new Server().add('p', [apply(expression)]).denied(), why + at)
    })
  }

  test('must be of the type', async () => {
    const failed = 'error applying patch: failed to convert patch object to typed object: '
    assert.equal(
      await new Server().add('p', [apply('Object{ spec: Object.spec{ nothing: 1 } }')]).denied(),
      `${failed}.spec.nothing: field not declared in schema`,
    )
    assert.equal(
      await new Server().add('p', [apply('Object{ spec: Object.metadata{} }')]).denied(),
      'type mismatch: unexpected type name "Object.metadata", expected "Object.spec", which matches field name path from root Object type',
    )
  })
})

suite('JSON patches', () => {
  test('see what came before them', async () => {
    const server = new Server().add('p', [
      label('a', "'b/c'"),
      patch("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x/y'), value: object.metadata.labels.a}]"),
    ])
    assert.deepEqual(labelsOf(await server.mutated()), { a: 'b/c', 'x/y': 'b/c' })
  })

  test('do nothing when a test fails', async () => {
    const server = new Server().add('p', [
      patch("[JSONPatch{op: 'test', path: '/metadata/name', value: 'z'}, JSONPatch{op: 'remove', path: '/spec'}]"),
    ])
    assert((await server.mutated()).spec)
  })

  test('that do not apply refuse the request', async () => {
    const remove = patch("[JSONPatch{op: 'remove', path: '/spec/hostname'}]")
    const why =
      "JSON Patch: error in remove for path: '/spec/hostname': Unable to remove nonexistent key: hostname: missing value"
    assert.equal(await new Server().add('p', [remove]).denied(), why)
    await new Server().add('p', [remove], { failurePolicy: 'Ignore' }).mutated()
  })

  test('with results of another type are an internal error, whatever the failure policy', async () => {
    const server = new Server().add('p', [patch("[JSONPatch{op: 'add', path: '/nothing', value: 1}]")], {
      failurePolicy: 'Ignore',
    })
    const { code, message } = await refused(server.plugin, server.request())
    assert.equal(code, 500)
    assert.match(message ?? '', /^Internal error occurred: strict decoding error: /)
  })
})

test('a refusal has the words of the first failure, and all of them as causes', async () => {
  const server = new Server()
    .add('p', [label('a', 'object.x')])
    .add('q', [label('b', "'c'")], { matchConditions: [{ name: 'c', expression: 'object.y' }] })
  const failed = (field: string, text: string) => `expression '${text}' resulted in error: no such key: ${field}`
  const first = `policy 'p' with binding 'p-b' denied request: ${failed('x', "Object{ metadata: Object.metadata{ labels: {'a': object.x} } }")}`
  assert.deepEqual(await refused(server.plugin, server.request()), {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: first,
    reason: 'Invalid',
    details: {
      name: 'a',
      kind: 'pods',
      causes: [{ message: first }, { message: `policy 'q' with binding 'q-b' denied request: ${failed('y', 'object.y')}` }],
    },
    code: 403,
  })
})

test('parameters, variables and the namespace can be used', async () => {
  const spec = {
    paramKind: { apiVersion: 'example.com/v1', kind: 'Team' },
    variables: [{ name: 'v', expression: "params.prefix + '-' + string(namespaceObject.metadata.labels.team)" }],
  }
  const paramRef = { name: 't', parameterNotFoundAction: 'Deny' }
  const server = new Server().add('p', [label('l', 'variables.v')], spec, { paramRef })
  const { message, reason } = await refused(server.plugin, server.request())
  assert.match(message ?? '', /failed to configure binding: no params found for policy binding with `Deny`/)
  assert.equal(reason, 'Forbidden')
  server.objects.add('teams.example.com', { metadata: { namespace: 'n', name: 't' }, prefix: 'p' })
  assert.deepEqual(labelsOf(await server.mutated()), { l: 'p-blue' })
})

suite('reinvocation', () => {
  const count = (label: string) =>
    apply(`Object{ metadata: Object.metadata{ labels: {'${label}': string(size(object.metadata.?labels.orValue({})))} } }`)

  test('those that want it are asked again when something changes after them', async () => {
    const again = { reinvocationPolicy: 'IfNeeded' }
    const server = new Server()
      .add('a', [count('a')], again)
      .add('b', [count('b')])
      .add('c', [count('c')], again)
    // a saw none, b one and c two; then a saw three, and so did c, since a had changed something.
    assert.deepEqual(labelsOf(await server.mutated()), { a: '3', b: '1', c: '3' })
  })

  test('so is one that made the only change itself', async () => {
    const grow = patch("[JSONPatch{op: 'add', path: '/spec/tolerations/-', value: Object.spec.tolerations{ key: 'k' }}]")
    const tolerationsOf = async (reinvocationPolicy: string): Promise<unknown> => {
      const containers = [{ name: 'c', image: 'i' }]
      const server = new Server().add('a', [grow], { reinvocationPolicy })
      return (await server.mutated({ spec: { containers, tolerations: [] } })).spec.tolerations
    }
    assert.deepEqual(await tolerationsOf('Never'), [{ key: 'k' }])
    assert.deepEqual(await tolerationsOf('IfNeeded'), [{ key: 'k' }, { key: 'k' }])
  })

  test('so are other plugins, and policies after what those do then', async () => {
    let rounds = 0
    const other: AdmissionPlugin = {
      name: 'Other',
      operations: ['CREATE'],
      admit: ({ object }) => {
        rounds++
        if (rounds === 2) metaOf(object as KubeObject).labels = { other: 'x', only: 'y' }
      },
    }
    const server = new Server().add('a', [count('a')], { reinvocationPolicy: 'IfNeeded' })
    assert.deepEqual(labelsOf(await server.mutated({}, [other])), { a: '2', other: 'x', only: 'y' })
    assert.equal(rounds, 2)
  })

  test('nobody is asked again where no policy was for the request', async () => {
    let rounds = 0
    const other: AdmissionPlugin = { name: 'Other', operations: ['CREATE'], admit: () => void rounds++ }
    const conditions = { matchConditions: [{ name: 'c', expression: 'false' }] }
    await new Server().add('a', [count('a')], conditions).mutated({}, [other])
    assert.equal(rounds, 1)
  })
})

test('an object that is in another namespace now is refused', async () => {
  const move = patch("[JSONPatch{op: 'replace', path: '/metadata/namespace', value: 'other'}]")
  await assert.rejects(new Server().add('p', [move]).mutated(), {
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  })
})
