import type { CoreV1Namespace } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { isQualifiedName } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

const FINALIZER = 'kubernetes'
const STANDARD_FINALIZERS = [FINALIZER, 'orphan', 'foregroundDeletion']
const NAME_LABEL = 'kubernetes.io/metadata.name'

export const namespace = defineKind<CoreV1Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  resource: 'namespaces',
  shortNames: ['ns'],
  scope: 'Cluster',
  schema: 'io.k8s.api.core.v1.Namespace',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  names: 'label',
  returnsDeleted: true,
  defaults(namespace) {
    labelWithName(namespace)
    namespace.status ??= {}
    namespace.status.phase ||= 'Active'
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' }
    // A generated name isn't known before.
    labelWithName(namespace)
    const finalizers = specOf(namespace).finalizers ?? []
    if (!finalizers.includes(FINALIZER)) specOf(namespace).finalizers = [...finalizers, FINALIZER]
  },
  prepareForUpdate(namespace, old) {
    specOf(namespace).finalizers = old.spec?.finalizers
    labelWithName(namespace)
  },
  validate: validateNamespace,
  termination: {
    begin(namespace) {
      namespace.status = { ...namespace.status, phase: 'Terminating' }
    },
    held: (namespace) => Boolean(namespace.spec?.finalizers?.length),
  },
  status: true,
  resetFields: { '': ['status'], status: ['spec'], finalize: ['status'] },
  subresources: [
    {
      name: 'finalize',
      verbs: ['update'],
      write(parent, incoming) {
        const namespace: CoreV1Namespace = { ...incoming, status: parent.status }
        labelWithName(namespace)
        return namespace
      },
      validate: (namespace) => validateNamespace(namespace),
    },
  ],
  columns: [column('Status', 'The status of the namespace', (namespace) => namespace.status?.phase ?? ''), age],
  fields: { 'status.phase': (namespace) => namespace.status?.phase ?? '' },
})

function specOf(namespace: CoreV1Namespace): NonNullable<CoreV1Namespace['spec']> {
  namespace.spec ??= {}
  return namespace.spec
}

/** Selectors find a namespace by its name through this label, so that nobody can change it. */
function labelWithName(namespace: CoreV1Namespace): void {
  const meta = namespace.metadata
  if (!meta?.name || meta.labels?.[NAME_LABEL] === meta.name) return
  const labels: Record<string, string> = { ...meta.labels, [NAME_LABEL]: meta.name }
  meta.labels = Object.fromEntries(
    Object.keys(labels)
      .sort()
      .map((key) => [key, labels[key]!]),
  )
}

function validateNamespace(namespace: CoreV1Namespace): FieldError[] {
  const field = 'spec.finalizers'
  return (namespace.spec?.finalizers ?? []).flatMap((finalizer) => {
    const errors = isQualifiedName(finalizer).map((message) => invalid(field, finalizer, message))
    if (!finalizer.includes('/') && !STANDARD_FINALIZERS.includes(finalizer)) {
      errors.push(invalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
    }
    return errors
  })
}
