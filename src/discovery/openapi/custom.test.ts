import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../../machinery/json.ts'
import type { Schema as Declared } from '../../machinery/json-schema/schema.ts'
import { SchemaFacts } from '../../machinery/schema.ts'
import { type CustomKind, defineKind, type KindDefinition } from '../../registry/kind.ts'
import { Descriptions } from '../descriptions.ts'
import { servedGroups } from '../groups.ts'
import { OpenApi } from './openapi.ts'
import { encodeV2 } from './protobuf-v2.ts'
import { encodeV3 } from './protobuf-v3.ts'
import type { Schema } from './schemas.ts'
import { wholeDocument } from './v2.ts'
import { groupVersionDocument } from './v3.ts'

const facts = new SchemaFacts()
const descriptions = new Descriptions()
const TYPE = 'com.example.stable.v1.CronTab'
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

function cronTab(schema: Declared | undefined, more: Partial<KindDefinition> = {}): KindDefinition {
  const kind = defineKind({
    group: 'stable.example.com',
    version: 'v1',
    kind: 'CronTab',
    resource: 'crontabs',
    scope: 'Namespaced',
    schema: TYPE,
    status: true,
    ...(schema ? { jsonSchemas: { v1: schema } } : {}),
    custom: { listKind: 'CronTabList', storageVersion: 'v1' } as CustomKind,
  })
  return { ...kind, ...more }
}

const groupVersion = (kind: KindDefinition) => servedGroups([kind])[0]!.versions[0]!
const document3 = (kind: KindDefinition) => groupVersionDocument(groupVersion(kind), facts, descriptions)
const document2 = (kind: KindDefinition) => wholeDocument(servedGroups([kind]), facts, descriptions)
const version3 = (schema: Declared | undefined): Schema => document3(cronTab(schema)).components.schemas?.[TYPE] as Schema
const version2 = (schema: Declared | undefined): Schema => document2(cronTab(schema)).definitions[TYPE] as Schema

/** The schema that is published of one declared for `spec`. */
const spec3 = (spec: Declared) => version3({ type: 'object', properties: { spec } }).properties?.spec
const spec2 = (spec: Declared) => version2({ type: 'object', properties: { spec } }).properties?.spec

suite('schemas of custom resources', () => {
  const gvk = [{ group: 'stable.example.com', kind: 'CronTab', version: 'v1' }]

  test('have what every resource has', () => {
    const schema = version3({ type: 'object', description: 'a table', properties: { spec: { type: 'object' } } })
    assert.deepEqual(Object.keys(schema.properties ?? {}), ['apiVersion', 'kind', 'metadata', 'spec'])
    assert.equal(schema.description, 'a table')
    assert.equal(schema.properties?.kind?.type, 'string')
    assert.deepEqual(schema['x-kubernetes-group-version-kind'], gvk)
    const reference = { $ref: `#/components/schemas/${META}.ObjectMeta` }
    const { metadata } = schema.properties ?? {}
    assert.deepEqual(metadata?.description ? metadata.allOf : [metadata], [reference])
    assert.equal(version2({ type: 'object' }).properties?.metadata?.$ref, `#/definitions/${META}.ObjectMeta`)
  })

  test('without a declared one are any objects', () => {
    for (const schema of [version3(undefined), version2(undefined)]) {
      assert.deepEqual(schema, { type: 'object', 'x-kubernetes-group-version-kind': gvk })
    }
    assert.equal(version2({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }).properties, undefined)
    assert.ok(version3({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }).properties?.metadata)
  })

  test('say that integers or strings are so, in version 3', () => {
    const either: Declared = { 'x-kubernetes-int-or-string': true }
    const types = [{ type: 'integer' }, { type: 'string' }]
    assert.deepEqual(spec3(either), { anyOf: types, ...either })
    assert.deepEqual(spec3({ ...either, anyOf: types }), { anyOf: types, ...either })
    assert.deepEqual(spec3({ ...either, anyOf: [{ minimum: 42 }], allOf: [{ minimum: 1 }] }), {
      allOf: [{ anyOf: types }, { minimum: 1 }],
      anyOf: [{ minimum: 42 }],
      ...either,
    })
    assert.deepEqual(spec2({ ...either, anyOf: types }), either)
  })

  test('in version 2 leave out what it can not say', () => {
    const text: Declared = { type: 'string', nullable: true, default: 'x' }
    const object: Declared = { type: 'object', properties: { a: text, b: { type: 'string' } }, required: ['a', 'b'] }
    assert.deepEqual(spec3(object), {
      properties: { a: { default: 'x', nullable: true, type: 'string' }, b: { type: 'string' } },
      required: ['a', 'b'],
      type: 'object',
    })
    assert.deepEqual(spec2(object), { properties: { a: {}, b: { type: 'string' } }, required: ['b'], type: 'object' })
    assert.deepEqual(spec2({ ...object, nullable: true }), { required: ['a', 'b'] })
    assert.deepEqual(spec2({ ...object, 'x-kubernetes-preserve-unknown-fields': true }), {
      required: ['a', 'b'],
      'x-kubernetes-preserve-unknown-fields': true,
    })
    assert.deepEqual(spec2({ type: 'array', nullable: true, items: text as JsonObject }), {})
    assert.deepEqual(spec2({ type: 'integer', not: { minimum: 1 }, oneOf: [{ maximum: 0 }], maximum: 5 }), {
      maximum: 5,
      type: 'integer',
    })
  })

  test('name what embedded resources have', () => {
    const embedded: Declared = {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      'x-kubernetes-preserve-unknown-fields': true,
    }
    const published = spec3(embedded)
    assert.deepEqual(Object.keys(published?.properties ?? {}), ['apiVersion', 'kind', 'metadata'])
    assert.deepEqual(published?.required, ['kind', 'apiVersion'])
    assert.equal(spec2(embedded)?.properties, undefined)
  })

  test('of lists', () => {
    const list = document3(cronTab({ type: 'object' })).components.schemas?.[`${TYPE}List`]
    assert.equal(list?.description, 'CronTabList is a list of CronTab')
    assert.deepEqual(list?.required, ['items'])
    assert.deepEqual(list?.properties?.items?.items, { $ref: `#/components/schemas/${TYPE}` })
    assert.deepEqual(list?.['x-kubernetes-group-version-kind'], [{ ...gvk[0], kind: 'CronTabList' }])
  })
})

