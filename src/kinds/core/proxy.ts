import { badRequest, notFound } from '../../machinery/status.ts'
import type { WriteContext } from '../../registry/context.ts'

const SCHEMES: readonly string[] = ['http', 'https']

/** The HTTP methods that a proxy subresource passes on. */
export const PROXY_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** The proxy subresource of nodes and services. */
export function proxySubresource(kind: 'NodeProxyOptions' | 'ServiceProxyOptions') {
  return {
    name: 'proxy',
    kind: { group: '', version: 'v1', kind, schema: `io.k8s.api.core.v1.${kind}` },
    verbs: ['create', 'delete', 'get', 'patch', 'update'] as const,
    connect: PROXY_METHODS,
    ...(kind === 'ServiceProxyOptions' ? { answer: findService } : {}),
  }
}

/** Paths name services as `[scheme:]name[:port]`. A service without any endpoints can't be found. */
async function findService(asked: string, _query: URLSearchParams, context: WriteContext): Promise<undefined> {
  const parts = asked.split(':')
  if (parts.length > 3 || (parts.length === 3 && parts[0] && !SCHEMES.includes(parts[0]))) {
    throw badRequest(`invalid service request "${asked}"`)
  }
  const name = parts.length === 3 ? parts[1]! : parts[0]!
  const missing = notFound({ group: '', resource: 'services' }, name)
  if (!(await context.env.objects('services').get(context.namespace, name))) throw missing
  if (!(await context.env.objects('endpoints').get(context.namespace, name))) throw missing
}
