import type { CoreV1ContainerStatus, CoreV1Pod } from '../../generated/types.ts'
import { age, ageOf, type Cell, type Column, column } from '../../registry/columns.ts'
import { isRestartableInit } from './pod-spec-visit.ts'

const NODE_LOST = 'NodeLost'

/** What `kubectl get pods` shows. */
export const podColumns: readonly Column<CoreV1Pod>[] = [
  column('Ready', 'The aggregate readiness state of this pod for accepting traffic.', (pod) => summarize(pod).ready),
  column('Status', 'The aggregate status of the containers in this pod.', (pod) => summarize(pod).reason),
  column(
    'Restarts',
    'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    (pod, now) => {
      const { restarts, lastRestart } = summarize(pod)
      return restarts && lastRestart ? `${restarts} (${ageOf(lastRestart, now)} ago)` : String(restarts)
    },
  ),
  age,
  column('IP', '@io.k8s.api.core.v1.PodStatus.podIP', (pod) => orNone(pod.status?.podIPs?.[0]?.ip), { wide: true }),
  column('Node', '@io.k8s.api.core.v1.PodSpec.nodeName', (pod) => orNone(pod.spec?.nodeName), { wide: true }),
  column('Nominated Node', '@io.k8s.api.core.v1.PodStatus.nominatedNodeName', (pod) => orNone(pod.status?.nominatedNodeName), {
    wide: true,
  }),
  column('Readiness Gates', '@io.k8s.api.core.v1.PodSpec.readinessGates', readinessGates, { wide: true }),
]

const orNone = (text: string | undefined): Cell => text || '<none>'

function readinessGates(pod: CoreV1Pod): Cell {
  const gates = pod.spec?.readinessGates
  if (!gates?.length) return '<none>'
  const isTrue = (type: string | undefined): boolean => pod.status?.conditions?.find((c) => c.type === type)?.status === 'True'
  return `${gates.filter((gate) => isTrue(gate.conditionType)).length}/${gates.length}`
}

interface Summary {
  ready: string
  reason: string
  restarts: number
  /** When a container last ended before a restart; '' when none did. */
  lastRestart: string
}

/** Counts restarts over some containers. */
class Restarts {
  count = 0
  last = ''

  add(status: CoreV1ContainerStatus): void {
    this.count += status.restartCount ?? 0
    const finished = status.lastState?.terminated?.finishedAt
    // Times of one form compare as texts do.
    if (finished && finished > this.last) this.last = finished
  }
}

function summarize(pod: CoreV1Pod): Summary {
  const init = initializing(pod)
  let { reason, restarts } = init
  let ready = init.ready
  if (!init.reason || isInitialized(pod)) {
    restarts = init.sidecarRestarts
    const main = mainReason(pod, restarts)
    ready += main.ready
    reason = main.reason || reason
  }
  reason ||= overallReason(pod)
  if (pod.metadata?.deletionTimestamp) {
    if (pod.status?.reason === NODE_LOST) reason = 'Unknown'
    else if (pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded') reason = 'Terminating'
  }
  const total = (pod.spec?.containers?.length ?? 0) + (pod.spec?.initContainers ?? []).filter(isRestartableInit).length
  return { ready: `${ready}/${total}`, reason, restarts: restarts.count, lastRestart: restarts.last }
}

function overallReason(pod: CoreV1Pod): string {
  const gated = pod.status?.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')
  return gated ? 'SchedulingGated' : pod.status?.reason || pod.status?.phase || ''
}

const isInitialized = (pod: CoreV1Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Initialized' && c.status === 'True') ?? false

interface Initializing {
  /** Where initialization stands; '' once it is over. */
  reason: string
  /** Sidecars that are ready. */
  ready: number
  restarts: Restarts
  sidecarRestarts: Restarts
}

function initializing(pod: CoreV1Pod): Initializing {
  const containers = new Map((pod.spec?.initContainers ?? []).map((c) => [c.name, c]))
  const result: Initializing = { reason: '', ready: 0, restarts: new Restarts(), sidecarRestarts: new Restarts() }
  const statuses = pod.status?.initContainerStatuses ?? []
  for (let i = 0; i < statuses.length; i++) {
    const status = statuses[i]!
    const sidecar = isRestartableInit(containers.get(status.name))
    result.restarts.add(status)
    if (sidecar) result.sidecarRestarts.add(status)
    const { terminated, waiting } = status.state ?? {}
    if (terminated && !terminated.exitCode) continue
    if (sidecar && status.started) {
      if (status.ready) result.ready++
      continue
    }
    if (terminated) result.reason = `Init:${terminated.reason || exitReason(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') result.reason = `Init:${waiting.reason}`
    else result.reason = `Init:${i}/${containers.size}`
    break
  }
  return result
}

function exitReason(terminated: { signal?: number; exitCode?: number }): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode ?? 0}`
}

/** The first container that has something to say wins, so they are read from the last. */
function mainReason(pod: CoreV1Pod, restarts: Restarts): { reason: string; ready: number } {
  const statuses = pod.status?.containerStatuses ?? []
  let reason = ''
  let ready = 0
  for (let i = statuses.length - 1; i >= 0; i--) {
    const status = statuses[i]!
    restarts.add(status)
    const { waiting, terminated, running } = status.state ?? {}
    if (waiting?.reason) reason = waiting.reason
    else if (terminated) reason = terminated.reason || exitReason(terminated)
    else if (status.ready && running) ready++
  }
  // Some containers being done doesn't make the pod so while another runs.
  if ((reason || overallReason(pod)) === 'Completed' && ready) {
    const isReady = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
    reason = isReady ? 'Running' : 'NotReady'
  }
  return { reason, ready }
}

/** Marks finished pods in tables, so that clients can leave them out. */
export function podRowConditions(pod: CoreV1Pod): { type: string; status: string; reason: string; message: string }[] {
  if (pod.status?.phase === 'Succeeded') {
    return [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }]
  }
  if (pod.status?.phase === 'Failed') return [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }]
  return []
}
