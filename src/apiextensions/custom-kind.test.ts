import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Definition } from '../kinds/apiextensions/conditions.ts'
import { TypeDecoder } from '../machinery/decode.ts'
import type { JsonObject } from '../machinery/json.ts'
import { TypingError } from '../machinery/managed-fields/list-items.ts'
import type { KubeObject } from '../machinery/object.ts'
import { SchemaFacts } from '../machinery/schema.ts'
import { StatusError } from '../machinery/status.ts'
import type { WriteContext } from '../registry/context.ts'
import { customKinds } from './custom-kind.ts'

const SPEC = {
  type: 'object',
  required: ['size'],
  properties: {
    size: { type: 'integer' },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    on: { type: 'boolean' },
  },
  'x-kubernetes-validations': [{ rule: 'self.size < 10', message: 'too large' }],
}

const version = (name: string, more: object = {}) => ({
  name,
  served: true,
  storage: false,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC } } },
  ...more,
})

const NAMES = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' }

const kinds = (versions: ReturnType<typeof version>[], conditions: object[] = []) =>
  customKinds(
    {
      spec: { group: 'e.com', names: NAMES, scope: 'Cluster', versions },
      status: { acceptedNames: NAMES, conditions },
    } as Definition,
    '#1',
    {
      decoder: new TypeDecoder(new SchemaFacts()),
      transport: { post: () => Promise.reject(new Error('nobody is asked')) },
      uuid: () => 'uid',
    },
  )

const one = () => kinds([version('v1', { storage: true, subresources: { status: {} } })])[0]!

const warnings: string[] = []
const context = { warn: (text: string) => warnings.push(text) } as unknown as WriteContext

const thing = (more: JsonObject = {}): KubeObject =>
  ({ apiVersion: 'e.com/v1', kind: 'Thing', metadata: { name: 'a' }, ...more }) as KubeObject

const told = (object: KubeObject, old?: KubeObject) =>
  (old ? one().validateUpdate?.(object, old, context) : one().validate?.(object, context))?.map(
    ({ field, message }) => `${field}: ${message}`,
  )

test('each version that is served is a kind, and the one in which objects are stored', () => {
  const made = kinds([version('v1'), version('v2', { served: false, storage: true }), version('v3', { served: false })])
  assert.deepEqual(
    made.map(({ version, custom }) => [version, custom?.served, custom?.storageVersion]),
    [
      ['v1', true, 'v2'],
      ['v2', false, 'v2'],
    ],
  )
  const [first] = made
  assert.partialDeepStrictEqual(first, { group: 'e.com', resource: 'things', storagePrefix: 'e.com/things', scope: 'Cluster' })
  assert.deepEqual(first?.custom?.toStored(thing()), { ...thing(), apiVersion: 'e.com/v2' })
  assert.deepEqual(first?.custom?.fromOther({ ...thing(), apiVersion: 'e.com/v2' } as object as JsonObject), thing())
})

test('nothing new comes while the definition goes', () => {
  const [going] = kinds([version('v1', { storage: true })], [{ type: 'Terminating', status: 'True' }])
  assert.deepEqual(going?.verbs, ['delete', 'deletecollection', 'get', 'list', 'watch'])
})

test('an object that says to be something else is refused as that', () => {
  const refused = (object: KubeObject): string => {
    try {
      one().prepareForCreate?.(object, context)
    } catch (error) {
      if (error instanceof StatusError) return error.message
    }
    return ''
  }
  assert.equal(refused(thing()), '')
  assert.equal(refused(thing({ kind: 'Other' })), 'Other.e.com "a" is invalid: kind: Invalid value: "Other": must be Thing')
  assert.equal(refused(thing({ apiVersion: 'v1' })), 'Thing "a" is invalid: apiVersion: Invalid value: "v1": must be e.com/v1')
})

test('rules are evaluated for what fits the schema', () => {
  assert.deepEqual(told(thing({ spec: { size: 1 } })), [])
  assert.deepEqual(told(thing({ spec: { size: 10 } })), ['spec: Invalid value: too large'])
  assert.deepEqual(told(thing({ spec: {} })), [
    'spec.size: Required value',
    '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  ])
})

test('what was wrong before may stay', () => {
  const twice = { size: 1, tags: ['a', 'a'] }
  assert.deepEqual(told(thing({ spec: twice })), ['spec.tags[1]: Duplicate value: "a"'])
  assert.deepEqual(told(thing({ spec: { ...twice, on: true } }), thing({ spec: twice })), [])
  assert.deepEqual(told(thing({ spec: { size: 11, on: true }, metadata: {} }), thing({ spec: { size: 11, on: true } })), [])
})

test('any change but of metadata and status is a new generation', () => {
  const { generation } = one()
  assert.ok(typeof generation === 'function')
  assert.equal(generation(thing({ metadata: { name: 'a', labels: { a: 'b' } } }), thing()), false)
  assert.equal(generation(thing({ other: 1 }), thing()), true)
})

test('finalizers without a domain are warned of once', () => {
  const finalizers = ['plain', 'e.com/x', 'orphan', 'foregroundDeletion']
  const object = thing({ metadata: { name: 'a', finalizers } })
  assert.deepEqual(one().warnings?.(object, undefined, context), [
    'metadata.finalizers: "plain": prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers',
  ])
  assert.deepEqual(one().warnings?.(object, object, context), [])
})

test('fields can be selected by what they are', () => {
  const [kind] = kinds([
    version('v1', { storage: true, selectableFields: [{ jsonPath: '.spec.size' }, { jsonPath: '.spec.on' }] }),
  ])
  const { fields = {} } = kind ?? {}
  assert.deepEqual(Object.keys(fields), ['spec.size', 'spec.on'])
  assert.equal(fields['spec.size']?.(thing({ spec: { size: 3 } })), '3')
  assert.equal(fields['spec.on']?.(thing({ spec: { on: true } })), 'true')
  assert.equal(fields['spec.on']?.(thing()), '')
})

test('other versions see an object unless it has fields that they do not know', () => {
  const narrow = {
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } },
  }
  const [first] = kinds([version('v1', { storage: true }), version('v2', { schema: narrow })])
  const view = first?.custom?.views('e.com/v2')
  assert.deepEqual(view?.show(thing({ spec: { size: 1 } })), { ...thing({ spec: { size: 1 } }), apiVersion: 'e.com/v2' })
  assert.throws(() => view?.show(thing({ spec: { on: true } })), new TypingError('.spec.on: field not declared in schema'))
  assert.equal(first?.custom?.views('e.com/v9'), undefined)
})
