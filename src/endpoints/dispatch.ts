import type { Exchange } from '../machinery/exchange.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { methodNotSupported, pathNotFound, StatusError } from '../machinery/status.ts'
import type { Subresource, Verb } from '../registry/kind.ts'
import type { Endpoint, Registry } from '../registry/registry.ts'
import { connect } from './connect.ts'
import { routeCustom } from './custom-routes.ts'
import { remove, removeCollection } from './delete.ts'
import { type Call, contextOf, type EndpointDeps } from './deps.ts'
import { answerValue, wantsPretty } from './encode.ts'
import { negotiate } from './negotiation.ts'
import { patch } from './patch.ts'
import { get, list } from './read.ts'
import { watch } from './watch.ts'
import { create, createSubresource, getSubresource, update, updateSubresource, warnDeprecated } from './write.ts'

/** The path has a resource, but not with this method. */
function methodNotAllowed(): StatusError {
  return new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
}

const STATUS: Subresource<KubeObject> = { name: 'status', verbs: ['get', 'patch', 'update'] }

/** Leads requests for resources to the function of their verb. */
export class Dispatcher {
  readonly #registry: Registry
  readonly #deps: EndpointDeps

  constructor(registry: Registry, deps: EndpointDeps) {
    this.#registry = registry
    this.#deps = deps
  }

  /** @returns false when the path names no group that is served: such paths aren't the API's */
  handle(exchange: Exchange): boolean | Promise<boolean> {
    const { info } = exchange
    if (!info.isResource) return false
    const endpoint = this.#registry.find(info.apiGroup, info.apiVersion, info.resource)
    if (!endpoint) {
      if (!this.#registry.servesGroup(info.apiGroup)) return false
      throw pathNotFound()
    }
    const call = { exchange, endpoint, deps: this.#deps }
    const done = endpoint.served.kind.custom ? routeCustom(call) : this.#route(call)
    if (!done) return false
    // Only now is it sure that the whole path names something.
    exchange.isServed = true
    return done.then(() => true)
  }

  #route(call: Call): Promise<void> {
    const { exchange, endpoint } = call
    const { info } = exchange
    const namespaced = endpoint.served.kind.scope === 'Namespaced'
    const isNamespaces = info.resource === 'namespaces' && info.apiGroup === ''
    if (info.verb === 'proxy') throw pathNotFound()
    if (namespaced && !info.namespace && info.parts.length > 1) throw pathNotFound()
    if (!namespaced && info.namespace && !(isNamespaces && info.parts.length > 1)) throw pathNotFound()
    warnDeprecated(call)
    if (info.parts.length <= 1) return this.#collection(call)
    if (info.parts.length === 2) return this.#object(call)
    return this.#subresource(call)
  }

  #collection(call: Call): Promise<void> {
    const { exchange, endpoint } = call
    const { kind } = endpoint.served
    const { info } = exchange
    const everywhere = kind.scope === 'Namespaced' && !info.namespace
    const old = isOldWatch(exchange)
    if (everywhere && kind.virtual && !kind.virtual.list) throw pathNotFound()
    switch (exchange.method) {
      case 'GET':
        if (kind.virtual) return this.#virtualList(call)
        if (info.verb === 'watch') return allowed(endpoint, 'watch', () => watch(call))
        return allowed(endpoint, 'list', () => list(call))
      case 'POST':
        if (everywhere || old) throw methodNotAllowed()
        return allowed(endpoint, 'create', () => create(call))
      case 'DELETE':
        if (everywhere || old) throw methodNotAllowed()
        return allowed(endpoint, 'deletecollection', () => removeCollection(call))
      default:
        throw methodNotAllowed()
    }
  }

