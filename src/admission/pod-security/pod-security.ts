import type {
  AppsV1DaemonSet,
  AppsV1Deployment,
  AppsV1ReplicaSet,
  AppsV1StatefulSet,
  BatchV1CronJob,
  BatchV1Job,
  CoreV1Container,
  CoreV1Namespace,
  CoreV1Pod,
  CoreV1PodTemplate,
  CoreV1PodTemplateSpec,
  CoreV1ReplicationController,
} from '../../generated/types.ts'
import { invalidObject, quote } from '../../machinery/field-errors.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { forbidden, internalError } from '../../machinery/status.ts'
import { find, type ObjectReader, then } from '../objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { SECCOMP_CONTAINER_ANNOTATION } from './baseline-checks.ts'
import { checkedPod } from './check.ts'
import { warningsAbout } from './existing-pods.ts'
import { chosenText, isEquivalent, isFullyPrivileged, isStricter, type Policy, PRIVILEGED, policyOf } from './policy.ts'
import { detailsOf, violationsOf } from './standards.ts'

/** Whom no standard is for. */
export interface Exemptions {
  readonly usernames: ReadonlySet<string>
  readonly namespaces: ReadonlySet<string>
  readonly runtimeClasses: ReadonlySet<string>
}

export interface PodSecurityDeps {
  objects: ObjectReader
  /** The pods of a namespace, each decoded when called. */
  podsIn: (namespace: string) => Promise<readonly (() => CoreV1Pod)[]>
  /** What holds in namespaces whose labels say nothing. */
  defaults?: Policy
  exemptions?: Exemptions
}

const NOBODY: Exemptions = { usernames: new Set(), namespaces: new Set(), runtimeClasses: new Set() }

interface Workload {
  readonly group: string
  template(object: KubeObject): CoreV1PodTemplateSpec | undefined
}

const WORKLOADS: ReadonlyMap<string, Workload> = new Map<string, Workload>([
  ['replicationcontrollers', { group: '', template: (object: CoreV1ReplicationController) => object.spec?.template }],
  ['podtemplates', { group: '', template: (object: CoreV1PodTemplate) => object.template }],
  ['replicasets', { group: 'apps', template: (object: AppsV1ReplicaSet) => object.spec?.template }],
  ['deployments', { group: 'apps', template: (object: AppsV1Deployment) => object.spec?.template }],
  ['statefulsets', { group: 'apps', template: (object: AppsV1StatefulSet) => object.spec?.template }],
  ['daemonsets', { group: 'apps', template: (object: AppsV1DaemonSet) => object.spec?.template }],
  ['jobs', { group: 'batch', template: (object: BatchV1Job) => object.spec?.template }],
  ['cronjobs', { group: 'batch', template: (object: BatchV1CronJob) => object.spec?.jobTemplate?.spec?.template }],
])

/** Requests to them don't carry a pod, or change nothing that a standard speaks of. */
const IGNORED: ReadonlySet<string> = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])

/**
 * Holds pods to the Pod Security Standard that their namespace's labels choose, and warns of workloads whose pods would be refused.
 * https://kubernetes.io/docs/concepts/security/pod-security-admission/, KEP-2579
 */
export function podSecurity({ objects, podsIn, defaults = PRIVILEGED, exemptions = NOBODY }: PodSecurityDeps): AdmissionPlugin {
  const namespaces = objects.facts({ group: '', resource: 'namespaces' }, (object) => policyOf(object.metadata?.labels, defaults))
  const isExempt = (attributes: AdmissionAttributes): boolean => {
    const byNamespace = exemptions.namespaces.has(attributes.namespace)
    if (!byNamespace && !exemptions.usernames.has(attributes.user.name)) return false
    attributes.annotate(EXEMPT, byNamespace ? 'namespace' : 'user')
    return true
  }
  const isRuntimeExempt = (name: string | undefined): boolean => name !== undefined && exemptions.runtimeClasses.has(name)

  const validatePod = (attributes: AdmissionAttributes): void | Promise<void> => {
    if (IGNORED.has(attributes.subresource) || isExempt(attributes)) return
    return then(find(namespaces, '', attributes.namespace), (policy) => {
      if (!policy) throw internalError(`failed to lookup namespace ${quote(attributes.namespace)}`)
      if (isFullyPrivileged(policy)) return attributes.annotate(ENFORCED, PRIVILEGED.enforce.text)
      const pod = attributes.object as CoreV1Pod
      if (!pod.spec) return
      if (isRuntimeExempt(pod.spec.runtimeClassName)) return attributes.annotate(EXEMPT, 'runtimeClass')
      if (attributes.operation === 'UPDATE' && !isSignificant(pod, attributes.oldObject as CoreV1Pod)) return
      enforce(attributes, pod, policy)
    })
  }

  const validateWorkload = (attributes: AdmissionAttributes, workload: Workload): void | Promise<void> => {
    if (attributes.subresource !== '' || isExempt(attributes)) return
    return then(find(namespaces, '', attributes.namespace), (policy) => {
      if (!policy || !attributes.object) return
      const audits = attributes.audited && policy.audit.level !== 'privileged'
      if (policy.warn.level === 'privileged' && !audits) return
      const template = workload.template(attributes.object)
      if (!template) return
      if (isRuntimeExempt(template.spec?.runtimeClassName)) return attributes.annotate(EXEMPT, 'runtimeClass')
      annotate(attributes, template, policy)
      warnOf(attributes, template, policy)
    })
  }

  const validateNamespace = (attributes: AdmissionAttributes): void | Promise<void> => {
    if (attributes.subresource !== '') return
    const labels = attributes.object?.metadata?.labels
    const policy = policyOf(labels, defaults)
    const old =
      attributes.operation === 'UPDATE'
        ? policyOf((attributes.oldObject as CoreV1Namespace).metadata?.labels, defaults)
        : undefined
    // Labels that were wrong before may stay: there may be no other way to change anything else.
    if (policy.errors.length && !(old && isSame(policy.errors, old.errors)))
      throw invalidObject(
        { group: '', kind: 'Namespace' },
        attributes.name || (attributes.object?.metadata?.name ?? ''),
        policy.errors,
      )
    if (old && !(isStricter(policy.enforce.level, 'privileged') && mayRefuseMore(policy, old))) return
    if (exemptions.namespaces.has(attributes.name)) {
      if (isFullyPrivileged(policy) || isEquivalent(policy, defaults)) return
      const chosen = chosenText(labels, policy)
      return attributes.warn(
        `namespace ${quote(attributes.name)} is exempt from Pod Security, and the policy (${chosen}) will be ignored`,
      )
    }
    if (old) return warnOfPods(attributes, policy)
  }

  const warnOfPods = async (attributes: AdmissionAttributes, policy: Policy): Promise<void> => {
    const pods = await podsIn(attributes.name)
    const warnings = await warningsAbout(attributes.name, policy.enforce, pods, (pod) =>
      isRuntimeExempt(pod.spec?.runtimeClassName),
    )
    for (const text of warnings) attributes.warn(text)
  }

  return {
    name: 'PodSecurity',
    operations: ['CREATE', 'UPDATE'],
    validate(attributes) {
      const { group, resource } = attributes.resource
      if (resource === 'pods' && group === '') return validatePod(attributes)
      if (resource === 'namespaces' && group === '') return validateNamespace(attributes)
      const workload = WORKLOADS.get(resource)
      if (workload?.group === group) return validateWorkload(attributes, workload)
    },
  }
}

