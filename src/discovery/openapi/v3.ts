import type { SchemaFacts } from '../../machinery/schema.ts'
import type { Descriptions } from '../descriptions.ts'
import { compare, type ServedGroupVersion } from '../groups.ts'
import { CustomTypes } from './custom-schemas.ts'
import { type GroupVersionKind, isCustom, type Operation, type Parameter } from './operation-parts.ts'
import { groupVersionOperations } from './operations.ts'
import { CLIENT_VERSIONS } from './registered.ts'
import { type Schema, SchemaBuilder } from './schemas.ts'

export interface ParameterV3 {
  description?: string
  in: string
  name: string
  required?: true
  schema: Schema
}

export interface MediaTypes {
  [mediaType: string]: { schema?: Schema }
}

export interface OperationV3 {
  description?: string
  operationId: string
  parameters?: ParameterV3[]
  requestBody?: { content: MediaTypes; required?: true }
  responses: Record<string, { content?: MediaTypes; description: string }>
  tags: string[]
  'x-kubernetes-action'?: string
  'x-kubernetes-group-version-kind'?: GroupVersionKind
}

export type PathV3 = { parameters?: ParameterV3[] } & { [method in Operation['method']]?: OperationV3 }

export interface DocumentV3 {
  components: {
    schemas?: Record<string, Schema>
    securitySchemes?: Record<string, { description: string; in: string; name: string; type: string }>
  }
  info: { title: string; version: string }
  openapi: string
  paths: Record<string, PathV3>
}

const BEARER = { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' }

/** The document of one group version. */
export function groupVersionDocument(gv: ServedGroupVersion, facts: SchemaFacts, descriptions: Descriptions): DocumentV3 {
  const own = { group: gv.group, version: gv.version }
  const core = { group: '', version: 'v1' }
  const common = gv.group === '' ? [core] : [core, own]
  const types = new CustomTypes(gv.resources, descriptions, 3)
  const versions = isCustom(gv) ? CLIENT_VERSIONS : common
  const builder = new SchemaBuilder(facts, descriptions, { refs: '#/components/schemas/', version: 3 }, versions, types)
  const document = documentOf(groupVersionOperations(gv, descriptions), builder)
  if (!isCustom(gv)) return document
  const { schemas = {} } = document.components
  return { ...document, components: { schemas }, info: { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' } }
}

/** The document of a few operations of the server itself. */
export function smallDocument(operations: Operation[], facts: SchemaFacts, descriptions: Descriptions): DocumentV3 {
  return documentOf(operations, new SchemaBuilder(facts, descriptions, { refs: '#/components/schemas/', version: 3 }, []))
}

function documentOf(operations: Operation[], builder: SchemaBuilder): DocumentV3 {
  const paths: Record<string, PathV3> = {}
  for (const [path, list] of Map.groupBy(operations, (o) => o.path)) paths[path] = pathItem(list, builder)
  const schemas = builder.all()
  return {
    components: {
      ...(Object.keys(schemas).length ? { schemas } : {}),
      securitySchemes: { BearerToken: BEARER },
    },
    info: { title: 'Kubernetes', version: 'unversioned' },
    openapi: '3.0.0',
    paths,
  }
}

/** Parameters that all of a path's operations share are the path's. */
export function sharedParameters(operations: readonly Operation[]): Parameter[] {
  const [first, ...rest] = operations
  return (first?.parameters ?? []).filter((p) => rest.every((o) => o.parameters.some((q) => sameParameter(p, q)))).sort(byName)
}

export function sameParameter(a: Parameter, b: Parameter): boolean {
  return a.name === b.name && a.in === b.in && a.description === b.description
}

export function byName(a: Parameter, b: Parameter): number {
  return compare(a.name, b.name) || compare(a.in, b.in)
}

function pathItem(operations: Operation[], builder: SchemaBuilder): PathV3 {
  const shared = sharedParameters(operations)
  const item: PathV3 = {}
  for (const operation of operations) item[operation.method] = operationObject(operation, shared, builder)
  if (shared.length) item.parameters = shared.map(parameterObject)
  return item
}

function operationObject(operation: Operation, shared: Parameter[], builder: SchemaBuilder): OperationV3 {
  const own = operation.parameters.filter((p) => !shared.some((s) => sameParameter(s, p))).sort(byName)
  const answer = (): Schema => (operation.answer ? builder.ref(operation.answer) : { type: 'string' })
  const content = (types: readonly string[], schema: () => Schema): MediaTypes =>
    Object.fromEntries([...types].sort(compare).map((type) => [type, { schema: schema() }]))
  const responses: OperationV3['responses'] = {}
  for (const code of operation.codes) {
    responses[code] = { content: content(operation.produces, answer), description: REASONS[code] ?? '' }
  }
  responses[401] = { description: 'Unauthorized' }
  const { body } = operation
  return {
    ...(operation.description ? { description: operation.description } : {}),
    operationId: operation.id,
    ...(own.length ? { parameters: own.map(parameterObject) } : {}),
    ...(body
      ? {
          requestBody: {
            content: content(operation.consumes, () => builder.ref(body.schema)),
            ...(body.required ? { required: true as const } : {}),
          },
        }
      : {}),
    responses,
    tags: [operation.tag],
    ...(operation.action ? { 'x-kubernetes-action': operation.action } : {}),
    ...(operation.gvk ? { 'x-kubernetes-group-version-kind': operation.gvk } : {}),
  }
}

export const REASONS: Record<number, string> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }

function parameterObject(parameter: Parameter): ParameterV3 {
  return {
    ...(parameter.description ? { description: parameter.description } : {}),
    in: parameter.in,
    name: parameter.name,
    ...(parameter.in === 'path' ? { required: true as const } : {}),
    schema: { type: parameter.type, uniqueItems: true },
  }
}
