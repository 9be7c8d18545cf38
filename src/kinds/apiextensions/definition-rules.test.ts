import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiextensionsV1CustomResourceDefinition } from '../../generated/types.ts'
import { clone } from '../../machinery/json.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateDefinition, validateDefinitionUpdate } from './definition-rules.ts'

type Definition = ApiextensionsV1CustomResourceDefinition

const context = { env: {} } as WriteContext

const definition = (change: (definition: Definition) => void = () => {}): Definition => {
  const made: Definition = {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      conversion: { strategy: 'None' },
    },
    status: { storedVersions: ['v1'] },
  }
  change(made)
  return made
}
const errors = (object: Definition): string[] =>
  validateDefinition(object, context).map(({ field, message }) => `${field}: ${message}`)

test('a sound definition has no errors', () => {
  assert.deepEqual(errors(definition()), [])
})

test('what all versions share is told of once, what differs by version', () => {
  const shared = definition(({ spec }) => {
    spec!.versions![0]!.schema = { openAPIV3Schema: { type: 'string' } }
  })
  assert.deepEqual(errors(shared), ['spec.validation.openAPIV3Schema.type: Invalid value: "string": must be object at the root'])
  const different = definition(({ spec }) => {
    spec!.versions!.push({ name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: {} } })
  })
  assert.deepEqual(errors(different), [
    'spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root',
  ])
})

test('lists of maps need keys that every item has', () => {
  const withList = definition(({ spec }) => {
    const items = { type: 'object', properties: { name: { type: 'string' } } }
    const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name', 'port'] }
    spec!.versions![0]!.schema = { openAPIV3Schema: { type: 'object', properties: { list } } }
  })
  const path = 'spec.validation.openAPIV3Schema.properties[list]'
  assert.deepEqual(errors(withList), [
    `${path}.x-kubernetes-list-map-keys: Invalid value: ["name","port"]: entries must all be names of item properties`,
    `${path}.items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
  ])
})

test('once established, what objects are stored by stays', () => {
  const old = definition(({ status }) => {
    status!.conditions = [{ type: 'Established', status: 'True' }]
  })
  const changed = clone(old)
  changed.spec!.scope = 'Cluster'
  const fields = validateDefinitionUpdate(changed, old, context).map(({ field }) => field)
  assert.deepEqual(fields, ['spec.scope'])
})

test('what was stored before a rule came may stay', () => {
  const lax = definition(({ spec }) => {
    spec!.preserveUnknownFields = true
    spec!.versions![0]!.schema = { openAPIV3Schema: { properties: { a: {} } } }
  })
  assert.deepEqual(validateDefinitionUpdate(clone(lax), lax, context), [])
  assert.ok(errors(lax).length > 0)
})
