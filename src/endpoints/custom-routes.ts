import type { KubeObject } from '../machinery/object.ts'
import { badRequest, internalError, methodNotSupported, StatusError } from '../machinery/status.ts'
import type { Subresource } from '../registry/kind.ts'
import { remove, removeCollection } from './delete.ts'
import { type Call, namespaceOf } from './deps.ts'
import { patch } from './patch.ts'
import { get, list } from './read.ts'
import { watch } from './watch.ts'
import { create, getSubresource, update, updateSubresource, warnDeprecated } from './write.ts'

/** Verbs that need no namespace. */
const EVERYWHERE = new Set(['list', 'watch'])

/**
 * Leads a request for a custom resource to the function of its verb. The reference has a router of its own for these, which asks for the
 * verb (so that a HEAD is a GET), and knows nothing of paths that are no resource's.
 * @returns undefined for such a path
 * @throws StatusError 404, 405
 */
export function routeCustom(call: Call): Promise<void> | undefined {
  const { exchange, endpoint } = call
  const { kind } = endpoint.served
  const { info } = exchange
  if (kind.scope === 'Namespaced' ? !info.namespace && !EVERYWHERE.has(info.verb) : info.namespace) return undefined
  warnDeprecated(call)
  const { subresource } = info
  if (subresource === '') return whole(call)
  if (subresource === 'status' && kind.hasStatus) return status(call)
  const found = kind.subresources?.find(({ name }) => name === subresource)
  if (found) return part(call, found)
  throw endpoint.resource.store.notFound(info.name)
}

function whole(call: Call): Promise<void> {
  const { verb } = call.exchange.info
  switch (verb) {
    case 'get':
      return get(call)
    case 'list':
      return list(call)
    case 'watch':
      return watch(call)
    case 'create':
      if (call.endpoint.served.kind.custom?.terminating) throw terminating(call)
      return create(call)
    case 'update':
      return update(named(call))
    case 'patch':
      return patch(named(call))
    case 'delete':
      return remove(call)
    case 'deletecollection':
      return removeCollection(call)
    default:
      throw unsupported(call)
  }
}

/** @throws StatusError 400 for a path that names no object */
function named(call: Call): Call {
  if (!call.exchange.info.name) throw badRequest('name must be provided')
  return call
}

function status(call: Call): Promise<void> {
  switch (call.exchange.info.verb) {
    case 'get':
      return get(call)
    case 'update':
      return update(call)
    case 'patch':
      return patch(call)
    default:
      throw unsupported(call)
  }
}

function part(call: Call, subresource: Subresource<KubeObject>): Promise<void> {
  switch (call.exchange.info.verb) {
    case 'get':
      return getPart(call, subresource)
    case 'update':
      return updateSubresource(call, subresource)
    case 'patch':
      return patch(call, subresource)
    default:
      throw unsupported(call)
  }
}

/** @throws StatusError 500 for a parent that has nothing to show there */
async function getPart(call: Call, subresource: Subresource<KubeObject>): Promise<void> {
  const { endpoint, exchange } = call
  const entry = await endpoint.resource.store.get(namespaceOf(call), exchange.info.name)
  const why = entry && subresource.unreadable?.(endpoint.served.object(entry))
  if (why) throw internalError(why)
  return getSubresource(call, subresource)
}

function unsupported({ exchange, endpoint }: Call): StatusError {
  return methodNotSupported(endpoint.served.groupResource, exchange.info.verb)
}

function terminating({ exchange, endpoint }: Call): StatusError {
  const error = methodNotSupported(endpoint.served.groupResource, exchange.info.verb)
  const message = `${exchange.info.verb} not allowed while custom resource definition is terminating`
  return new StatusError(error.code, error.reason, message, error.status.details)
}
