/** The HTTP methods that a proxy subresource passes on. */
export const PROXY_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** The proxy subresource of nodes and services. */
export function proxySubresource(kind: 'NodeProxyOptions' | 'ServiceProxyOptions') {
  return {
    name: 'proxy',
    kind: { group: '', version: 'v1', kind, schema: `io.k8s.api.core.v1.${kind}` },
    verbs: ['create', 'delete', 'get', 'patch', 'update'] as const,
    connect: PROXY_METHODS,
  }
}
