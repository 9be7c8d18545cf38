import type { Descriptions } from '../descriptions.ts'
import { compare, type ServedGroupVersion, type ServedKind, type ServedSubresource } from '../groups.ts'
import { customOperations } from './custom.ts'
import {
  ALL_ENCODINGS,
  ANY,
  article,
  DELETE,
  type GroupVersionKind,
  groupTag,
  groupTitle,
  isCustom,
  LIST,
  META,
  type Operation,
  type OperationParts,
  operationOf,
  PRETTY,
  type QueryTypes,
  title,
  WATCH,
  WRITE,
} from './operation-parts.ts'

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

/** All operations of one group version, by path and method. */
export function groupVersionOperations(gv: ServedGroupVersion, descriptions: Descriptions): Operation[] {
  const base = gv.group ? `/apis/${gv.group}/${gv.version}` : `/api/${gv.version}`
  // Nobody tells that the versions of custom resources can be discovered.
  const operations = isCustom(gv) ? [] : [discoveryOperation(gv, `${base}/`)]
  for (const served of gv.resources) {
    const own = served.definition.custom
      ? customOperations(served, base, descriptions)
      : new KindOperations(served, base, descriptions).all()
    operations.push(...own)
  }
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
  readonly #operations: Operation[] = []

  constructor(served: ServedKind, base: string, descriptions: Descriptions) {
    this.#served = served
    this.#base = base
    this.#descriptions = descriptions
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

  #add(action: string, method: Operation['method'], path: string, call: string, more: OperationParts): void {
    this.#operations.push(operationOf(this.#served, this.#base, this.#descriptions, { action, method, path, call, ...more }))
  }
}