const ENFORCED = 'pod-security.kubernetes.io/enforce-policy'
const EXEMPT = 'pod-security.kubernetes.io/exempt'
const VIOLATIONS = 'pod-security.kubernetes.io/audit-violations'
const ERROR = 'pod-security.kubernetes.io/error'

/** What the request's audit events say of the standard that the namespace has audited. */
function annotate(attributes: AdmissionAttributes, { metadata, spec }: CoreV1PodTemplateSpec, { audit, errors }: Policy): void {
  if (!attributes.audited) return
  if (errors.length) {
    const lines = errors.map(({ field, message }) => `${field}: ${message}`)
    attributes.annotate(ERROR, `Failed to parse policy: ${lines.length > 1 ? `[${lines.join(', ')}]` : lines[0]}`)
  }
  const violations = spec && audit.level !== 'privileged' ? violationsOf(audit, checkedPod(metadata?.annotations, spec)) : []
  if (violations.length) {
    attributes.annotate(VIOLATIONS, `would violate PodSecurity ${quote(audit.text)}: ${detailsOf(violations)}`)
  }
}

/** @throws StatusError 403 */
function enforce(attributes: AdmissionAttributes, pod: CoreV1Pod, policy: Policy): void {
  const checked = checkedPod(pod.metadata?.annotations, pod.spec ?? {})
  const violations = violationsOf(policy.enforce, checked)
  attributes.annotate(ENFORCED, policy.enforce.text)
  annotate(attributes, pod, policy)
  if (violations.length) {
    const cause = `violates PodSecurity ${quote(policy.enforce.text)}: ${detailsOf(violations)}`
    // A name that was generated is known by now.
    throw forbidden(attributes.resource, attributes.name || (pod.metadata?.name ?? ''), cause)
  }
  if (policy.warn.text !== policy.enforce.text) warnOf(attributes, pod, policy)
}

function warnOf(attributes: AdmissionAttributes, { metadata, spec }: CoreV1PodTemplateSpec, { warn }: Policy): void {
  if (!spec) return
  const violations = violationsOf(warn, checkedPod(metadata?.annotations, spec))
  if (violations.length) attributes.warn(`would violate PodSecurity ${quote(warn.text)}: ${detailsOf(violations)}`)
}

/** Whether pods that the old policy let in may not be let in by the new one. */
function mayRefuseMore({ enforce }: Policy, old: Policy): boolean {
  if (enforce.minor !== old.enforce.minor) return true
  return isStricter(enforce.level, old.enforce.level)
}

function isSame(errors: Policy['errors'], others: Policy['errors']): boolean {
  return (
    errors.length === others.length &&
    errors.every((error, i) => error.field === others[i]?.field && error.message === others[i]?.message)
  )
}

/** Of what may change in a pod, images, new containers and the annotations that once held seccomp profiles matter. */
function isSignificant(pod: CoreV1Pod, old: CoreV1Pod): boolean {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {}
  const before = old.spec ?? {}
  const isChanged = (container: CoreV1Container, previous: CoreV1Container | undefined): boolean => {
    if (!previous || container.image !== previous.image) return true
    const key = SECCOMP_CONTAINER_ANNOTATION + (container.name ?? '')
    return pod.metadata?.annotations?.[key] !== old.metadata?.annotations?.[key]
  }
  return (
    containers.length !== (before.containers?.length ?? 0) ||
    initContainers.length !== (before.initContainers?.length ?? 0) ||
    containers.some((container, i) => isChanged(container, before.containers?.[i])) ||
    initContainers.some((container, i) => isChanged(container, before.initContainers?.[i])) ||
    ephemeralContainers.some((container) =>
      isChanged(
        container,
        before.ephemeralContainers?.find(({ name }) => name === container.name),
      ),
    )
  )
}
