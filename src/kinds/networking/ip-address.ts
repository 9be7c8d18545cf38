import type { NetworkingV1IPAddress } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { formatIp, parseIp } from '../../machinery/ip-address.ts'
import { equal } from '../../machinery/json.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { betaVersion } from './beta.ts'

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

function validateName(name: string): string[] {
  const address = parseIp(name)
  return address && formatIp(address) === name ? [] : ['must be a canonical format IP address']
}

function validateAddress(address: NetworkingV1IPAddress): FieldError[] {
  const ref = address.spec?.parentRef
  if (!ref) return [required('spec.parentRef')]
  const errors: FieldError[] = []
  if (!ref.resource) errors.push(required('spec.parentRef.resource'))
  if (!ref.name) errors.push(required('spec.parentRef.name'))
  return errors
}
