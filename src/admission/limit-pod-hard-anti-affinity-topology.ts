import type { CoreV1Pod } from '../generated/types.ts'
import { forbidden } from '../machinery/status.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

const HOST = 'kubernetes.io/hostname'

/**
 * Pods keep others off their node at most, not off a whole zone or region.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#limitpodhardantiaffinitytopology
 */
export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes) {
    if (!isFor(attributes, 'pods')) return
    const { metadata, spec } = attributes.object as CoreV1Pod
    const terms = spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    const other = terms?.find(({ topologyKey }) => topologyKey !== HOST)
    if (!other) return
    const what = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${other.topologyKey ?? ''}`
    throw forbidden(attributes.resource, metadata?.name ?? '', `${what} but only key ${HOST} is allowed`)
  },
}
