import type { Descriptions } from '../descriptions.ts'
import type { ServedKind } from '../groups.ts'
import {
  article,
  DELETE,
  META,
  type Operation,
  operationOf,
  PRETTY,
  type QueryTypes,
  title,
  WATCH,
  WRITE,
} from './operation-parts.ts'
import { SCALE_TYPE } from './schemas.ts'

/** Custom resources are JSON and nothing else. */
const ENCODINGS = ['application/json', 'application/yaml']
const PATCHES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']

const GET: QueryTypes = { ...PRETTY, resourceVersion: 'string' }

/** What can be done with a custom resource: said in other words than of built-in kinds, and without the old watches. */
export function customOperations(served: ServedKind, base: string, descriptions: Descriptions): Operation[] {
  const { definition, schema } = served
  const { kind, resource, scope, custom } = definition
  const namespaced = scope === 'Namespaced'
  const scoped = `${namespaced ? 'Namespaced' : ''}${kind}`
  const collection = namespaced ? `namespaces/{namespace}/${resource}` : resource
  const one = `${collection}/{name}`
  const operations: Operation[] = []
  const add = (
    action: string,
    method: Operation['method'],
    path: string,
    call: string,
    more: Pick<Operation, 'description'> &
      Partial<Pick<Operation, 'answer' | 'body' | 'codes' | 'consumes'>> & { query?: QueryTypes },
  ): void => {
    const shared = { consumes: ENCODINGS, produces: ENCODINGS, answer: schema }
    operations.push(operationOf(served, base, descriptions, { ...shared, action, method, path, call, ...more }))
  }
  const listed = { description: `list objects of kind ${kind}`, answer: `${schema.slice(0, -kind.length)}${custom?.listKind}` }
  const list = { ...listed, query: WATCH }
  if (namespaced) add('list', 'get', resource, `list:${kind}ForAllNamespaces`, list)
  add('list', 'get', collection, `list:${scoped}`, list)
  add('post', 'post', collection, `create:${scoped}`, {
    description: `create ${article(kind)}${kind}`,
    query: { ...PRETTY, ...WRITE },
    codes: [200, 201, 202],
    body: { schema, required: true },
  })
  add('deletecollection', 'delete', collection, `delete:Collection${scoped}`, {
    description: `delete collection of ${kind}`,
    query: WATCH,
    answer: `${META}.Status`,
  })
  add('delete', 'delete', one, `delete:${scoped}`, {
    description: `delete ${article(kind)}${kind}`,
    query: { ...PRETTY, ...DELETE },
    answer: `${META}.Status`,
    codes: [200, 202],
    body: { schema: `${META}.DeleteOptions`, required: false },
  })
  const parts = ['', ...served.subresources.map(({ name }) => name)]
  for (const part of parts) {
    const of = part ? `${part} of ` : ''
    const type = part === 'scale' ? SCALE_TYPE : schema
    const path = part ? `${one}/${part}` : one
    const id = `${scoped}${title(part)}`
    add('get', 'get', path, `read:${id}`, { description: `read ${of}the specified ${kind}`, query: GET, answer: type })
    add('put', 'put', path, `replace:${id}`, {
      description: `replace ${of}the specified ${kind}`,
      query: { ...PRETTY, ...WRITE },
      answer: type,
      codes: [200, 201],
      body: { schema: type, required: true },
    })
    add('patch', 'patch', path, `patch:${id}`, {
      description: `partially update ${of}the specified ${kind}`,
      query: { ...PRETTY, ...WRITE, force: 'boolean' },
      answer: type,
      body: { schema: `${META}.Patch`, required: true },
      consumes: PATCHES,
    })
  }
  return operations
}
