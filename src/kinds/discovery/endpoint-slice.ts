import type { DiscoveryV1Endpoint, DiscoveryV1EndpointSlice } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { metaOf } from '../../machinery/object.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateEndpointSlice, validateEndpointSliceUpdate } from './endpoint-slice-validation.ts'

const MAX_SHOWN = 3
const HOST_LABEL = 'kubernetes.io/hostname'

export const endpointSlice = defineKind<DiscoveryV1EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  resource: 'endpointslices',
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
  defaults(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  generation: (slice, old) =>
    !equal(slice.metadata?.labels ?? {}, old.metadata?.labels ?? {}) ||
    slice.addressType !== old.addressType ||
    !equal(slice.endpoints ?? [], old.endpoints ?? []) ||
    !equal(slice.ports ?? [], old.ports ?? []),
  prepareForCreate: (slice) => dropTopology(slice, undefined),
  prepareForUpdate: dropTopology,
  validate: validateEndpointSlice,
  validateUpdate: validateEndpointSliceUpdate,
  warnings: (slice, old) => (slice.addressType === 'FQDN' && !old ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
  columns: [
    column('AddressType', '@io.k8s.api.discovery.v1.EndpointSlice.addressType', (slice) => slice.addressType ?? ''),
    column('Ports', '@io.k8s.api.discovery.v1.EndpointSlice.ports', (slice) =>
      listed((slice.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port)))),
    ),
    column('Endpoints', '@io.k8s.api.discovery.v1.EndpointSlice.endpoints', (slice) =>
      listed((slice.endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    ),
    age,
  ],
})

function listed(all: readonly string[]): string {
  const text = all.slice(0, MAX_SHOWN).join(',')
  if (all.length > MAX_SHOWN) return `${text} + ${all.length - MAX_SHOWN} more...`
  return text || '<unset>'
}

/** The topology map of earlier versions isn't stored any more; only a node's name in it survives, if it was there before. */
function dropTopology(slice: DiscoveryV1EndpointSlice, old: DiscoveryV1EndpointSlice | undefined): void {
  if (!slice.endpoints?.some((endpoint) => endpoint.deprecatedTopology)) return
  if (old && equal(old.endpoints, slice.endpoints)) return
  const known = new Set((old?.endpoints ?? []).map(hostOf))
  const isGiven = slice.endpoints.some((endpoint) => Object.keys(endpoint.deprecatedTopology ?? {}).length)
  for (const endpoint of slice.endpoints) {
    const host = hostOf(endpoint)
    if (endpoint.nodeName === undefined && host !== undefined && known.has(host) && !isDns1123Subdomain(host).length) {
      endpoint.nodeName = host
    }
    endpoint.deprecatedTopology = undefined
  }
  // It counts as a change all the same.
  if (old && isGiven) metaOf(slice).generation = (old.metadata?.generation ?? 0) + 1
}

const hostOf = (endpoint: DiscoveryV1Endpoint): string | undefined => endpoint.deprecatedTopology?.[HOST_LABEL]