  #object(call: Call): Promise<void> {
    const { exchange, endpoint } = call
    if (endpoint.served.kind.virtual) return this.#virtualGet(call)
    if (isOldWatch(exchange)) {
      if (exchange.method !== 'GET') throw methodNotAllowed()
      return allowed(endpoint, 'watch', () => watch(call))
    }
    switch (exchange.method) {
      case 'GET':
        return allowed(endpoint, 'get', () => get(call))
      case 'PUT':
        return allowed(endpoint, 'update', () => update(call))
      case 'PATCH':
        return allowed(endpoint, 'patch', () => patch(call))
      case 'DELETE':
        return allowed(endpoint, 'delete', () => remove(call))
      default:
        throw methodNotAllowed()
    }
  }

  #subresource(call: Call): Promise<void> {
    const { exchange, endpoint } = call
    const { kind } = endpoint.served
    const { subresource: name, parts } = exchange.info
    const found = kind.subresources?.find((s) => s.name === name) ?? (name === 'status' && kind.hasStatus ? STATUS : undefined)
    if (!found || (parts.length > 3 && !found.connect)) throw pathNotFound()
    if (found.connect) {
      if (!found.connect.includes(exchange.method)) throw methodNotAllowed()
      return connect(call, found)
    }
    const allows = (verb: Subresource<KubeObject>['verbs'][number]) => {
      if (!found.verbs.includes(verb)) throw methodNotAllowed()
    }
    switch (exchange.method) {
      case 'GET':
        allows('get')
        return getSubresource(call, found)
      case 'PUT':
        allows('update')
        return found === STATUS ? update(call) : updateSubresource(call, found)
      case 'PATCH':
        allows('patch')
        return patch(call, found === STATUS ? undefined : found)
      case 'POST':
        allows('create')
        return createSubresource(call, found)
      default:
        throw methodNotAllowed()
    }
  }

  async #virtualList(call: Call): Promise<void> {
    const { exchange, endpoint } = call
    const { kind } = endpoint.served
    const { virtual } = kind
    if (!virtual?.list) throw methodNotAllowed()
    if (exchange.info.verb === 'watch') throw methodNotSupported(endpoint.served.groupResource, 'watch')
    const form = negotiate(exchange.header('accept'), 'list', wantsPretty(exchange))
    const objects = await virtual.list(contextOf(call, 'connect'))
    if (form.as === 'Table') {
      const rows = objects.map((object) => this.#deps.tables.rowOf(endpoint.served, object, 'Metadata', 'v1'))
      const table = this.#deps.tables.table(endpoint.served, rows, {}, form.asVersion ?? 'v1')
      answerValue(call, 200, table, '', form)
      return
    }
    const items = objects.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest)
    const list = { kind: `${kind.kind}List`, apiVersion: endpoint.served.apiVersion, metadata: {}, items: items as JsonObject[] }
    answerValue(call, 200, list, `${endpoint.served.schema}List`, form)
  }

  async #virtualGet(call: Call): Promise<void> {
    const { exchange, endpoint } = call
    const { virtual } = endpoint.served.kind
    if (exchange.method !== 'GET' || !virtual?.get) throw virtual?.list ? methodNotAllowed() : pathNotFound()
    const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
    const object = await virtual.get(exchange.info.name, contextOf(call, 'connect'))
    if (form.as === 'Table') {
      const rows = [this.#deps.tables.rowOf(endpoint.served, object, 'Metadata', 'v1')]
      const table = this.#deps.tables.table(endpoint.served, rows, {}, form.asVersion ?? 'v1')
      answerValue(call, 200, table, '', form)
      return
    }
    answerValue(call, 200, object as JsonObject, endpoint.served.schema, form)
  }
}

/** The deprecated paths with `/watch/` before the resource. */
function isOldWatch(exchange: Exchange): boolean {
  return exchange.info.verb === 'watch' && /^\/(api|apis\/[^/]+)\/[^/]+\/watch\//.test(exchange.path)
}

function allowed(endpoint: Endpoint, verb: Verb, run: () => Promise<void>): Promise<void> {
  if (!endpoint.served.kind.verbs.includes(verb)) throw methodNotAllowed()
  return run()
}
