import type { Descriptions } from '../descriptions.ts'
import type { ServedGroupVersion, ServedKind } from '../groups.ts'

export const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

export interface Parameter {
  name: string
  in: 'path' | 'query'
  type: 'boolean' | 'integer' | 'string'
  description: string
}

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** One method of one path, in no particular OpenAPI version's words. */
export interface Operation {
  path: string
  method: 'delete' | 'get' | 'head' | 'options' | 'patch' | 'post' | 'put'
  id: string
  description: string
  tag: string
  /** Unset for discovery itself. */
  action?: string
  gvk?: GroupVersionKind
  /** Path and query parameters in any order. */
  parameters: Parameter[]
  /** The body's type. */
  body?: { schema: string; required: boolean }
  /** Status codes besides 401. */
  codes: number[]
  /** The answer's type; a plain string when unset. */
  answer?: string
  consumes: readonly string[]
  produces: readonly string[]
}

export const ANY = ['*/*']
export const ENCODINGS = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
export const ALL_ENCODINGS = [...ENCODINGS, 'application/cbor']
export type QueryTypes = Record<string, Parameter['type']>

export const PRETTY: QueryTypes = { pretty: 'string' }
export const LIST: QueryTypes = {
  continue: 'string',
  fieldSelector: 'string',
  labelSelector: 'string',
  limit: 'integer',
  resourceVersion: 'string',
  resourceVersionMatch: 'string',
  sendInitialEvents: 'boolean',
  shardSelector: 'string',
  timeoutSeconds: 'integer',
}
export const WATCH: QueryTypes = { ...PRETTY, ...LIST, allowWatchBookmarks: 'boolean', watch: 'boolean' }
export const DELETE: QueryTypes = {
  dryRun: 'string',
  gracePeriodSeconds: 'integer',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'boolean',
  orphanDependents: 'boolean',
  propagationPolicy: 'string',
}
export const WRITE: QueryTypes = { dryRun: 'string', fieldManager: 'string', fieldValidation: 'string' }

/** `rbac.authorization.k8s.io` → `RbacAuthorization`, `apps` → `Apps`; the core group is `Core`. */
export function groupTitle(group: string): string {
  const words = group.replace(/\.k8s\.io$/, '').split(/[^A-Za-z0-9_]+/)
  return words.map((word) => title(word || 'core')).join('')
}

export function groupTag(group: string): string {
  const name = groupTitle(group)
  return name.charAt(0).toLowerCase() + name.slice(1)
}

export const title = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** ` a Pod `, ` an APIService`, or nothing before plurals. */
export function article(noun: string): string {
  if (noun.endsWith('s') && !noun.endsWith('ss')) return ''
  return /^[aeiou]/i.test(noun) ? 'an ' : 'a '
}

/** Whether all of a group version is made by definitions. */
export const isCustom = (gv: ServedGroupVersion): boolean => gv.resources.every(({ definition }) => definition.custom)

/** What there is to say of an operation, besides what its kind and its path tell. */
export interface OperationParts {
  description: string
  /** Only `pretty` when unset. */
  query?: QueryTypes
  answer?: string
  codes?: number[]
  body?: Operation['body']
  consumes?: readonly string[]
  produces?: readonly string[]
  /** The kind's own when unset. */
  gvk?: GroupVersionKind | undefined
}

/** Where an operation stands. */
interface OperationPlace extends OperationParts {
  action: string
  method: Operation['method']
  /** From the group version's on. */
  path: string
  /** The verb and the rest of the operationId, between which the group version goes. */
  call: string
}

/** One operation on a kind. @param base the group version's path */
export function operationOf(served: ServedKind, base: string, descriptions: Descriptions, parts: OperationPlace): Operation {
  const { group, version, definition } = served
  const { path, call } = parts
  const [verb, rest] = call.split(':') as [string, string]
  const query = parts.query ?? PRETTY
  // Descriptions are looked up by the id that client libraries give the operation.
  const described = `${verb}${rest}`
  const parameters: Parameter[] = [
    ...Object.entries(query).map(([name, type]): Parameter => ({ name, in: 'query', type, description: '' })),
    ...[...path.matchAll(/\{(\w+)\}/g)].map(
      ([, name]): Parameter => ({
        name: name as string,
        in: 'path',
        type: 'string',
        description: name === 'name' ? `name of the ${parts.gvk?.kind ?? definition.kind}` : '',
      }),
    ),
  ]
  for (const parameter of parameters) {
    if (parameter.description) continue
    const name = parameter.in === 'query' && path.endsWith('{path}') && parameter.name === 'path' ? 'path2' : parameter.name
    parameter.description = descriptions.describeParameter(name, verb, described)
  }
  return {
    path: `${base}/${path}`,
    method: parts.method,
    id: `${verb}${groupTitle(group)}${title(version)}${rest}`,
    description: parts.description,
    tag: `${groupTag(group)}_${version}`,
    action: parts.action,
    gvk: parts.gvk ?? { group, version, kind: definition.kind },
    parameters,
    ...(parts.body ? { body: parts.body } : {}),
    codes: parts.codes ?? [200],
    ...(parts.answer ? { answer: parts.answer } : {}),
    consumes: parts.consumes ?? ANY,
    produces: parts.produces ?? ALL_ENCODINGS,
  }
}
