import type { ObjectReader } from '../admission/objects.ts'
import type { SliceState } from '../aggregator/availability.ts'
import type { DiscoveryV1EndpointSlice } from '../generated/types.ts'

/** What is known of the endpoints of services, which is derived once for each state of a slice. */
export function sliceStates(objects: ObjectReader): (namespace: string, service: string) => Promise<readonly SliceState[]> {
  const slices = objects.facts({ group: 'discovery.k8s.io', resource: 'endpointslices' }, (object) => {
    const { metadata, endpoints, ports } = object as DiscoveryV1EndpointSlice
    return {
      service: metadata?.labels?.['kubernetes.io/service-name'],
      hasReady: (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false),
      portNames: (ports ?? []).flatMap(({ name = '', port }) => (port === undefined ? [] : [name])),
    }
  })
  return async (namespace, service) => (await slices.inNamespace(namespace)).filter((slice) => slice.service === service)
}
