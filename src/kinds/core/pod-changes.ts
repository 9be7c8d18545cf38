import type { CoreV1Container, CoreV1Pod } from '../../generated/types.ts'
import type { Subresource } from '../../registry/kind.ts'
import { dropDisabledSpecFields } from './pod-spec-features.ts'
import { validateEphemeralContainers, validateResize } from './pod-update-rules.ts'

/** Adds containers for debugging to a running pod (KEP-277). Only these change, whatever else the request says. */
export const podEphemeralContainers: Subresource<CoreV1Pod> = {
  name: 'ephemeralcontainers',
  verbs: ['get', 'patch', 'update'],
  write: (pod, incoming, context) => {
    const { ephemeralContainers } = (incoming as CoreV1Pod).spec ?? {}
    const spec = { ...pod.spec, ephemeralContainers }
    dropDisabledSpecFields(spec, pod.spec, context)
    return { ...pod, spec }
  },
  validate: validateEphemeralContainers,
}

/** Changes the resources of a running pod (KEP-1287). */
export const podResize: Subresource<CoreV1Pod> = {
  name: 'resize',
  verbs: ['get', 'patch', 'update'],
  write: (pod, incoming, context) => {
    const wanted = (incoming as CoreV1Pod).spec ?? {}
    const before = pod.spec ?? {}
    const sameNumber =
      wanted.containers?.length === before.containers?.length && wanted.initContainers?.length === before.initContainers?.length
    // Other changes than of resources go, but validation is to see that containers came, went or were renamed.
    if (!sameNumber) return { ...pod, spec: wanted }
    const spec = {
      ...before,
      containers: resized(wanted.containers, before.containers),
      initContainers: resized(wanted.initContainers, before.initContainers),
    }
    if (context.env.settings.feature('InPlacePodLevelResourcesVerticalScaling')) spec.resources = wanted.resources
    dropDisabledSpecFields(spec, before, context)
    return { ...pod, spec }
  },
  validate: validateResize,
}

function resized(wanted: CoreV1Container[] | undefined, before: CoreV1Container[] | undefined): CoreV1Container[] | undefined {
  if (!wanted?.length || !before) return wanted
  if (wanted.some((container, i) => container.name !== before[i]?.name)) return wanted
  return before.map((container, i) => ({
    ...container,
    resources: wanted[i]?.resources,
    resizePolicy: wanted[i]?.resizePolicy,
  }))
}
