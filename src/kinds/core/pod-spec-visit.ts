import type { CoreV1Container, CoreV1PodSpec } from '../../generated/types.ts'

/** The paths in the API under which a pod has containers. */
export type ContainerKind = 'initContainers' | 'containers' | 'ephemeralContainers'

/** The order in which the reference visits them. */
export const CONTAINER_KINDS: readonly ContainerKind[] = ['initContainers', 'containers', 'ephemeralContainers']

type Visit = (container: CoreV1Container, kind: ContainerKind, index: number) => void

/** Calls back for every container of a pod; an ephemeral one counts as a container with one more field. */
export function visitContainers(spec: CoreV1PodSpec | undefined, visit: Visit): void {
  if (!spec) return
  visitList(spec.initContainers, 'initContainers', visit)
  visitList(spec.containers, 'containers', visit)
  visitList(spec.ephemeralContainers, 'ephemeralContainers', visit)
}

function visitList(containers: readonly CoreV1Container[] | undefined, kind: ContainerKind, visit: Visit): void {
  if (!containers) return
  for (let i = 0; i < containers.length; i++) visit(containers[i]!, kind, i)
}

export function someContainer(spec: CoreV1PodSpec, test: (container: CoreV1Container) => boolean): boolean {
  if (spec.initContainers?.some(test) || spec.containers?.some(test)) return true
  return spec.ephemeralContainers?.some(test) ?? false
}

/** An init container that keeps running beside the others: a sidecar (KEP-753). */
export function isRestartableInit(container: CoreV1Container | undefined): boolean {
  return container?.restartPolicy === 'Always'
}
