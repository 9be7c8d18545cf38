import type {
  CoreV1Affinity,
  CoreV1Container,
  CoreV1ContainerPort,
  CoreV1HostAlias,
  CoreV1LocalObjectReference,
  CoreV1NodeAffinity,
  CoreV1NodeSelectorTerm,
  CoreV1PodAffinityTerm,
  CoreV1PodSpec,
  CoreV1PodTemplateSpec,
  CoreV1ResourceRequirements,
  CoreV1Volume,
  CoreV1WeightedPodAffinityTerm,
} from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'
import { warningsForIP } from '../../machinery/ip-address-validation.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isValidLabelValue } from '../../machinery/validation.ts'
import { setFor } from './field-checks.ts'
import type { ResourceList } from './pod-spec-defaults.ts'
import { overlappingPaths } from './pod-spec-overlaps.ts'
import { visitContainers } from './pod-spec-visit.ts'

/** Collects warnings; `at` is the path of the object that holds the pod's metadata and spec, with a dot after it. */
interface Collector {
  readonly at: string
  readonly warnings: string[]
}

/** What the reference warns of in a new pod's metadata and spec. */
export function podWarnings(pod: KubeObject & { spec?: CoreV1PodSpec }): string[] {
  return collect('', pod)
}

/** The same for a controller's template. `path` is where it stands, such as `spec.template`. */
export function templateWarnings(path: string, template: CoreV1PodTemplateSpec | undefined): string[] {
  return template ? collect(`${path}.`, template) : []
}

function collect(at: string, { metadata, spec = {} }: KubeObject & { spec?: CoreV1PodSpec }): string[] {
  const warnings: string[] = []
  const collector: Collector = { at, warnings }
  const annotations = metadata?.annotations ?? {}
  nodeLabels(spec, collector)
  deprecatedAnnotations(annotations, collector)
  if (spec.volumes) volumes(spec.volumes, collector)
  if (spec.hostAliases) aliases(spec.hostAliases, collector)
  if (spec.imagePullSecrets) pullSecrets(spec.imagePullSecrets, collector)
  if (spec.overhead) {
    fraction(spec.overhead, 'memory', `${at}spec.overhead`, warnings)
    fraction(spec.overhead, 'ephemeral-storage', `${at}spec.overhead`, warnings)
  }
  seccompAnnotation(annotations, spec, collector)
  const isAnnotated = hasKeyWith(annotations, 'container.')
  visitContainers(spec, (container, kind, i) => {
    if (isAnnotated) containerAnnotations(annotations, container, spec, collector)
    for (const text of containerWarnings(container)) warnings.push(`${at}spec.${kind}[${i}].${text}`)
  })
  ports(spec, collector)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(`${at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  }
  if (spec.affinity) affinity(spec.affinity, collector)
  if (spec.dnsConfig || spec.hostAliases) addresses(spec, collector)
  // A text is sent once, however often it comes up.
  return warnings.length > 1 ? [...new Set(warnings)] : warnings
}

/** Whether a key starts so: nearly no annotations do, which saves making up keys to look for. */
export function hasKeyWith(annotations: Annotations, prefix: string): boolean {
  for (const key in annotations) if (key.startsWith(prefix)) return true
  return false
}

const DEPRECATED_NODE_LABELS: Readonly<Record<string, string | undefined>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}

const NULL_SELECTOR = 'a null labelSelector results in matching no pod'

function nodeLabels(spec: CoreV1PodSpec, { at, warnings }: Collector): void {
  for (const key in spec.nodeSelector) {
    const message = DEPRECATED_NODE_LABELS[key]
    if (message) warnings.push(`${at}spec.nodeSelector[${key}]: ${message}`)
  }
  const nodes = spec.affinity?.nodeAffinity
  if (nodes) nodeAffinity(nodes, `${at}spec.affinity.nodeAffinity`, warnings)
  spec.topologySpreadConstraints?.forEach(({ topologyKey = '', labelSelector }, i) => {
    const message = DEPRECATED_NODE_LABELS[topologyKey]
    if (!message && labelSelector) return
    const constraint = `${at}spec.topologySpreadConstraints[${i}]`
    if (message) warnings.push(`${constraint}.topologyKey: ${topologyKey} is ${message}`)
    if (!labelSelector) warnings.push(`${constraint}.labelSelector: ${NULL_SELECTOR}`)
  })
}

function nodeAffinity(nodes: CoreV1NodeAffinity, path: string, warnings: string[]): void {
  nodes.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((term, i) => {
    const termPath = `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`
    warnings.push(...nodeSelectorTermWarnings(term, termPath, false))
  })
  nodes.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ preference }, i) => {
    const termPath = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`
    warnings.push(...nodeSelectorTermWarnings(preference ?? {}, termPath, true))
  })
}

