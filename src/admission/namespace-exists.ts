import { notFound } from '../machinery/status.ts'
import { find, type ObjectReader, then } from './objects.ts'
import type { AdmissionPlugin } from './plugin.ts'

/**
 * Nothing is written in a namespace that doesn't exist.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespaceexists
 */
export function namespaceExists(objects: ObjectReader): AdmissionPlugin {
  const namespaces = objects.facts({ group: '', resource: 'namespaces' }, () => true)
  return {
    name: 'NamespaceExists',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    validate({ namespace, kind }) {
      if (!namespace || (kind.kind === 'Namespace' && kind.group === '')) return
      return then(find(namespaces, '', namespace), (exists) => {
        if (!exists) throw notFound({ group: '', resource: 'namespaces' }, namespace)
      })
    },
  }
}
