import { setImmediate } from 'node:timers/promises'
import type { CoreV1Pod } from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'
import { checkedPod } from './check.ts'
import type { LevelVersion } from './policy.ts'
import { reasonsOf, violationsOf } from './standards.ts'

/** For how long other requests may have to wait for this one, ms. */
const SLICE_MS = 5

export interface CheckLimits {
  /** How many pods are looked at. */
  readonly pods: number
  /** For how long, ms. */
  readonly ms: number
}

export const LIMITS: CheckLimits = { pods: 3000, ms: 1000 }

interface Group {
  /** The first of their names. */
  first: string
  count: number
}

/**
 * What to warn of who makes a namespace's pods keep a standard: which of those that run already would not be let in, grouped by what is
 * wrong with them.
 * @param pods each decoded when called, and let go of again
 * @param skips tells pods that no standard is for
 */
export async function warningsAbout(
  namespace: string,
  standard: LevelVersion,
  pods: readonly (() => CoreV1Pod)[],
  skips: (pod: CoreV1Pod) => boolean,
  limits: CheckLimits = LIMITS,
): Promise<string[]> {
  const groups = new Map<string, Group>()
  const controllers = new Set<string>()
  const alike: (() => CoreV1Pod)[] = []
  const end = performance.now() + limits.ms
  let until = performance.now() + SLICE_MS
  let total = pods.length
  let checked = 0

  /** @returns whether there is time for more */
  const check = async (pod: CoreV1Pod): Promise<boolean> => {
    checked++
    if (pod.spec)
      add(groups, pod.metadata?.name ?? '', reasonsOf(violationsOf(standard, checkedPod(pod.metadata?.annotations, pod.spec))))
    if (performance.now() > until) {
      await setImmediate()
      until = performance.now() + SLICE_MS
    }
    return checked < limits.pods && performance.now() < end
  }

  let more = limits.pods > 0
  for (const decode of pods) {
    if (!more) break
    const pod = decode()
    if (skips(pod)) {
      total--
      continue
    }
    // Pods of one controller are alike: one of each comes first.
    const controller = pod.metadata?.ownerReferences?.find((owner) => owner.controller)?.uid
    if (controller !== undefined && controllers.has(controller)) {
      alike.push(decode)
      continue
    }
    if (controller !== undefined) controllers.add(controller)
    more = await check(pod)
  }
  for (const decode of alike) {
    if (!more) break
    more = await check(decode())
  }

  const bounded = `new PodSecurity enforce level only checked against the first ${checked} of ${total} existing pods`
  const head = `existing pods in namespace ${quote(namespace)} violate the new PodSecurity enforce level ${quote(standard.text)}`
  const lines = [...groups].map(([reasons, group]) => `${group.first}${others(group.count - 1)}: ${reasons}`).sort()
  return [...(checked < total ? [bounded] : []), ...(lines.length ? [head, ...lines] : [])]
}

function add(groups: Map<string, Group>, name: string, reasons: string): void {
  if (!reasons) return
  const group = groups.get(reasons)
  if (!group) {
    groups.set(reasons, { first: name, count: 1 })
    return
  }
  group.count++
  if (name < group.first) group.first = name
}

function others(count: number): string {
  if (count === 0) return ''
  return count === 1 ? ' (and 1 other pod)' : ` (and ${count} other pods)`
}