/** Deprecated labels in a node selector, and with `checkValues` those values that no label can have. */
export function nodeSelectorTermWarnings(term: CoreV1NodeSelectorTerm, path: string, checkValues: boolean): string[] {
  const warnings: string[] = []
  term.matchExpressions?.forEach(({ key = '', values }, i) => {
    const message = DEPRECATED_NODE_LABELS[key]
    if (message) warnings.push(`${path}.matchExpressions[${i}].key: ${key} is ${message}`)
    if (!checkValues) return
    values?.forEach((value, j) => {
      for (const problem of isValidLabelValue(value)) {
        warnings.push(`${path}.matchExpressions[${i}].values[${j}]: ${value} is invalid, ${problem}`)
      }
    })
  })
  return warnings
}

const DEPRECATED_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}

type Annotations = Readonly<Record<string, string>>

function deprecatedAnnotations(annotations: Annotations, { at, warnings }: Collector): void {
  for (const key in DEPRECATED_ANNOTATIONS) {
    if (key in annotations) warnings.push(`${at}metadata.annotations[${key}]: ${DEPRECATED_ANNOTATIONS[key]}`)
  }
}

/** Volume plugins that are going or gone, in the reference's order. */
const DEPRECATED_VOLUMES: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

/** Fields that messages call otherwise than the API does. */
const VOLUME_NAMES: Readonly<Record<string, string>> = { storageos: 'storageOS' }

function volumes(list: readonly CoreV1Volume[], { at, warnings }: Collector): void {
  for (let i = 0; i < list.length; i++) {
    const volume = list[i]!
    for (const field in DEPRECATED_VOLUMES) {
      if (volume[field as keyof CoreV1Volume] === undefined) continue
      warnings.push(`${at}spec.volumes[${i}].${VOLUME_NAMES[field] ?? field}: ${DEPRECATED_VOLUMES[field]}`)
    }
    const requests = volume.ephemeral?.volumeClaimTemplate?.spec?.resources?.requests
    if (!requests) continue
    const path = `${at}spec.volumes[${i}].ephemeral.volumeClaimTemplate.spec.resources.requests`
    fraction(requests, 'storage', path, warnings)
  }
  overlappingPaths(warnings, list)
}

function aliases(list: readonly CoreV1HostAlias[], { at, warnings }: Collector): void {
  const ips = new Set<string>()
  list.forEach(({ ip = '' }, i) => {
    if (ips.has(ip)) warnings.push(`${at}spec.hostAliases[${i}].ip: duplicate ip ${quote(ip)}`)
    ips.add(ip)
  })
}

function pullSecrets(list: readonly CoreV1LocalObjectReference[], { at, warnings }: Collector): void {
  const names = new Set<string>()
  list.forEach(({ name = '' }, i) => {
    if (names.has(name)) warnings.push(`${at}spec.imagePullSecrets[${i}].name: duplicate name ${quote(name)}`)
    names.add(name)
  })
  list.forEach(({ name = '' }, i) => {
    if (!name) warnings.push(`${at}spec.imagePullSecrets[${i}].name: invalid empty name ""`)
  })
}

/** How canonical quantities end that aren't whole. */
const FRACTION = /[mun]$|e-/

function fractions({ limits, requests }: CoreV1ResourceRequirements, resource: string, warnings: string[]): void {
  fraction(limits, resource, 'resources.limits', warnings)
  fraction(requests, resource, 'resources.requests', warnings)
}

