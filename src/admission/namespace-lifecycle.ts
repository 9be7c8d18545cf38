import type { CoreV1Namespace } from '../generated/types.ts'
import { forbidden, notFound, StatusError } from '../machinery/status.ts'
import { find, type ObjectReader, then } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { refusal } from './refusal.ts'

type Phase = 'active' | 'terminating'

const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public'])

/**
 * Nothing is created in a namespace that doesn't exist or is going away, and the system's namespaces stay.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
 */
export function namespaceLifecycle(objects: ObjectReader): AdmissionPlugin {
  const namespaces = objects.facts<Phase>({ group: '', resource: 'namespaces' }, (object) =>
    (object as CoreV1Namespace).status?.phase === 'Terminating' ? 'terminating' : 'active',
  )
  return {
    name: 'NamespaceLifecycle',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    admit(attributes) {
      const { operation, kind, resource, namespace } = attributes
      if (kind.kind === 'Namespace' && kind.group === '') {
        if (operation === 'DELETE' && IMMORTAL.has(attributes.name))
          throw forbidden(resource, attributes.name, 'this namespace may not be deleted')
        return
      }
      if (!namespace || operation === 'DELETE' || isAccessReview(attributes)) return
      return then(find(namespaces, '', namespace), (phase) => {
        if (!phase) throw notFound({ group: '', resource: 'namespaces' }, namespace)
        if (phase === 'terminating' && operation === 'CREATE') throw terminating(attributes)
      })
    },
  }
}

/** Whoever asks what they may do in a namespace is not to learn whether it exists. */
function isAccessReview({ resource }: AdmissionAttributes): boolean {
  return resource.resource === 'localsubjectaccessreviews' && resource.group === 'authorization.k8s.io'
}

function terminating(attributes: AdmissionAttributes): StatusError {
  const { namespace } = attributes
  const cause = `unable to create new content in namespace ${namespace} because it is being terminated`
  const { code, reason, message, status } = refusal(attributes, cause)
  const causes = [
    { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
  ]
  return new StatusError(code, reason, message, { ...status.details, causes })
}
