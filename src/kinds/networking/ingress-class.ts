import type { NetworkingV1IngressClass } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required, tooLong } from '../../machinery/field-errors.ts'
import { byteLength, isDns1123Label, isDomainPrefixedPath } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { referenceErrors } from './reference.ts'

const MAX_CONTROLLER = 250
const SCOPES = ['Cluster', 'Namespace']

export const ingressClass = defineKind<NetworkingV1IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  resource: 'ingressclasses',
  scope: 'Cluster',
  schema: 'io.k8s.api.networking.v1.IngressClass',
  defaults(ingressClass) {
    const parameters = ingressClass.spec?.parameters
    if (parameters) parameters.scope ??= 'Cluster'
  },
  generation: 'spec',
  validate: validateIngressClass,
  validateUpdate(ingressClass, old) {
    const controller = ingressClass.spec?.controller ?? ''
    const changed = controller !== (old.spec?.controller ?? '')
    return [
      ...(changed ? [invalid('spec.controller', controller, 'field is immutable')] : []),
      ...validateIngressClass(ingressClass),
    ]
  },
  columns: [
    column(
      'Controller',
      'Controller that is responsible for handling this class',
      (ingressClass) => ingressClass.spec?.controller ?? '',
    ),
    column('Parameters', 'A reference to a resource with additional parameters', (ingressClass) => {
      const parameters = ingressClass.spec?.parameters
      if (!parameters) return '<none>'
      const group = parameters.apiGroup ? `.${parameters.apiGroup}` : ''
      return `${parameters.kind}${group}/${parameters.name}`
    }),
    age,
  ],
})

function validateIngressClass(ingressClass: NetworkingV1IngressClass): FieldError[] {
  const { controller = '', parameters } = ingressClass.spec ?? {}
  const errors: FieldError[] = []
  if (byteLength(controller) > MAX_CONTROLLER) errors.push(tooLong('spec.controller', MAX_CONTROLLER))
  errors.push(...isDomainPrefixedPath('spec.controller', controller))
  if (!parameters) return errors
  const field = 'spec.parameters'
  const { scope, namespace } = parameters
  errors.push(...referenceErrors(field, parameters))
  if (scope === undefined) return [...errors, required(`${field}.scope`)]
  if (!SCOPES.includes(scope)) return [...errors, notSupported(`${field}.scope`, scope, SCOPES)]
  const where = `${field}.namespace`
  if (scope === 'Cluster') {
    return namespace === undefined ? errors : [...errors, forbiddenField(where, "`parameters.scope` is set to 'Cluster'")]
  }
  if (namespace === undefined) return [...errors, required(where, "`parameters.scope` is set to 'Namespace'")]
  return [...errors, ...isDns1123Label(namespace).map((message) => invalid(where, namespace, message))]
}