suite('paths of custom resources', () => {
  const operations = (kind: KindDefinition): string[] =>
    Object.entries(document3(kind).paths).flatMap(([path, item]) =>
      (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
        const operation = item[method]
        return operation ? [`${path.replace('/apis/stable.example.com/v1/', '')} ${operation.operationId}`] : []
      }),
    )

  test('have every verb, but no old watches', () => {
    const scale = { name: 'scale', verbs: ['get', 'patch', 'update'] as const }
    const one = 'namespaces/{namespace}/crontabs/{name}'
    const of = (part: string): string[] =>
      ['read', 'replace', 'patch'].map(
        (verb) => `${one}${part && `/${part.toLowerCase()}`} ${verb}StableExampleComV1NamespacedCronTab${part}`,
      )
    assert.deepEqual(operations(cronTab({ type: 'object' }, { subresources: [scale] })).sort(), [
      'crontabs listStableExampleComV1CronTabForAllNamespaces',
      'namespaces/{namespace}/crontabs createStableExampleComV1NamespacedCronTab',
      'namespaces/{namespace}/crontabs deleteStableExampleComV1CollectionNamespacedCronTab',
      'namespaces/{namespace}/crontabs listStableExampleComV1NamespacedCronTab',
      ...[...of(''), `${one} deleteStableExampleComV1NamespacedCronTab`, ...of('Scale'), ...of('Status')].sort(),
    ])
    assert.deepEqual(
      operations(cronTab(undefined, { scope: 'Cluster' })).filter((line) => line.startsWith('crontabs ')).length,
      3,
    )
  })

  test('take JSON and YAML', () => {
    const { paths, info, components } = document3(cronTab({ type: 'object' }))
    const item = paths['/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}']
    assert.deepEqual(Object.keys(item?.put?.requestBody?.content ?? {}), ['application/json', 'application/yaml'])
    assert.deepEqual(Object.keys(item?.patch?.requestBody?.content ?? {}), [
      'application/apply-patch+yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
    ])
    assert.deepEqual(Object.keys(item?.patch?.responses ?? {}), ['200', '401'])
    assert.deepEqual(item?.get?.tags, ['stableExampleCom_v1'])
    assert.deepEqual(info, { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' })
    assert.equal(components.securitySchemes, undefined)
  })

  test('of groups whose names have dashes', () => {
    const { paths } = document3(cronTab(undefined, { group: 'my-own.example.com' }))
    const item = paths['/apis/my-own.example.com/v1/crontabs']
    assert.equal(item?.get?.operationId, 'listMyOwnExampleComV1CronTabForAllNamespaces')
  })
})

test('documents can be had as protobuf, and change with the schema', () => {
  const limited = cronTab({
    type: 'object',
    properties: {
      n: { type: 'integer', minimum: 1, enum: [1, 2], not: { maximum: 0 } },
      any: { type: 'object', additionalProperties: true },
    },
  })
  assert.ok(encodeV3(document3(limited)).includes(TYPE))
  assert.ok(encodeV2(document2(limited)).includes(TYPE))
  const index = (kind: KindDefinition): string => {
    const served = new OpenApi({ kinds: { kinds: () => [kind], changes: 0 }, facts, descriptions, version: {}, clock: () => 0 })
    let body = ''
    const exchange = {
      path: '/openapi/v3',
      header: () => undefined,
      query: new URLSearchParams(),
      respond: (_code: number, _type: string, text: string) => {
        body = String(text)
      },
    }
    served.handle(exchange as never)
    const { paths } = JSON.parse(body)
    assert.ok(!('apis/stable.example.com' in paths))
    return paths['apis/stable.example.com/v1'].serverRelativeURL
  }
  assert.equal(index(limited), index(limited))
  assert.notEqual(index(limited), index(cronTab({ type: 'object' })))
})