/** There are no parts smaller than a byte. */
function fraction(list: ResourceList | undefined, resource: string, path: string, warnings: string[]): void {
  const quantity = list?.[resource]
  if (quantity === undefined || !FRACTION.test(quantity)) return
  warnings.push(`${path}[${resource}]: fractional byte value ${quote(quantity)} is invalid, must be an integer`)
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'
export const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/'
const USE_SECCOMP_FIELD = 'non-functional in v1.27+; use the "seccompProfile" field instead'

function seccompAnnotation(annotations: Annotations, spec: CoreV1PodSpec, { at, warnings }: Collector): void {
  if (spec.securityContext?.seccompProfile || !(SECCOMP_POD in annotations)) return
  warnings.push(`${at}metadata.annotations[${SECCOMP_POD}]: ${USE_SECCOMP_FIELD}`)
}

function containerAnnotations(
  annotations: Annotations,
  container: CoreV1Container,
  spec: CoreV1PodSpec,
  { at, warnings }: Collector,
): void {
  const seccomp = SECCOMP_CONTAINER + container.name
  if (!container.securityContext?.seccompProfile && seccomp in annotations) {
    warnings.push(`${at}metadata.annotations[${seccomp}]: ${USE_SECCOMP_FIELD}`)
  }
  // A pod's own annotations are warned of where they turn into fields.
  if (!at || spec.securityContext?.appArmorProfile || container.securityContext?.appArmorProfile) return
  const apparmor = APPARMOR_CONTAINER + container.name
  if (apparmor in annotations) warnings.push(`${at}metadata.annotations[${apparmor}]: ${USE_APPARMOR_FIELD}`)
}

export const USE_APPARMOR_FIELD = 'deprecated since v1.30; use the "appArmorProfile" field instead'

/** Warnings of one container, whose path is yet to come before them. */
function containerWarnings({ resources, env }: CoreV1Container): string[] {
  const warnings: string[] = []
  if (resources) {
    fractions(resources, 'memory', warnings)
    fractions(resources, 'ephemeral-storage', warnings)
  }
  const names = env && setFor(env)
  if (!names) return warnings
  for (let i = 0; i < env.length; i++) {
    const { name = '', value = '', valueFrom } = env[i]!
    if (names.has(name) && hides(name, value, valueFrom)) {
      warnings.push(`env[${i}]: hides previous definition of ${quote(name)}, which may be dropped when using apply`)
    }
    names.add(name)
  }
  return warnings
}

/** Building on the value before (X=$(X)123) is fine. */
function hides(name: string, value: string, valueFrom: object | undefined): boolean {
  const self = `$(${name})`
  return Boolean(valueFrom) || value === self || !value.includes(self)
}

function ports(spec: CoreV1PodSpec, collector: Collector): void {
  let numbers: Set<number | undefined> | undefined
  let isRepeated = false
  let isBound = false
  visitContainers(spec, (container) => {
    container.ports?.forEach(({ containerPort, hostIP }) => {
      numbers ??= new Set()
      if (numbers.has(containerPort)) isRepeated = true
      else numbers.add(containerPort)
      if (hostIP) isBound = true
    })
  })
  // Nearly no pod has more to tell of.
  if (isRepeated || isBound) portConflicts(spec, collector)
}

function portConflicts(spec: CoreV1PodSpec, { at, warnings }: Collector): void {
  const seen = new Map<string, { path: string; port: CoreV1ContainerPort }[]>()
  visitContainers(spec, (container, kind, c) => {
    container.ports?.forEach((port, i) => {
      const path = `${at}spec.${kind}[${c}].ports[${i}]`
      if (port.hostIP && !port.hostPort) warnings.push(`${path}: hostIP set without hostPort: ${printPort(port)}`)
      const key = `${port.containerPort}/${port.protocol}`
      const others = seen.get(key) ?? []
      for (const other of others) {
        const problem = portConflict(port, other.port)
        if (problem) warnings.push(`${path}: ${problem} port definition with ${other.path}`)
      }
      others.push({ path, port })
      seen.set(key, others)
    })
  })
}

function portConflict(a: CoreV1ContainerPort, b: CoreV1ContainerPort): string {
  const [aIp, bIp, aPort, bPort] = [a.hostIP ?? '', b.hostIP ?? '', a.hostPort ?? 0, b.hostPort ?? 0]
  if (aIp === bIp && aPort === bPort) return 'duplicate'
  if (!aPort || !bPort) return 'overlapping'
  return aPort === bPort && (aIp === '') !== (bIp === '') ? 'dangerously ambiguous' : ''
}

/** As Go prints the struct. */
const printPort = (port: CoreV1ContainerPort): string =>
  `{Name:${port.name ?? ''} HostPort:${port.hostPort ?? 0} ContainerPort:${port.containerPort ?? 0} Protocol:${port.protocol ?? ''} HostIP:${port.hostIP ?? ''}}`

function affinity(affinity: CoreV1Affinity, { at, warnings }: Collector): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const path = `${at}spec.affinity.${kind}`
    const terms = affinity[kind]
    terms?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term: CoreV1PodAffinityTerm, i) => {
      if (!term.labelSelector)
        warnings.push(`${path}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${NULL_SELECTOR}`)
    })
    terms?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term: CoreV1WeightedPodAffinityTerm, i) => {
      if (term.podAffinityTerm?.labelSelector) return
      warnings.push(
        `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector: ${NULL_SELECTOR}`,
      )
    })
  }
}

function addresses(spec: CoreV1PodSpec, { at, warnings }: Collector): void {
  spec.dnsConfig?.nameservers?.forEach((ip, i) => {
    warnings.push(...warningsForIP(`${at}spec.dnsConfig.nameservers[${i}]`, ip))
  })
  spec.hostAliases?.forEach(({ ip = '' }, i) => {
    warnings.push(...warningsForIP(`${at}spec.hostAliases[${i}].ip`, ip))
  })
}
