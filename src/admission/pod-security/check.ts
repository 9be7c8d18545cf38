import type { CoreV1Container, CoreV1PodSpec } from '../../generated/types.ts'

/** A pod or a pod template, as checks see it. */
export interface CheckedPod {
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: CoreV1PodSpec
  /** All of them, in the order in which messages name them. */
  readonly containers: readonly CoreV1Container[]
}

/** Why a check refuses a pod. */
export interface Violation {
  readonly reason: string
  readonly detail: string
}

export type Check = (pod: CheckedPod) => Violation | undefined

export function checkedPod(annotations: Readonly<Record<string, string>> | undefined, spec: CoreV1PodSpec): CheckedPod {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec
  return { annotations: annotations ?? {}, spec, containers: [...initContainers, ...containers, ...ephemeralContainers] }
}

/** The names of the containers that are so. */
export function containersThat(pod: CheckedPod, are: (container: CoreV1Container) => boolean | undefined): string[] {
  return pod.containers.filter(are).map((container) => container.name ?? '')
}

export const joinQuoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

export const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many)

/** `container "a"`, `containers "a", "b"`. */
export const counted = (what: string, names: readonly string[]): string => `${plural(names.length, what)} ${joinQuoted(names)}`

/** `pod and containers "a", "b"`; empty when nobody did it. */
export function settersText(pod: boolean | undefined, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length ? [counted('container', containers)] : [])].join(' and ')
}

export const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort()

/** Pods of their own user namespace: root in them is nobody outside. KEP-127 */
export const inUserNamespace = ({ spec }: CheckedPod): boolean => spec.hostUsers === false

/** Windows has no such thing as what the check asks for. */
export const unlessWindows =
  (check: Check): Check =>
  (pod) =>
    pod.spec.os?.name === 'windows' ? undefined : check(pod)

export const unlessInUserNamespace =
  (check: Check): Check =>
  (pod) =>
    inUserNamespace(pod) ? undefined : check(pod)
