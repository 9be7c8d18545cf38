import type { CoreV1EndpointAddress, CoreV1EndpointPort, CoreV1Endpoints } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName, isValidPortNum } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { ipErrors, joinHostPort, nonSpecialIpErrors } from '../addresses.ts'

const MAX_SHOWN = 3

export const endpoints = defineKind<CoreV1Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  resource: 'endpoints',
  shortNames: ['ep'],
  storagePrefix: 'services/endpoints',
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.Endpoints',
  createOnUpdate: true,
  deprecated: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  defaults(endpoints) {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate: (endpoints) => validateEndpoints(endpoints, []),
  validateUpdate: (endpoints, old) => validateEndpoints(endpoints, addressesOf(old)),
  columns: [column('Endpoints', '@io.k8s.api.core.v1.Endpoints.subsets', shown), age],
})

function shown(endpoints: CoreV1Endpoints): string {
  if (!endpoints.subsets?.length) return '<none>'
  const all = endpoints.subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length
      ? ports.flatMap((port) => addresses.map(({ ip = '' }) => joinHostPort(ip, port.port ?? 0)))
      : addresses.map(({ ip = '' }) => ip),
  )
  const text = all.slice(0, MAX_SHOWN).join(',')
  return all.length > MAX_SHOWN ? `${text} + ${all.length - MAX_SHOWN} more...` : text
}

function addressesOf(endpoints: CoreV1Endpoints): string[] {
  return (endpoints.subsets ?? []).flatMap((subset) =>
    [...(subset.addresses ?? []), ...(subset.notReadyAddresses ?? [])].map((address) => address.ip ?? ''),
  )
}

function validateEndpoints(endpoints: CoreV1Endpoints, oldIps: readonly string[]): FieldError[] {
  return (endpoints.subsets ?? []).flatMap((subset, i) => {
    const field = `subsets[${i}]`
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset
    return [
      ...(addresses.length || notReadyAddresses.length
        ? []
        : [required(field, 'must specify `addresses` or `notReadyAddresses`')]),
      ...addresses.flatMap((address, j) => validateAddress(`${field}.addresses[${j}]`, address, oldIps)),
      ...notReadyAddresses.flatMap((address, j) => validateAddress(`${field}.notReadyAddresses[${j}]`, address, oldIps)),
      ...ports.flatMap((port, j) => validatePort(`${field}.ports[${j}]`, port, ports.length > 1)),
    ]
  })
}

function validateAddress(field: string, address: CoreV1EndpointAddress, oldIps: readonly string[]): FieldError[] {
  const { ip = '', hostname, nodeName } = address
  return [
    ...ipErrors(`${field}.ip`, ip, oldIps),
    ...(hostname ? isDns1123Label(hostname).map((message) => invalid(`${field}.hostname`, hostname, message)) : []),
    ...(nodeName !== undefined
      ? isDns1123Subdomain(nodeName).map((message) => invalid(`${field}.nodeName`, nodeName, message))
      : []),
    ...nonSpecialIpErrors(`${field}.ip`, ip),
  ]
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

function validatePort(field: string, port: CoreV1EndpointPort, requireName: boolean): FieldError[] {
  const { name = '', port: number = 0, protocol = '', appProtocol } = port
  return [
    ...(name ? isDns1123Label(name).map((message) => invalid(`${field}.name`, name, message)) : []),
    ...(!name && requireName ? [required(`${field}.name`)] : []),
    ...isValidPortNum(number).map((message) => invalid(`${field}.port`, number, message)),
    ...(protocol === '' ? [required(`${field}.protocol`)] : []),
    ...(protocol !== '' && !PROTOCOLS.includes(protocol) ? [notSupported(`${field}.protocol`, protocol, PROTOCOLS)] : []),
    ...(appProtocol !== undefined
      ? isQualifiedName(appProtocol).map((message) => invalid(`${field}.appProtocol`, appProtocol, message))
      : []),
  ]
}
