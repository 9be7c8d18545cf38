import type {
  CoreV1Affinity,
  CoreV1Container,
  CoreV1ContainerStatus,
  CoreV1NodeSelectorTerm,
  CoreV1Pod,
  CoreV1PodSpec,
  CoreV1Toleration,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { isValidIP } from '../../machinery/ip-address-validation.ts'
import { equal } from '../../machinery/json.ts'
import { inclusiveRangeError, isQualifiedName } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validatePodSpec } from './pod-spec-validation.ts'
import { validateMirror, validateMirrorChange } from './pod-validation.ts'
import { differences, printed } from './rules.ts'

const MAX_INT32 = 2 ** 31 - 1

const UNCHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** The rules that hold before and after. */
const validateWhole = (pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] =>
  validatePodSpec(pod.spec ?? {}, 'spec', context, { podName: pod.metadata?.name ?? '', old: old.spec })

/** What an update may change of a pod. */
export function validatePodUpdate(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] {
  const spec = pod.spec ?? {}
  const before = old.spec ?? {}
  const errors = [...validateMirrorChange(pod, old), ...validateMirror(pod), ...validateWhole(pod, old, context)]
  for (const kind of ['containers', 'initContainers'] as const) {
    if ((spec[kind]?.length ?? 0) !== (before[kind]?.length ?? 0)) {
      return [...errors, forbiddenField(`spec.${kind}`, 'pod updates may not add or remove containers')]
    }
    spec[kind]?.forEach((container, i) => {
      if (!container.image?.trim()) errors.push(required(`spec.${kind}[${i}].image`))
    })
  }
  const deadlineError = validateDeadline(spec.activeDeadlineSeconds, before.activeDeadlineSeconds)
  errors.push(...deadlineError)
  if (deadlineError.length && spec.activeDeadlineSeconds !== undefined) return errors
  errors.push(...validateAddedTolerations(spec, before), ...validateRemovedGates(spec, before))
  if (before.schedulingGates?.length) errors.push(...validateNodeConstraints(spec, before, context))
  const restored = withOldValues(spec, before)
  if (!equal(restored, before)) {
    errors.push(forbiddenField('spec', `${UNCHANGEABLE}\n${specDiff(before, restored, context)}`))
  }
  return errors
}

const specDiff = (before: CoreV1PodSpec, after: CoreV1PodSpec, context: WriteContext): string =>
  differences('io.k8s.api.core.v1.PodSpec', before, after, context)

function validateDeadline(seconds: number | undefined, before: number | undefined): FieldError[] {
  const path = 'spec.activeDeadlineSeconds'
  if (seconds === undefined) {
    return before === undefined ? [] : [invalid(path, undefined, 'must not update from a positive integer to nil value')]
  }
  if (seconds < 0 || seconds > MAX_INT32) return [invalid(path, seconds, inclusiveRangeError(0, MAX_INT32))]
  if (before !== undefined && before < seconds) return [invalid(path, seconds, 'must be less than or equal to previous value')]
  return []
}

