import type { NetworkingV1IPAddress } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { canonicalIpErrors } from '../addresses.ts'
import { betaVersion } from './beta.ts'
import { pathSegment } from './reference.ts'

export const ipAddress = defineKind<NetworkingV1IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  resource: 'ipaddresses',
  shortNames: ['ip'],
  scope: 'Cluster',
  schema: 'io.k8s.api.networking.v1.IPAddress',
  names: validateName,
  validate: validateAddress,
  validateUpdate: (address, old) =>
    equal(address.spec?.parentRef, old.spec?.parentRef)
      ? []
      : [invalid('spec.parentRef', address.spec?.parentRef, 'field is immutable')],
  columns: [column('ParentRef', '@io.k8s.api.networking.v1.IPAddressSpec.parentRef', parent), { ...age, undeclared: true }],
  alsoServed: [betaVersion('IPAddress')],
})

function parent(address: NetworkingV1IPAddress): string {
  const ref = address.spec?.parentRef
  if (!ref) return '<none>'
  const resource = `${ref.resource ?? ''}${ref.group ? `.${ref.group}` : ''}`.toLowerCase()
  return `${resource}/${ref.namespace ? `${ref.namespace}/` : ''}${ref.name ?? ''}`
}

/** The name is the address itself, in its one canonical form. */
function validateName(name: string): string[] {
  const prefix = invalid('', name, ' ').message.length - 1
  return canonicalIpErrors('', name).map(({ message }) => message.slice(prefix))
}

function validateAddress(address: NetworkingV1IPAddress): FieldError[] {
  const ref = address.spec?.parentRef
  const field = 'spec.parentRef'
  if (!ref) return [required(field)]
  const { group, resource = '', name = '', namespace } = ref
  return [
    ...(group ? isDns1123Subdomain(group).map((message) => invalid(`${field}.group`, group, message)) : []),
    ...pathSegment(`${field}.resource`, resource),
    ...pathSegment(`${field}.name`, name),
    ...(namespace ? pathSegment(`${field}.namespace`, namespace) : []),
  ]
}
