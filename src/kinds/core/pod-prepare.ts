import type {
  CoreV1Affinity,
  CoreV1AppArmorProfile,
  CoreV1Pod,
  CoreV1PodAffinityTerm,
  CoreV1PodCondition,
  CoreV1PodSpec,
  CoreV1PodStatus,
  MetaV1LabelSelector,
} from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { formatTime } from '../../machinery/time.ts'
import type { WriteContext } from '../../registry/context.ts'
import { podQosClass } from './pod-resources.ts'
import { dropDisabledSpecFields, dropDisabledStatusFields } from './pod-spec-features.ts'
import { visitContainers } from './pod-spec-visit.ts'
import { APPARMOR_CONTAINER as APPARMOR, hasKeyWith, USE_APPARMOR_FIELD } from './pod-spec-warnings.ts'

type Labels = Readonly<Record<string, string>>

/** A new pod is pending and has its quality of service; some of its fields are completed by others. */
export function preparePodForCreate(pod: CoreV1Pod, context: WriteContext): void {
  const spec = (pod.spec ??= {})
  pod.status = { phase: 'Pending', qosClass: podQosClass(spec) }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1
  dropDisabledSpecFields(spec, undefined, context)
  if (spec.schedulingGates?.length) {
    setCondition(
      pod.status,
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
      context.now,
    )
  }
  const labels = pod.metadata?.labels ?? {}
  if (spec.affinity) mergeAffinityLabels(spec.affinity, labels)
  if (context.env.settings.feature('MatchLabelKeysInPodTopologySpread')) mergeSpreadLabels(spec, labels, context)
  applyAppArmorAnnotations(pod, context)
}

/** Label keys of the pod that its affinity terms match (KEP-3633) become part of the terms' selectors. */
function mergeAffinityLabels(affinity: CoreV1Affinity, labels: Labels): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity[kind]
    for (const weighted of terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      mergeTerm(weighted.podAffinityTerm, labels)
    for (const term of terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeTerm(term, labels)
  }
}

function mergeTerm(term: CoreV1PodAffinityTerm | undefined, labels: Labels): void {
  if (!term?.labelSelector) return
  mergeKeys(term.labelSelector, term.matchLabelKeys, 'In', labels)
  mergeKeys(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels)
}

/** The same for topology spread constraints (KEP-3243). */
function mergeSpreadLabels(spec: CoreV1PodSpec, labels: Labels, context: WriteContext): void {
  if (!spec.topologySpreadConstraints || !context.env.settings.feature('MatchLabelKeysInPodTopologySpreadSelectorMerge')) return
  for (const { labelSelector, matchLabelKeys } of spec.topologySpreadConstraints) {
    if (labelSelector) mergeKeys(labelSelector, matchLabelKeys, 'In', labels)
  }
}

function mergeKeys(selector: MetaV1LabelSelector, keys: readonly string[] | undefined, operator: string, labels: Labels): void {
  for (const key of keys ?? []) {
    const value = labels[key]
    if (value === undefined) continue
    selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [value] }]
  }
}

/** AppArmor profiles were annotations before they had a field: what they say becomes the field. */
function applyAppArmorAnnotations({ metadata, spec }: CoreV1Pod, context: WriteContext): void {
  const annotations = metadata?.annotations
  if (!annotations || spec?.os?.name === 'windows' || !hasKeyWith(annotations, APPARMOR)) return
  const ofPod = spec?.securityContext?.appArmorProfile
  visitContainers(spec, (container) => {
    const key = APPARMOR + container.name
    const annotation = annotations[key]
    if (annotation === undefined || container.securityContext?.appArmorProfile) return
    const profile = appArmorProfile(annotation)
    const differs = profile && !equal(profile, ofPod)
    if (differs) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    if (differs || !profile) context.warn(`metadata.annotations[${key}]: ${USE_APPARMOR_FIELD}`)
  })
}

function appArmorProfile(annotation: string): CoreV1AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  const localhost = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : ''
  // Names that validation would refuse aren't copied.
  if (!localhost || localhost.trim() !== localhost || localhost.length > 4095) return undefined
  return { type: 'Localhost', localhostProfile: localhost }
}

/** Keeps what a status update may not change, and what old kubelets leave out. */
export function preparePodStatus(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): void {
  const status = (pod.status ??= {})
  const before = old.status ?? {}
  if (pod.metadata) pod.metadata.ownerReferences = old.metadata?.ownerReferences
  if (!status.qosClass) status.qosClass = before.qosClass
  if (!status.observedGeneration) status.observedGeneration = before.observedGeneration
  // There may be several conditions of one type: their generations are matched in order.
  const generations = new Map<string | undefined, (number | undefined)[]>()
  for (const { type, observedGeneration } of before.conditions ?? []) {
    generations.set(type, [...(generations.get(type) ?? []), observedGeneration])
  }
  for (const condition of status.conditions ?? []) {
    const known = generations.get(condition.type)?.shift()
    if (!condition.observedGeneration && known) condition.observedGeneration = known
  }
  dropDisabledStatusFields(status, before, context)
}

/**
 * Adds a condition or replaces the one of its type; the time is the transition's.
 * @param now ms since the epoch
 */
export function setCondition(status: CoreV1PodStatus, condition: CoreV1PodCondition, now: number): void {
  const conditions = (status.conditions ??= [])
  const index = conditions.findIndex((c) => c.type === condition.type)
  const known = conditions[index]
  const lastTransitionTime = known && known.status === condition.status ? known.lastTransitionTime : formatTime(now)
  const { type, status: value, reason, message } = condition
  // The encoded condition has both times even when they are unknown.
  const next = { type, status: value, lastProbeTime: null, lastTransitionTime, reason, message } as unknown as CoreV1PodCondition
  if (known) conditions[index] = next
  else conditions.push(next)
}

export const alreadyAssigned = (name: string, node: string): string => `pod ${name} is already assigned to node ${quote(node)}`
