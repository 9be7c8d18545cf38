import type { NetworkingV1ServiceCIDR } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { isIPv4, parseCidr } from '../../machinery/ip-address.ts'
import { equal } from '../../machinery/json.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { canonicalCidrErrors } from '../addresses.ts'
import { betaVersion } from './beta.ts'

export const serviceCidr = defineKind<NetworkingV1ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  resource: 'servicecidrs',
  scope: 'Cluster',
  schema: 'io.k8s.api.networking.v1.ServiceCIDR',
  validate: validateCidrs,
  validateUpdate(cidr, old) {
    const now = cidr.spec?.cidrs ?? []
    const before = old.spec?.cidrs ?? []
    // A second family may be added; what is there stays.
    if (now.length === 2 && before.length === 1 && now[0] === before[0]) return validateCidrs(cidr)
    return equal(now, before) ? [] : [invalid('spec.cidrs', now, 'field is immutable')]
  },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  status: {
    prepare(cidr, old) {
      // Unlike with older kinds, metadata doesn't change by the way.
      const { labels, annotations, finalizers, ownerReferences } = old.metadata ?? {}
      cidr.metadata = { ...cidr.metadata, labels, annotations, finalizers, ownerReferences }
    },
  },
  columns: [
    column('CIDRs', '@io.k8s.api.networking.v1.ServiceCIDRSpec.cidrs', (cidr) => (cidr.spec?.cidrs ?? []).join(',')),
    age,
  ],
  alsoServed: [betaVersion('ServiceCIDR')],
})

function validateCidrs(cidr: NetworkingV1ServiceCIDR): FieldError[] {
  const cidrs = cidr.spec?.cidrs ?? []
  if (!cidrs.length) return [required('spec.cidrs', 'at least one CIDR required')]
  if (cidrs.length > 2) return [invalid('spec.cidrs', { CIDRs: cidrs }, 'may only hold up to 2 values')]
  const errors = cidrs.flatMap((text, i) => canonicalCidrErrors(`spec.cidrs[${i}]`, text))
  if (!errors.length && cidrs.length === 2 && isV4(cidrs[0]!) === isV4(cidrs[1]!)) {
    errors.push(
      invalid('spec.cidrs', cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    )
  }
  return errors
}

function isV4(text: string): boolean {
  const range = parseCidr(text)
  return range !== undefined && isIPv4(range.address)
}
