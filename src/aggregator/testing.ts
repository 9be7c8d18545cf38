import type { RemoteApi } from './remote-api.ts'

/** A group version that another server serves. */
export function testApi(more: Partial<RemoteApi> = {}): RemoteApi {
  const { group = 'toys.example.com', version = 'v1' } = more
  return {
    name: `${version}.${group}`,
    group,
    version,
    service: { namespace: 'n', name: 's', port: 443 },
    ca: undefined,
    insecure: false,
    groupPriority: 2000,
    versionPriority: 10,
    available: true,
    ...more,
  }
}
