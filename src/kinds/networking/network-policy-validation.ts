import type {
  NetworkingV1IPBlock,
  NetworkingV1NetworkPolicy,
  NetworkingV1NetworkPolicyPeer,
  NetworkingV1NetworkPolicyPort,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { formatCidr, isIPv4, parseCidr } from '../../machinery/ip-address.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { isValidPortName, isValidPortNum } from '../../machinery/validation.ts'
import { cidrErrors } from '../addresses.ts'

const PROTOCOLS = ['TCP', 'UDP', 'SCTP']
const POLICY_TYPES = ['Ingress', 'Egress']

/** @param old ranges in old forms that were there before may stay */
export function validateNetworkPolicy(policy: NetworkingV1NetworkPolicy, old?: NetworkingV1NetworkPolicy): FieldError[] {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = policy.spec ?? {}
  const before = old ? rangesOf(old) : []
  const errors = selectorErrors('spec.podSelector', podSelector)
  const rule = (
    field: string,
    side: string,
    ports: NetworkingV1NetworkPolicyPort[] = [],
    peers: NetworkingV1NetworkPolicyPeer[] = [],
  ) => [
    ...ports.flatMap((port, i) => portErrors(`${field}.ports[${i}]`, port)),
    ...peers.flatMap((peer, i) => peerErrors(`${field}.${side}[${i}]`, peer, before)),
  ]
  errors.push(...ingress.flatMap(({ ports, from }, i) => rule(`spec.ingress[${i}]`, 'from', ports, from)))
  errors.push(...egress.flatMap(({ ports, to }, i) => rule(`spec.egress[${i}]`, 'to', ports, to)))
  if (policyTypes.length > POLICY_TYPES.length) {
    return [...errors, invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes')]
  }
  for (const [i, type] of policyTypes.entries()) {
    if (!POLICY_TYPES.includes(type)) errors.push(notSupported(`spec.policyTypes[${i}]`, type, POLICY_TYPES))
  }
  return errors
}

const selectorErrors = (field: string, selector: object | undefined): FieldError[] =>
  validateLabelSelector(selector as LabelSelectorObject | undefined, field)

function portErrors(field: string, { protocol, port, endPort }: NetworkingV1NetworkPolicyPort): FieldError[] {
  const errors: FieldError[] = []
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, PROTOCOLS))
  const end = `${field}.endPort`
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is not specified'))
    return errors
  }
  if (typeof port === 'string') {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is non-numeric'))
    return [...errors, ...isValidPortName(port).map((message) => invalid(`${field}.port`, port, message))]
  }
  errors.push(...isValidPortNum(port).map((message) => invalid(`${field}.port`, port, message)))
  if (endPort === undefined) return errors
  if (endPort < port) errors.push(invalid(end, port, 'must be greater than or equal to `port`'))
  return [...errors, ...isValidPortNum(endPort).map((message) => invalid(end, endPort, message))]
}

function peerErrors(field: string, peer: NetworkingV1NetworkPolicyPeer, before: readonly string[]): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer
  const errors: FieldError[] = []
  if (podSelector) errors.push(...selectorErrors(`${field}.podSelector`, podSelector))
  if (namespaceSelector) errors.push(...selectorErrors(`${field}.namespaceSelector`, namespaceSelector))
  if (ipBlock) errors.push(...blockErrors(`${field}.ipBlock`, ipBlock, before))
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(field, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(forbiddenField(field, 'may not specify both ipBlock and another peer'))
  }
  return errors
}

function blockErrors(field: string, { cidr = '', except = [] }: NetworkingV1IPBlock, before: readonly string[]): FieldError[] {
  if (cidr === '') return [required(`${field}.cidr`)]
  const errors = cidrErrors(`${field}.cidr`, cidr, before)
  const whole = parseCidr(cidr)
  if (!whole) return errors
  for (const [i, text] of except.entries()) {
    const at = `${field}.except[${i}]`
    errors.push(...cidrErrors(at, text, before))
    const part = parseCidr(text)
    if (!part) continue
    const inside = isIPv4(part.network) === isIPv4(whole.network) && covers(whole.network.bytes, whole.prefix, part.network.bytes)
    if (!inside || whole.prefix >= part.prefix) errors.push(invalid(at, formatCidr(part), 'must be a strict subset of `cidr`'))
  }
  return errors
}

/** Whether an address lies in a network. */
function covers(network: readonly number[], prefix: number, address: readonly number[]): boolean {
  return network.every((byte, i) => {
    const bits = Math.min(Math.max(prefix - i * 8, 0), 8)
    const mask = (0xff << (8 - bits)) & 0xff
    return (byte & mask) === ((address[i] ?? 0) & mask)
  })
}

function rangesOf(policy: NetworkingV1NetworkPolicy): string[] {
  const { ingress = [], egress = [] } = policy.spec ?? {}
  const peers = [...ingress.flatMap(({ from }) => from ?? []), ...egress.flatMap(({ to }) => to ?? [])]
  return peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr ?? '', ...(ipBlock.except ?? [])] : []))
}
