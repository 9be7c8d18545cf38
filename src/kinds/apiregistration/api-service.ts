import type { ApiregistrationV1APIService, ApiregistrationV1APIServiceSpec } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { isDns1035Label, isDns1123Subdomain, isInRange, isPathSegmentName } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { timestamp } from '../../registry/write-rules.ts'

export const apiService = defineKind<ApiregistrationV1APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  resource: 'apiservices',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  storagePrefix: 'apiregistration.k8s.io/apiservices',
  names: 'pathSegment',
  unconditionalUpdate: false,
  defaults(object) {
    if (object.spec?.service) object.spec.service.port ??= 443
  },
  prepareForCreate(object, context) {
    if (object.spec?.service) return
    // Served by this very server.
    object.status = {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: timestamp(context.now),
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    }
  },
  validate: validateApiService,
  status: { prepare: keepMetadata },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  columns: [
    column('Service', 'The reference to the service that hosts this API endpoint.', (object) => {
      const service = object.spec?.service
      return service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local'
    }),
    column('Available', 'Whether this service is available.', available),
    age,
  ],
})

function available(object: ApiregistrationV1APIService): string {
  const condition = object.status?.conditions?.find((c) => c.type === 'Available')
  if (!condition) return 'Unknown'
  const status = condition.status ?? ''
  return status !== 'True' && condition.reason ? `${status} (${condition.reason})` : status
}

function validateApiService(object: ApiregistrationV1APIService): FieldError[] {
  const spec = object.spec ?? {}
  const errors: FieldError[] = []
  const { group = '', version = '' } = spec
  const wanted = `${version}.${group}`
  for (const field of ['generateName', 'name'] as const) {
    const name = object.metadata?.[field] ?? ''
    // A name that can't be one at all was refused before.
    if (name === '' || name === wanted || isPathSegmentName(name).length) continue
    errors.push(invalid(`metadata.${field}`, name, `must be \`spec.version+"."+spec.group\`: "${wanted}"`))
  }
  // The core group's name is empty.
  if (!group && version !== 'v1') {
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  }
  if (group) errors.push(...isDns1123Subdomain(group).map((message) => invalid('spec.group', group, message)))
  errors.push(...isDns1035Label(version).map((message) => invalid('spec.version', version, message)))
  errors.push(...priority('groupPriorityMinimum', spec.groupPriorityMinimum ?? 0, 20000))
  errors.push(...priority('versionPriority', spec.versionPriority ?? 0, 1000))
  errors.push(...validateBackend(spec))
  return errors
}

function priority(field: string, value: number, max: number): FieldError[] {
  return value > 0 && value <= max ? [] : [invalid(`spec.${field}`, value, `must be positive and less than ${max}`)]
}

function validateBackend(spec: ApiregistrationV1APIServiceSpec): FieldError[] {
  const { service } = spec
  const errors: FieldError[] = []
  if (!service) {
    if (spec.caBundle)
      errors.push(
        invalid(
          'spec.caBundle',
          `${Buffer.from(spec.caBundle, 'base64').length} bytes`,
          'local APIServices may not have a caBundle',
        ),
      )
    if (spec.insecureSkipTLSVerify) {
      errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    }
    return errors
  }
  if (!service.namespace) errors.push(required('spec.service.namespace'))
  if (!service.name) errors.push(required('spec.service.name'))
  const port = service.port ?? 0
  if (isInRange(port, 1, 65535).length) {
    errors.push(invalid('spec.service.port', port, 'port is not valid: must be between 1 and 65535, inclusive'))
  }
  if (spec.insecureSkipTLSVerify && spec.caBundle) {
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
  }
  return errors
}