/** Tolerations may be added, and the seconds of those that are there may change. */
function validateAddedTolerations(spec: CoreV1PodSpec, before: CoreV1PodSpec): FieldError[] {
  const timeless = (t: CoreV1Toleration): CoreV1Toleration => ({ ...t, tolerationSeconds: undefined })
  const kept = (old: CoreV1Toleration): boolean => spec.tolerations?.some((t) => equal(timeless(t), timeless(old))) ?? false
  if (before.tolerations?.every(kept) ?? true) return []
  return [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
}

/** Scheduling gates may only go. */
function validateRemovedGates(spec: CoreV1PodSpec, before: CoreV1PodSpec): FieldError[] {
  const known = new Set(before.schedulingGates?.map((gate) => gate.name))
  const added = spec.schedulingGates?.findIndex((gate) => !known.has(gate.name)) ?? -1
  if (added < 0) return []
  const name = spec.schedulingGates?.[added]?.name ?? ''
  return [
    forbiddenField(`spec.schedulingGates[${added}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`),
  ]
}

/** The new spec with everything that may change put back as it was. */
function withOldValues(spec: CoreV1PodSpec, before: CoreV1PodSpec): CoreV1PodSpec {
  const withImages = (containers: CoreV1Container[] | undefined, old: CoreV1Container[] | undefined) =>
    containers?.map((container, i) => ({ ...container, image: old?.[i]?.image }))
  const restored: CoreV1PodSpec = {
    ...spec,
    containers: withImages(spec.containers, before.containers),
    initContainers: withImages(spec.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    schedulingGates: before.schedulingGates,
    tolerations: before.tolerations,
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    restored.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds
  }
  if (before.schedulingGates?.length) {
    restored.nodeSelector = before.nodeSelector
    restored.affinity = withNodeAffinity(spec.affinity, before.affinity)
  }
  return restored
}

/** The new affinities with the old ones to nodes. */
function withNodeAffinity(affinity: CoreV1Affinity | undefined, old: CoreV1Affinity | undefined): CoreV1Affinity | undefined {
  const nodeAffinity = old?.nodeAffinity
  if (!affinity) return nodeAffinity && { nodeAffinity }
  if (!old && !affinity.podAffinity && !affinity.podAntiAffinity) return undefined
  return { ...affinity, nodeAffinity }
}

const ONLY_ADDITIONS = 'only additions are allowed (no mutations or deletions)'

/** While a pod is gated, what nodes it may have can change, but only get fewer (KEP-3838). */
function validateNodeConstraints(spec: CoreV1PodSpec, before: CoreV1PodSpec, context: WriteContext): FieldError[] {
  const errors: FieldError[] = []
  const selector = spec.nodeSelector ?? {}
  if (Object.entries(before.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    errors.push(
      invalid('spec.nodeSelector', selector, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'),
    )
  }
  const required = (affinity: CoreV1Affinity | undefined) =>
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const terms = required(spec.affinity)
  const oldTerms = required(before.affinity)
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const form = (term: CoreV1NodeSelectorTerm | undefined): unknown =>
    printed(term ?? {}, 'io.k8s.api.core.v1.NodeSelectorTerm', context)
  if (oldTerms.length && oldTerms.length !== terms.length) {
    return [...errors, invalid(path, terms.map(form), 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')]
  }
  oldTerms.forEach((old, i) => {
    if (!narrows(terms[i], old)) errors.push(invalid(`${path}[${i}]`, form(terms[i]), ONLY_ADDITIONS))
  })
  return errors
}

/** Whether a term has all that the old one has, in the same order, and maybe more. */
function narrows(term: CoreV1NodeSelectorTerm | undefined, old: CoreV1NodeSelectorTerm): boolean {
  if (!old.matchExpressions?.length && !old.matchFields?.length)
    return !term?.matchExpressions?.length && !term?.matchFields?.length
  const keeps = (list: 'matchExpressions' | 'matchFields'): boolean =>
    old[list]?.every((requirement, i) => equal(requirement, term?.[list]?.[i])) ?? true
  return keeps('matchExpressions') && keeps('matchFields')
}

/** What a node may report of a pod. */
export function validatePodStatus(pod: CoreV1Pod, old: CoreV1Pod): FieldError[] {
  const status = pod.status ?? {}
  const before = old.status ?? {}
  const errors: FieldError[] = []
  status.conditions?.forEach((condition, i) => {
    for (const message of isQualifiedName(condition.type ?? '')) {
      errors.push(invalid(`status.conditions[${i}].Type`, condition.type, message))
    }
  })
  if (pod.spec?.nodeName && status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName) {
    errors.push(forbiddenField('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'))
  }
  if (pod.spec?.restartPolicy !== 'Always') {
    for (const list of ['containerStatuses', 'initContainerStatuses'] as const) {
      errors.push(...validateStates(status[list], before[list], `status.${list}`, pod.spec?.restartPolicy))
    }
  }
  if (status.qosClass !== before.qosClass) errors.push(invalid('status.qosClass', status.qosClass ?? '', 'field is immutable'))
  status.podIPs?.forEach(({ ip = '' }, i) => {
    errors.push(...isValidIP(`status.podIPs[${i}]`, ip))
  })
  return errors
}

/** What ended for good stays ended. */
function validateStates(
  now: CoreV1ContainerStatus[] | undefined,
  before: CoreV1ContainerStatus[] | undefined,
  path: string,
  restartPolicy: string | undefined,
): FieldError[] {
  const errors: FieldError[] = []
  before?.forEach(({ name, state }, i) => {
    if (!state?.terminated || (state.terminated.exitCode && restartPolicy === 'OnFailure')) return
    if (now?.some((status) => status.name === name && !status.state?.terminated)) {
      errors.push(forbiddenField(`${path}[${i}].state`, 'may not be transitioned to non-terminated state'))
    }
  })
  return errors
}

/** Ephemeral containers may be added, never changed or removed. */
export function validateEphemeralContainers(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] {
  const path = 'spec.ephemeralContainers'
  const errors = validateWhole(pod, old, context)
  const now = new Map((pod.spec?.ephemeralContainers ?? []).map((c) => [c.name, c]))
  old.spec?.ephemeralContainers?.forEach((before, i) => {
    const after = now.get(before.name)
    if (!after) {
      errors.push(
        forbiddenField(`${path}[${i}]`, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`),
      )
    } else if (!equal(after, before)) {
      errors.push(
        forbiddenField(`${path}[${i}]`, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`),
      )
    }
  })
  return errors
}

/** A resize leaves the containers themselves as they are. */
export function validateResize(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] {
  const errors = validateWhole(pod, old, context)
  for (const kind of ['containers', 'initContainers'] as const) {
    if (pod.spec?.[kind]?.length !== old.spec?.[kind]?.length) {
      return [...errors, forbiddenField(`spec.${kind}`, 'containers may not be added or removed on resize')]
    }
  }
  const withoutResources = (spec: CoreV1PodSpec | undefined) => ({
    ...spec,
    resources: undefined,
    containers: spec?.containers?.map((c) => ({ ...c, resources: undefined, resizePolicy: undefined })),
    initContainers: spec?.initContainers?.map((c) => ({ ...c, resources: undefined, resizePolicy: undefined })),
  })
  if (!equal(withoutResources(pod.spec), withoutResources(old.spec))) {
    errors.push(forbiddenField('spec', 'only cpu and memory resources are mutable'))
  }
  return errors
}
