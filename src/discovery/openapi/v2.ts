import { createHash } from 'node:crypto'
import type { SchemaFacts } from '../../machinery/schema.ts'
import type { Descriptions } from '../descriptions.ts'
import { compare, type ServedGroup } from '../groups.ts'
import { CustomTypes } from './custom-schemas.ts'
import type { GroupVersionKind, Operation, Parameter } from './operation-parts.ts'
import { groupVersionOperations } from './operations.ts'
import { REGISTERED_VERSIONS } from './registered.ts'
import { type Schema, SchemaBuilder } from './schemas.ts'
import { serverOperations } from './server-operations.ts'
import { byName, REASONS, sameParameter, sharedParameters } from './v3.ts'

export interface ParameterV2 {
  $ref?: string
  description?: string
  in?: string
  name?: string
  required?: true
  schema?: Schema
  type?: string
  uniqueItems?: true
}

export interface OperationV2 {
  consumes?: readonly string[]
  description?: string
  operationId: string
  parameters?: ParameterV2[]
  produces?: readonly string[]
  responses: Record<string, { description: string; schema?: Schema }>
  schemes: string[]
  tags: string[]
  'x-kubernetes-action'?: string
  'x-kubernetes-group-version-kind'?: GroupVersionKind
}

export type PathV2 = { parameters?: ParameterV2[] } & { [method in Operation['method']]?: OperationV2 }

export interface DocumentV2 {
  definitions: Record<string, Schema>
  info: { title: string; version: string }
  parameters: Record<string, ParameterV2>
  paths: Record<string, PathV2>
  security: Record<string, string[]>[]
  securityDefinitions: Record<string, { description: string; in: string; name: string; type: string }>
  swagger: string
}

/** Parameters that are written out wherever they occur; others are shared by reference. */
const INLINE = new Set(['dryRun', 'fieldValidation', 'name'])

/** The one document of everything, for clients from before version 3. */
export function wholeDocument(groups: readonly ServedGroup[], facts: SchemaFacts, descriptions: Descriptions): DocumentV2 {
  const types = new CustomTypes(
    groups.flatMap(({ versions }) => versions.flatMap(({ resources }) => resources)),
    descriptions,
    2,
  )
  const builder = new SchemaBuilder(facts, descriptions, { refs: '#/definitions/', version: 2 }, REGISTERED_VERSIONS, types)
  const parameters = new SharedParameters()
  const operations = [...serverOperations(groups).values()].flat()
  for (const group of groups) for (const gv of group.versions) operations.push(...groupVersionOperations(gv, descriptions))
  operations.sort((a, b) => compare(a.path, b.path))
  const paths: Record<string, PathV2> = {}
  for (const [path, list] of Map.groupBy(operations, (o) => o.path)) paths[path] = pathItem(list, builder, parameters)
  return {
    definitions: builder.all(),
    info: { title: 'Kubernetes', version: 'unversioned' },
    parameters: parameters.all(),
    paths,
    security: [{ BearerToken: [] }],
    securityDefinitions: {
      BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' },
    },
    swagger: '2.0',
  }
}

/** Names parameters by their name and a hash of their content. */
class SharedParameters {
  readonly #names = new Map<string, string>()
  readonly #byName = new Map<string, ParameterV2>()

  share(parameter: ParameterV2): ParameterV2 {
    const text = JSON.stringify(parameter)
    let name = this.#names.get(text)
    if (!name) {
      name = `${parameter.name}-${createHash('sha224').update(text).digest().subarray(0, 6).toString('base64url')}`
      this.#names.set(text, name)
      this.#byName.set(name, parameter)
    }
    return { $ref: `#/parameters/${name}` }
  }

  all(): Record<string, ParameterV2> {
    return Object.fromEntries([...this.#byName].sort(([a], [b]) => compare(a, b)))
  }
}

function pathItem(operations: Operation[], builder: SchemaBuilder, parameters: SharedParameters): PathV2 {
  const shared = sharedParameters(operations)
  const item: PathV2 = {}
  for (const operation of operations) item[operation.method] = operationObject(operation, shared, builder, parameters)
  if (shared.length) item.parameters = shared.map((p) => parameterObject(p, parameters))
  return item
}

function bodyParameter(body: NonNullable<Operation['body']>, builder: SchemaBuilder, parameters: SharedParameters): ParameterV2 {
  const object: ParameterV2 = {
    in: 'body',
    name: 'body',
    ...(body.required ? { required: true as const } : {}),
    schema: builder.ref(body.schema),
  }
  return /\.(DeleteOptions|Patch)$/.test(body.schema) ? parameters.share(object) : object
}

function operationObject(
  operation: Operation,
  shared: Parameter[],
  builder: SchemaBuilder,
  parameters: SharedParameters,
): OperationV2 {
  const own = operation.parameters.filter((p) => !shared.some((s) => sameParameter(s, p))).sort(byName)
  const body = operation.body ? [bodyParameter(operation.body, builder, parameters)] : []
  const list = [...body, ...own.map((p) => parameterObject(p, parameters))]
  const responses: OperationV2['responses'] = {}
  for (const code of operation.codes) {
    const schema: Schema = operation.answer ? builder.ref(operation.answer) : { type: 'string' }
    responses[code] = { description: REASONS[code] ?? '', schema }
  }
  responses[401] = { description: 'Unauthorized' }
  return {
    ...(operation.consumes.length ? { consumes: operation.consumes } : {}),
    ...(operation.description ? { description: operation.description } : {}),
    operationId: operation.id,
    ...(list.length ? { parameters: list } : {}),
    ...(operation.produces.length ? { produces: operation.produces } : {}),
    responses,
    schemes: ['https'],
    tags: [operation.tag],
    ...(operation.action ? { 'x-kubernetes-action': operation.action } : {}),
    ...(operation.gvk ? { 'x-kubernetes-group-version-kind': operation.gvk } : {}),
  }
}

function parameterObject(parameter: Parameter, parameters: SharedParameters): ParameterV2 {
  const object: ParameterV2 = {
    ...(parameter.description ? { description: parameter.description } : {}),
    in: parameter.in,
    name: parameter.name,
    ...(parameter.in === 'path' ? { required: true as const } : {}),
    type: parameter.type,
    uniqueItems: true,
  }
  return INLINE.has(parameter.name) ? object : parameters.share(object)
}
