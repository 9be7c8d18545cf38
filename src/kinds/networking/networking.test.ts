import assert from 'node:assert/strict'
import test from 'node:test'
import type { NetworkingV1NetworkPolicy } from '../../generated/types.ts'
import { TypeDecoder } from '../../machinery/decode.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { SchemaFacts } from '../../machinery/schema.ts'
import type { KindDefinition } from '../../registry/kind.ts'
import { writeContext } from '../../testing/write-context.ts'
import { ingress } from './ingress.ts'
import { ipAddress } from './ip-address.ts'
import { networkPolicy } from './network-policy.ts'
import { serviceCidr } from './service-cidr.ts'

const decoder = new TypeDecoder(new SchemaFacts())

function defaulted(kind: KindDefinition, raw: JsonObject): object {
  const object = decoder.decode(kind.schema, raw) as object
  kind.defaults?.(object)
  return object
}

/** What validation finds, as `field: message`. */
function problems(kind: KindDefinition, raw: JsonObject): string[] {
  const errors = kind.validate?.(defaulted(kind, raw), writeContext()) ?? []
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

test('NetworkPolicy: protocols and policy types are filled in', () => {
  const types = (spec: JsonObject) => (defaulted(networkPolicy, { spec }) as NetworkingV1NetworkPolicy).spec
  assert.deepEqual(types({})?.policyTypes, ['Ingress'])
  assert.deepEqual(types({ egress: [{ ports: [{ port: 53 }] }] })?.policyTypes, ['Ingress', 'Egress'])
  assert.deepEqual(types({ policyTypes: ['Egress'], egress: [{ ports: [{ port: 53 }] }] }), {
    podSelector: {},
    egress: [{ ports: [{ protocol: 'TCP', port: 53 }] }],
    policyTypes: ['Egress'],
  })
})

test('NetworkPolicy: peers and ranges are checked', () => {
  const peer = (to: JsonObject) => problems(networkPolicy, { spec: { egress: [{ to: [to] }] } })
  const block = (cidr: string, ...except: string[]) => peer({ ipBlock: { cidr, except } })
  assert.deepEqual(block('10.0.0.0/8', '10.1.0.0/16'), [])
  assert.deepEqual(block('fd00::/32', 'fd00:0:1::/48'), [])
  const subset = 'must be a strict subset of `cidr`'
  assert.deepEqual(block('10.0.0.0/8', '11.1.0.0/16'), [
    `spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.1.0.0/16": ${subset}`,
  ])
  assert.deepEqual(block('10.0.0.0/8', '10.0.0.0/8'), [
    `spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": ${subset}`,
  ])
  assert.deepEqual(peer({}), ['spec.egress[0].to[0]: Required value: must specify a peer'])
  assert.deepEqual(peer({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }), [
    'spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer',
  ])
})

test('Ingress: paths depend on their type, backends name a service or an object', () => {
  const path = (rest: JsonObject) => {
    const backend = { service: { name: 's', port: { number: 80 } } }
    return problems(ingress, { spec: { rules: [{ http: { paths: [{ backend, ...rest }] } }] } })
  }
  const field = 'spec.rules[0].http.paths[0]'
  assert.deepEqual(path({ path: '/', pathType: 'Prefix' }), [])
  assert.deepEqual(path({ pathType: 'ImplementationSpecific' }), [])
  assert.deepEqual(path({ path: '/' }), [`${field}.pathType: Required value: pathType must be specified`])
  assert.deepEqual(path({ path: '/a//b/..', pathType: 'Exact' }), [
    `${field}.path: Invalid value: "/a//b/..": must not contain '//'`,
    `${field}.path: Invalid value: "/a//b/..": cannot end with '/..'`,
  ])
  assert.deepEqual(path({ path: '/', pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'b' } } }), [])
  assert.deepEqual(path({ path: '/', pathType: 'Exact', backend: { service: { name: 's' } } }), [
    `${field}.backend: Required value: port name or number is required`,
  ])
})

test('addresses and ranges must be written in their canonical form', () => {
  const names = ipAddress.names as (name: string, prefix: boolean) => string[]
  assert.deepEqual(names('2001:db8::1', false), [])
  assert.deepEqual(names('2001:DB8:0::1', false), ['must be in canonical form ("2001:db8::1")'])
  assert.deepEqual(names('10.0.0', false), ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
  assert.deepEqual(names('010.0.0.1', false), ['must not have leading 0s'])
  const cidrs = (...list: string[]) => problems(serviceCidr, { spec: { cidrs: list } })
  assert.deepEqual(cidrs('10.0.0.0/24', 'fd00::/64'), [])
  assert.deepEqual(cidrs('10.0.0.1/24'), [
    'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length',
  ])
  assert.match(cidrs('10.0.0.0/24', '10.1.0.0/24')[0] ?? '', /may specify no more than one IP for each IP family/)
})
