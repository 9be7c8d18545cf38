import type { CoreV1Container, CoreV1PodSpec } from '../../generated/types.ts'

/** The paths in the API under which a pod has containers. */
export type ContainerKind = 'initContainers' | 'containers' | 'ephemeralContainers'

/** The order in which the reference visits them. */
export const CONTAINER_KINDS: readonly ContainerKind[] = ['initContainers', 'containers', 'ephemeralContainers']

/** Calls back for every container of a pod; an ephemeral one counts as a container with one more field. */
export function visitContainers(
  spec: CoreV1PodSpec | undefined,
  visit: (container: CoreV1Container, kind: ContainerKind, index: number) => void,
): void {
  if (!spec) return
  for (const kind of CONTAINER_KINDS) {
    const containers = spec[kind]
    if (!containers) continue
    for (let i = 0; i < containers.length; i++) visit(containers[i]!, kind, i)
  }
}

export function someContainer(
  spec: CoreV1PodSpec | undefined,
  test: (container: CoreV1Container, kind: ContainerKind) => boolean,
): boolean {
  if (!spec) return false
  return CONTAINER_KINDS.some((kind) => spec[kind]?.some((container) => test(container, kind)) ?? false)
}

/** An init container that keeps running beside the others: a sidecar (KEP-753). */
export function isRestartableInit(container: CoreV1Container | undefined): boolean {
  return container?.restartPolicy === 'Always'
}
