import type { Exchange } from '../machinery/exchange.ts'
import type { KubeObject } from '../machinery/object.ts'
import { forbidden, StatusError } from '../machinery/status.ts'
import type { AddressTarget, KubeletTarget, NodeTarget, Subresource } from '../registry/kind.ts'
import { connectOptions, proxiedPath } from './connect-options.ts'
import { type Call, contextOf } from './deps.ts'
import { answerValue, wantsPretty } from './encode.ts'
import { negotiate } from './negotiation.ts'

/** Makes connections on behalf of clients. Each resolves when its connection has ended. @throws StatusError when there is none */
export interface Connections {
  /** A stream of a container: a log, the streams of a command, or ports. */
  stream(exchange: Exchange, target: KubeletTarget): Promise<void>
  /** Passes a request on, and its answer back. @param path what is asked for there, decoded; empty when the client named no path */
  proxy(exchange: Exchange, target: AddressTarget | NodeTarget, path: string): Promise<void>
}

/** Connects a client to a kubelet, or to what listens in a pod, behind a service or on a node. @throws StatusError */
export async function connect(call: Call, subresource: Subresource<KubeObject>): Promise<void> {
  const { exchange, endpoint, deps } = call
  const { info } = exchange
  const context = contextOf(call, 'connect')
  const { kind, target: find } = subresource
  if (kind) {
    const options = connectOptions(kind.kind, exchange.query, info)
    await endpoint.resource.admitConnection(options, context, { group: kind.group, version: kind.version, kind: kind.kind })
  }
  if (subresource.connectsAsCreate && info.verb !== 'create') await requireCreate(call)
  const target = await find?.(info.name, exchange.query, context)
  if (target?.to === 'answer') {
    if (target.body) answerValue(call, target.code, target.body, '', negotiate(undefined, 'none', wantsPretty(exchange)))
    else exchange.respond(target.code, '', '')
  } else if (!target || !deps.connections) {
    const what = `${subresource.name} of ${endpoint.served.kind.resource}`
    throw new StatusError(503, 'ServiceUnavailable', `connecting to ${what} is not served here`)
  } else if (target.to === 'kubelet') await deps.connections.stream(exchange, target)
  else await deps.connections.proxy(exchange, target, proxiedPath(info))
}

/** WebSockets start with a GET, which would let those run commands who may only look. */
async function requireCreate({ exchange, deps: { env } }: Call): Promise<void> {
  if (!env.settings.feature('AuthorizePodWebsocketUpgradeCreatePermission')) return
  const { info, user } = exchange
  const { apiGroup: group, apiVersion: version, resource, subresource, name, namespace } = info
  const { allowed, reason } = await env.access.authorize({
    user,
    verb: 'create',
    group,
    version,
    resource,
    subresource,
    name,
    namespace,
  })
  if (!allowed) throw forbidden({ group, resource }, name, reason)
}
