import type { ApiextensionsV1CustomResourceDefinition } from '../../generated/types.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { type Condition, withCondition } from './conditions.ts'
import { statusErrors, validateDefinition, validateDefinitionUpdate } from './definition-rules.ts'
import { formatWarnings } from './format-warnings.ts'

export const customResourceDefinition = defineKind<ApiextensionsV1CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  resource: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  storagePrefix: 'apiextensions.k8s.io/customresourcedefinitions',
  unconditionalUpdate: false,
  generation: 'spec',
  defaults(object) {
    const spec = object.spec
    if (!spec) return
    const names = spec.names
    if (names) {
      if (!names.singular) names.singular = (names.kind ?? '').toLowerCase()
      if (!names.listKind && names.kind) names.listKind = `${names.kind}List`
    }
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
  },
  prepareForCreate: rememberStorageVersion,
  prepareForUpdate: rememberStorageVersion,
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  updateSkipsMetadata: true,
  warnings: formatWarnings,
  status: { prepare: keepMetadata, validate: statusErrors },
  termination: {
    begin(object) {
      const { metadata = {} } = object
      const finalizers = metadata.finalizers ?? []
      if (!finalizers.includes(CLEANUP_FINALIZER)) metadata.finalizers = [...finalizers, CLEANUP_FINALIZER]
      object.status = withCondition(object, DELETION_PENDING, metadata.deletionTimestamp ?? '').status ?? {}
    },
    held: () => false,
  },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
})

/** Holds a definition until its resources are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

const DELETION_PENDING: Condition = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionPending',
  message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
}

/** The status lists every version that objects were ever stored in. */
function rememberStorageVersion(object: ApiextensionsV1CustomResourceDefinition): void {
  const version = object.spec?.versions?.find(({ storage }) => storage)
  if (!version) return
  const stored = version.name ?? ''
  const known = object.status?.storedVersions ?? []
  if (known.includes(stored)) return
  // The status may be the stored object's own, which must not change.
  object.status = { ...object.status, storedVersions: [...known, stored] }
}
