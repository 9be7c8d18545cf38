import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { BUILT_IN_KINDS } from '../../kinds/all.ts'
import { SchemaFacts } from '../../machinery/schema.ts'
import { Descriptions } from '../descriptions.ts'
import { servedGroups } from '../groups.ts'
import { request } from '../testing.ts'
import { OpenApi } from './openapi.ts'
import facts from './operation-facts.json' with { type: 'json' }
import { groupVersionOperations } from './operations.ts'
import { wholeDocument } from './v2.ts'
import { groupVersionDocument } from './v3.ts'

const schemas = new SchemaFacts()
const descriptions = new Descriptions()
const groups = servedGroups(BUILT_IN_KINDS)
const groupVersions = groups.flatMap((g) => g.versions)

function refsOf(value: unknown, into = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return into
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') into.add(inner)
    else refsOf(inner, into)
  }
  return into
}

/** Follows a reference within its document. */
function resolve(document: object, ref: string): unknown {
  let at: unknown = document
  for (const part of ref.slice(2).split('/')) at = (at as Record<string, unknown> | undefined)?.[part]
  return at
}

for (const gv of groupVersions) {
  const name = gv.group ? `${gv.group}/${gv.version}` : gv.version
  test(`${name}: paths and operations are those of the reference`, () => {
    const lines = groupVersionOperations(gv, descriptions).map((o) => `${o.path} ${o.method} ${o.id}`)
    const digest = createHash('sha256').update(lines.sort().join('\n')).digest('hex')
    assert.deepEqual([lines.length, digest], (facts as unknown as Record<string, unknown>)[name])
  })

  test(`${name}: references resolve, and every kind has its schema`, () => {
    const document = groupVersionDocument(gv, schemas, descriptions)
    for (const ref of refsOf(document)) assert.ok(resolve(document, ref), ref)
    for (const resource of gv.resources) {
      const schema = document.components.schemas?.[resource.schema]
      const gvk = { group: gv.group, kind: resource.definition.kind, version: gv.version }
      assert.deepEqual(schema?.['x-kubernetes-group-version-kind'], [gvk])
    }
  })
}

test('version 2: references resolve, ids are unique', () => {
  const document = wholeDocument(groups, schemas, descriptions)
  for (const ref of refsOf(document)) assert.ok(resolve(document, ref), ref)
  const ids = [...JSON.stringify(document.paths).matchAll(/"operationId":"(\w+)"/g)].map((m) => m[1])
  assert.equal(new Set(ids).size, ids.length)
})

function openApi() {
  const source = { kinds: () => BUILT_IN_KINDS, changes: 0 }
  const served = new OpenApi({ kinds: source, facts: schemas, descriptions, version: {}, clock: () => 0 })
  const get = (path: string, headers: Record<string, string> = {}) => {
    const { exchange, answer } = request(path, headers)
    assert.ok(served.handle(exchange))
    return answer
  }
  return { served, get }
}

test('the index leads to documents that clients may keep', (t) => {
  const { served, get } = openApi()
  t.after(() => served.close())
  const index = JSON.parse(get('/openapi/v3').body.toString())
  const url: string = index.paths['apis/apps/v1'].serverRelativeURL
  const document = get(url)
  assert.equal(document.headers['cache-control'], 'public, immutable')
  assert.equal(document.headers.expires, 'Fri, 01 Jan 1971 00:00:00 GMT')
  assert.ok(JSON.parse(document.body.toString()).paths['/apis/apps/v1/deployments'])
  assert.deepEqual(get(url).body, document.body)
  const moved = get('/openapi/v3/apis/apps/v1?hash=old')
  assert.deepEqual([moved.code, moved.headers.location], [301, url])
  assert.equal(get('/openapi/v3/apis/apps/v1').headers['cache-control'], undefined)
  assert.equal(get(url, { 'if-none-match': String(document.headers.etag) }).code, 304)
  assert.equal(get('/openapi/v3/apis/nothing/v1').code, 404)
  assert.equal(get(url, { accept: 'text/html' }).code, 406)
})

test('old clients get protobuf under its newer name', (t) => {
  const { served, get } = openApi()
  t.after(() => served.close())
  for (const [path, version] of [
    ['/openapi/v2', 'v2'],
    ['/openapi/v3/api/v1', 'v3'],
  ] as const) {
    const answer = get(path, { accept: `application/com.github.proto-openapi.spec.${version}@v1.0+protobuf` })
    assert.equal(answer.headers['content-type'], `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`)
    assert.ok(answer.body.includes('io.k8s.api.core.v1.Pod'))
  }
})
