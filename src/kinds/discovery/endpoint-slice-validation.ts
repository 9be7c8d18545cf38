import type { DiscoveryV1Endpoint, DiscoveryV1EndpointPort, DiscoveryV1EndpointSlice } from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, notSupported, required, tooMany } from '../../machinery/field-errors.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName, isValidLabelValue } from '../../machinery/validation.ts'
import { familyOf, ipErrors, nonSpecialIpErrors } from '../addresses.ts'

const MAX_ADDRESSES = 100
const MAX_ENDPOINTS = 1000
const MAX_PORTS = 20_000
const MAX_HINTS = 8
const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

export function validateEndpointSlice(slice: DiscoveryV1EndpointSlice): FieldError[] {
  return validate(slice, [])
}

export function validateEndpointSliceUpdate(slice: DiscoveryV1EndpointSlice, old: DiscoveryV1EndpointSlice): FieldError[] {
  const before = (old.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? [])
  const errors = validate(slice, before)
  if (slice.addressType !== old.addressType) errors.push(invalid('addressType', slice.addressType ?? '', 'field is immutable'))
  return errors
}

function validate(slice: DiscoveryV1EndpointSlice, oldAddresses: readonly string[]): FieldError[] {
  const type = slice.addressType ?? ''
  const errors: FieldError[] = []
  if (type === '') errors.push(required('addressType'))
  else if (!ADDRESS_TYPES.includes(type)) errors.push(notSupported('addressType', type, ADDRESS_TYPES))
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > MAX_ENDPOINTS) return [...errors, tooMany('endpoints', endpoints.length, MAX_ENDPOINTS)]
  for (const [i, endpoint] of endpoints.entries())
    errors.push(...validateEndpoint(`endpoints[${i}]`, endpoint, type, oldAddresses))
  return [...errors, ...validatePorts(slice.ports ?? [])]
}

function validateEndpoint(field: string, endpoint: DiscoveryV1Endpoint, type: string, old: readonly string[]): FieldError[] {
  const errors: FieldError[] = []
  const addresses = endpoint.addresses ?? []
  if (!addresses.length) errors.push(required(`${field}.addresses`, 'must contain at least 1 address'))
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(`${field}.addresses`, addresses.length, MAX_ADDRESSES))
  for (const [i, address] of addresses.entries()) errors.push(...validateAddress(`${field}.addresses[${i}]`, address, type, old))
  const { nodeName, hostname, hints } = endpoint
  if (nodeName !== undefined) {
    errors.push(...isDns1123Subdomain(nodeName).map((message) => invalid(`${field}.nodeName`, nodeName, message)))
  }
  if (hostname !== undefined) {
    errors.push(...isDns1123Label(hostname).map((message) => invalid(`${field}.hostname`, hostname, message)))
  }
  if (hints) errors.push(...validateHints(`${field}.hints`, hints))
  return errors
}

function validateAddress(field: string, address: string, type: string, old: readonly string[]): FieldError[] {
  if (type === 'FQDN' && address === '') return [required(field)]
  if (type === 'FQDN') return isDns1123Subdomain(address).map((message) => invalid(field, address, message))
  if (type !== 'IPv4' && type !== 'IPv6') return []
  if (old.includes(address)) return []
  const errors = ipErrors(field, address)
  if (errors.length) return errors
  if (familyOf(address) !== type) return [invalid(field, address, `must be an ${type} address`)]
  return nonSpecialIpErrors(field, address)
}

function validateHints(field: string, hints: NonNullable<DiscoveryV1Endpoint['hints']>): FieldError[] {
  return [
    ...names(`${field}.forZones`, hints.forZones, (name) => [...isValidLabelValue(name)]),
    ...names(`${field}.forNodes`, hints.forNodes, (name) => [...isDns1123Subdomain(name)]),
  ]
}

function names(field: string, list: readonly { name?: string }[] | undefined, check: (name: string) => string[]): FieldError[] {
  if (!list) return []
  if (list.length > MAX_HINTS) return [tooMany(field, list.length, MAX_HINTS)]
  const seen = new Set<string>()
  return list.flatMap(({ name = '' }, i) => {
    const at = `${field}[${i}].name`
    const errors = seen.has(name) ? [duplicate(at, name)] : check(name).map((message) => invalid(at, name, message))
    seen.add(name)
    return errors
  })
}

function validatePorts(ports: readonly DiscoveryV1EndpointPort[]): FieldError[] {
  if (ports.length > MAX_PORTS) return [tooMany('ports', ports.length, MAX_PORTS)]
  const seen = new Set<string>()
  return ports.flatMap(({ name = '', protocol, appProtocol }, i) => {
    const field = `ports[${i}]`
    const errors: FieldError[] = []
    if (name) errors.push(...isDns1123Label(name).map((message) => invalid(`${field}.name`, name, message)))
    if (seen.has(name)) errors.push(duplicate(`${field}.name`, name))
    seen.add(name)
    if (protocol === undefined) errors.push(required(`${field}.protocol`))
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, PROTOCOLS))
    if (appProtocol !== undefined) {
      errors.push(...isQualifiedName(appProtocol).map((message) => invalid(`${field}.appProtocol`, appProtocol, message)))
    }
    return errors
  })
}
