import type { Descriptions } from '../descriptions.ts'
import { compare, type ServedGroupVersion, type ServedKind, type ServedSubresource } from '../groups.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

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

const ANY = ['*/*']
export const ENCODINGS = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const ALL_ENCODINGS = [...ENCODINGS, 'application/cbor']
const STREAMS = [
  ...ALL_ENCODINGS,
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
  'application/cbor-seq',
]
const PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
]

type QueryTypes = Record<string, Parameter['type']>

const PRETTY: QueryTypes = { pretty: 'string' }
const LIST: QueryTypes = {
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
const WATCH: QueryTypes = { ...PRETTY, ...LIST, allowWatchBookmarks: 'boolean', watch: 'boolean' }
const DELETE: QueryTypes = {
  dryRun: 'string',
  gracePeriodSeconds: 'integer',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'boolean',
  orphanDependents: 'boolean',
  propagationPolicy: 'string',
}
const WRITE: QueryTypes = { dryRun: 'string', fieldManager: 'string', fieldValidation: 'string' }

const CONTAINER: QueryTypes = { container: 'string', stderr: 'boolean', stdin: 'boolean', stdout: 'boolean', tty: 'boolean' }

/** Query parameters of the subresources that stream: they are the fields of their options types. */
const OPTIONS: Record<string, QueryTypes> = {
  PodAttachOptions: CONTAINER,
  PodExecOptions: { ...CONTAINER, command: 'string' },
  PodPortForwardOptions: { ports: 'integer' },
  NodeProxyOptions: { path: 'string' },
  PodProxyOptions: { path: 'string' },
  ServiceProxyOptions: { path: 'string' },
}
const LOG: QueryTypes = {
  ...PRETTY,
  container: 'string',
  follow: 'boolean',
  insecureSkipTLSVerifyBackend: 'boolean',
  limitBytes: 'integer',
  previous: 'boolean',
  sinceSeconds: 'integer',
  stream: 'string',
  tailLines: 'integer',
  timestamps: 'boolean',
}

/** `rbac.authorization.k8s.io` → `RbacAuthorization`, `apps` → `Apps`; the core group is `Core`. */
export function groupTitle(group: string): string {
  const words = group.replace(/\.k8s\.io$/, '').split('.')
  return words.map((word) => title(word || 'core')).join('')
}

export function groupTag(group: string): string {
  const name = groupTitle(group)
  return name.charAt(0).toLowerCase() + name.slice(1)
}

const title = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** ` a Pod `, ` an APIService`, or nothing before plurals. */
function article(noun: string): string {
  if (noun.endsWith('s') && !noun.endsWith('ss')) return ''
  return /^[aeiou]/i.test(noun) ? 'an ' : 'a '
}

/** All operations of one group version, by path and method. */
export function groupVersionOperations(gv: ServedGroupVersion, descriptions: Descriptions): Operation[] {
  const base = gv.group ? `/apis/${gv.group}/${gv.version}` : `/api/${gv.version}`
  const operations = [discoveryOperation(gv, `${base}/`)]
  for (const served of gv.resources) operations.push(...new KindOperations(served, base, descriptions).all())
  return operations.sort((a, b) => compare(a.path, b.path) || compare(a.method, b.method))
}

function discoveryOperation(gv: ServedGroupVersion, path: string): Operation {
  return {
    path,
    method: 'get',
    id: `get${groupTitle(gv.group)}${title(gv.version)}APIResources`,
    description: 'get available resources',
    tag: `${groupTag(gv.group)}_${gv.version}`,
    parameters: [],
    codes: [200],
    answer: `${META}.APIResourceList`,
    consumes: ALL_ENCODINGS,
    produces: ALL_ENCODINGS,
  }
}

class KindOperations {
  readonly #served: ServedKind
  readonly #base: string
  readonly #descriptions: Descriptions
  readonly #gvk: GroupVersionKind
  readonly #operations: Operation[] = []

  constructor(served: ServedKind, base: string, descriptions: Descriptions) {
    this.#served = served
    this.#base = base
    this.#descriptions = descriptions
    this.#gvk = { group: served.group, version: served.version, kind: served.definition.kind }
  }

  all(): Operation[] {
    const { definition, schema } = this.#served
    const { kind, resource } = definition
    const namespaced = definition.scope === 'Namespaced'
    const collection = namespaced ? `namespaces/{namespace}/${resource}` : resource
    const one = `${collection}/{name}`
    const scoped = `${namespaced ? 'Namespaced' : ''}${kind}`
    const has = (verb: string) => (definition.verbs as readonly string[]).includes(verb)
    const list = `${schema}List`
    // Namespaces answer with the object, but say that they don't.
    const deleted = definition.returnsDeleted && !definition.termination ? schema : `${META}.Status`
    const watchNote = "deprecated: use the 'watch' parameter with a list operation instead"

    if (has('list')) {
      const description = `list ${has('watch') ? 'or watch ' : ''}objects of kind ${kind}`
      const shared = { description, query: WATCH, answer: list, produces: STREAMS }
      this.#add('list', 'get', collection, `list:${scoped}`, shared)
      if (namespaced) this.#add('list', 'get', resource, `list:${kind}ForAllNamespaces`, shared)
    }
    if (has('create'))
      this.#write('post', collection, `create:${scoped}`, `create ${article(kind)}${kind}`, schema, schema, WRITE)
    if (has('deletecollection')) {
      this.#add('deletecollection', 'delete', collection, `delete:Collection${scoped}`, {
        description: `delete collection of ${kind}`,
        query: { ...PRETTY, ...LIST, ...DELETE },
        answer: `${META}.Status`,
        body: { schema: `${META}.DeleteOptions`, required: false },
      })
    }
    if (has('get')) this.#add('get', 'get', one, `read:${scoped}`, { description: `read the specified ${kind}`, answer: schema })
    if (has('update')) this.#write('put', one, `replace:${scoped}`, `replace the specified ${kind}`, schema, schema, WRITE)
    if (has('patch')) this.#patch(one, `patch:${scoped}`, `partially update the specified ${kind}`, schema)
    if (has('delete')) {
      this.#add('delete', 'delete', one, `delete:${scoped}`, {
        description: `delete ${article(kind)}${kind}`,
        query: { ...PRETTY, ...DELETE },
        answer: deleted,
        codes: [200, 202],
        body: { schema: `${META}.DeleteOptions`, required: false },
      })
    }
    if (has('watch')) {
      const shared = { query: WATCH, answer: `${META}.WatchEvent`, produces: STREAMS }
      const description = `watch individual changes to a list of ${kind}. ${watchNote}.`
      this.#add('watchlist', 'get', `watch/${collection}`, `watch:${scoped}List`, { ...shared, description })
      if (namespaced) {
        this.#add('watchlist', 'get', `watch/${resource}`, `watch:${kind}ListForAllNamespaces`, { ...shared, description })
      }
      if (has('get')) {
        const description = `watch changes to an object of kind ${kind}. ${watchNote}, filtered to a single item with the 'fieldSelector' parameter.`
        this.#add('watch', 'get', `watch/${one}`, `watch:${scoped}`, { ...shared, description })
      }
    }
    for (const subresource of this.#served.subresources) this.#subresource(subresource, one, scoped)
    return this.#operations
  }

  #subresource(subresource: ServedSubresource, one: string, scoped: string): void {
    const { kind } = this.#served.definition
    const { name } = subresource
    const { schema } = subresource.kind
    const path = `${one}/${name}`
    const id = `${scoped}${title(name)}`
    const gvk: GroupVersionKind = {
      group: subresource.kind.group,
      version: subresource.kind.version,
      kind: subresource.kind.kind,
    }
    const connect = subresource.definition?.connect
    if (connect && name !== 'log') {
      const query = OPTIONS[gvk.kind] ?? {}
      for (const method of connect) {
        const description = `connect ${method} requests to ${name} of ${kind}`
        const call = `connect:${title(method.toLowerCase())}${id}`
        const shared = { description, gvk, query, produces: ANY }
        this.#add('connect', method.toLowerCase() as Operation['method'], path, call, shared)
        if (name === 'proxy') {
          this.#add('connect', method.toLowerCase() as Operation['method'], `${path}/{path}`, `${call}WithPath`, shared)
        }
      }
      return
    }
    const has = (verb: string) => subresource.verbs.includes(verb)
    if (has('get')) {
      const description = `read ${name} of the specified ${kind}`
      // A log is text, whatever else its path says.
      const log = name === 'log'
      const produces = log ? ['text/plain', ...ALL_ENCODINGS] : ALL_ENCODINGS
      this.#add('get', 'get', path, `read:${id}`, {
        description,
        gvk,
        produces,
        query: log ? LOG : PRETTY,
        ...(log ? {} : { answer: schema }),
      })
    }
    if (has('create')) {
      this.#write('post', path, `create:${id}`, `create ${name} of ${article(kind)}${kind}`, schema, schema, WRITE, gvk)
    }
    if (has('update')) {
      this.#write('put', path, `replace:${id}`, `replace ${name} of the specified ${kind}`, schema, schema, WRITE, gvk)
    }
    if (has('patch')) this.#patch(path, `patch:${id}`, `partially update ${name} of the specified ${kind}`, schema, gvk)
  }

  #write(
    method: 'post' | 'put',
    path: string,
    call: string,
    description: string,
    schema: string,
    answer: string,
    query: QueryTypes,
    gvk?: GroupVersionKind,
  ): void {
    const codes = method === 'post' ? [200, 201, 202] : [200, 201]
    const body = { schema, required: true }
    this.#add(method, method, path, call, { description, answer, codes, body, query: { ...PRETTY, ...query }, gvk })
  }

  #patch(path: string, call: string, description: string, answer: string, gvk?: GroupVersionKind): void {
    this.#add('patch', 'patch', path, call, {
      description,
      answer,
      gvk,
      codes: [200, 201],
      body: { schema: `${META}.Patch`, required: true },
      query: { ...PRETTY, ...WRITE, force: 'boolean' },
      consumes: PATCHES,
    })
  }

  /** @param call the verb and the rest of the operationId, between which the group version goes */
  #add(
    action: string,
    method: Operation['method'],
    path: string,
    call: string,
    more: {
      description: string
      query?: QueryTypes
      answer?: string
      codes?: number[]
      body?: Operation['body']
      consumes?: readonly string[]
      produces?: readonly string[]
      gvk?: GroupVersionKind | undefined
    },
  ): void {
    const { group, version, definition } = this.#served
    const [verb, rest] = call.split(':') as [string, string]
    const groupVersion = `${groupTitle(group)}${title(version)}`
    const query = more.query ?? PRETTY
    // Descriptions are looked up by the id that client libraries give the operation.
    const described = `${verb}${rest}`
    const parameters: Parameter[] = [
      ...Object.entries(query).map(([name, type]): Parameter => ({ name, in: 'query', type, description: '' })),
      ...[...path.matchAll(/\{(\w+)\}/g)].map(
        ([, name]): Parameter => ({
          name: name as string,
          in: 'path',
          type: 'string',
          description: name === 'name' ? `name of the ${more.gvk?.kind ?? definition.kind}` : '',
        }),
      ),
    ]
    for (const parameter of parameters) {
      if (parameter.description) continue
      const name = parameter.in === 'query' && path.endsWith('{path}') && parameter.name === 'path' ? 'path2' : parameter.name
      parameter.description = this.#descriptions.describeParameter(name, verb, described)
    }
    this.#operations.push({
      path: `${this.#base}/${path}`,
      method,
      id: `${verb}${groupVersion}${rest}`,
      description: more.description,
      tag: `${groupTag(group)}_${version}`,
      action,
      gvk: more.gvk ?? this.#gvk,
      parameters,
      ...(more.body ? { body: more.body } : {}),
      codes: more.codes ?? [200],
      ...(more.answer ? { answer: more.answer } : {}),
      consumes: more.consumes ?? ANY,
      produces: more.produces ?? ALL_ENCODINGS,
    })
  }
}
