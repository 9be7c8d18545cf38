import type { CoreV1Pod, CoreV1Toleration } from '../generated/types.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

/**
 * Pods that ask for extended resources tolerate the taints that keep others off the nodes that have them.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration
 */
export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  operations: ['CREATE', 'UPDATE'],
  admit(attributes) {
    if (!isFor(attributes, 'pods')) return
    const { spec } = attributes.object as CoreV1Pod
    if (!spec) return
    const names = new Set<string>()
    for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])])
      for (const name in resources?.requests) if (isExtended(name)) names.add(name)
    for (const key of [...names].sort()) spec.tolerations = tolerating(spec.tolerations ?? [], key)
  },
}

/** Names that can't be a resource's at all are refused later. */
const isExtended = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.')

/** One that is the same but for its time gives way. */
function tolerating(given: readonly CoreV1Toleration[], key: string): CoreV1Toleration[] {
  const wanted = { key, operator: 'Exists', effect: 'NoSchedule' }
  let isThere = false
  const tolerations = given.map((toleration) => {
    const { operator, effect, value } = toleration
    if (toleration.key !== key || operator !== wanted.operator || effect !== wanted.effect || value) return toleration
    isThere = true
    return toleration.tolerationSeconds === undefined ? toleration : wanted
  })
  return isThere ? tolerations : [...tolerations, wanted]
}
