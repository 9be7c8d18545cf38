import type {
  CoreV1Container,
  CoreV1ContainerPort,
  CoreV1NodeSelectorTerm,
  CoreV1PodAffinityTerm,
  CoreV1PodSpec,
  CoreV1PodTemplateSpec,
  CoreV1Volume,
  CoreV1WeightedPodAffinityTerm,
} from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'
import { warningsForIP } from '../../machinery/ip-address-validation.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isValidLabelValue } from '../../machinery/validation.ts'
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
  const collector: Collector = { at, warnings: [] }
  const annotations = metadata?.annotations ?? {}
  nodeLabels(spec, collector)
  deprecatedAnnotations(annotations, collector)
  volumes(spec.volumes ?? [], collector)
  duplicates(spec, collector)
  fractions(spec.overhead, `${at}spec.overhead`, collector)
  seccompAnnotation(annotations, spec, collector)
  visitContainers(spec, (container, kind, i) => {
    containerAnnotations(annotations, container, spec, collector)
    containerWarnings(container, `${at}spec.${kind}[${i}]`, collector)
  })
  ports(spec, collector)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    collector.warnings.push(
      `${at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    )
  }
  affinity(spec, collector)
  addresses(spec, collector)
  // A text is sent once, however often it comes up.
  return [...new Set(collector.warnings)]
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
  const path = `${at}spec.affinity.nodeAffinity`
  nodes?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((term, i) => {
    const termPath = `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`
    warnings.push(...nodeSelectorTermWarnings(term, termPath, false))
  })
  nodes?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ preference }, i) => {
    const termPath = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`
    warnings.push(...nodeSelectorTermWarnings(preference ?? {}, termPath, true))
  })
  spec.topologySpreadConstraints?.forEach((constraint, i) => {
    const constraintPath = `${at}spec.topologySpreadConstraints[${i}]`
    const message = DEPRECATED_NODE_LABELS[constraint.topologyKey ?? '']
    if (message) warnings.push(`${constraintPath}.topologyKey: ${constraint.topologyKey} is ${message}`)
    if (!constraint.labelSelector) warnings.push(`${constraintPath}.labelSelector: ${NULL_SELECTOR}`)
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

const DEPRECATED_ANNOTATIONS: readonly [key: string, message: string][] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
]

type Annotations = Readonly<Record<string, string>>

function deprecatedAnnotations(annotations: Annotations, { at, warnings }: Collector): void {
  for (const [key, message] of DEPRECATED_ANNOTATIONS) {
    if (key in annotations) warnings.push(`${at}metadata.annotations[${key}]: ${message}`)
  }
}

/** Volume plugins that are going or gone, in the reference's order. The storageOS path isn't the field's name there either. */
const DEPRECATED_VOLUMES: readonly [field: keyof CoreV1Volume, path: string, message: string][] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]

function volumes(list: readonly CoreV1Volume[], { at, warnings }: Collector): void {
  list.forEach((volume, i) => {
    const path = `${at}spec.volumes[${i}]`
    for (const [field, name, message] of DEPRECATED_VOLUMES) {
      if (volume[field] !== undefined) warnings.push(`${path}.${name}: ${message}`)
    }
    const storage = volume.ephemeral?.volumeClaimTemplate?.spec?.resources?.requests?.storage
    if (storage !== undefined && isFraction(storage)) {
      warnings.push(`${path}.ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: ${fractionMessage(storage)}`)
    }
  })
  warnings.push(...overlappingPaths(list))
}

function duplicates(spec: CoreV1PodSpec, { at, warnings }: Collector): void {
  const ips = new Set<string | undefined>()
  spec.hostAliases?.forEach(({ ip = '' }, i) => {
    if (ips.has(ip)) warnings.push(`${at}spec.hostAliases[${i}].ip: duplicate ip ${quote(ip)}`)
    ips.add(ip)
  })
  const secrets = new Set<string>()
  spec.imagePullSecrets?.forEach(({ name = '' }, i) => {
    if (secrets.has(name)) warnings.push(`${at}spec.imagePullSecrets[${i}].name: duplicate name ${quote(name)}`)
    secrets.add(name)
  })
  spec.imagePullSecrets?.forEach(({ name = '' }, i) => {
    if (!name) warnings.push(`${at}spec.imagePullSecrets[${i}].name: invalid empty name ""`)
  })
}

/** Canonical quantities that aren't whole. */
const isFraction = (quantity: string): boolean => /[mun]$|e-/.test(quantity)
const fractionMessage = (quantity: string): string => `fractional byte value ${quote(quantity)} is invalid, must be an integer`

function fractions(list: ResourceList | undefined, path: string, { warnings }: Collector, resource?: string): void {
  for (const name of resource ? [resource] : ['memory', 'ephemeral-storage']) {
    const quantity = list?.[name]
    if (quantity !== undefined && isFraction(quantity)) warnings.push(`${path}[${name}]: ${fractionMessage(quantity)}`)
  }
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'
const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/'
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

function containerWarnings({ resources, env }: CoreV1Container, path: string, collector: Collector): void {
  for (const name of ['memory', 'ephemeral-storage']) {
    fractions(resources?.limits, `${path}.resources.limits`, collector, name)
    fractions(resources?.requests, `${path}.resources.requests`, collector, name)
  }
  const names = new Set<string>()
  env?.forEach(({ name = '', value = '', valueFrom }, i) => {
    const self = `$(${name})`
    // Building on the value before (X=$(X)123) is fine.
    if (names.has(name) && (valueFrom || value === self || !value.includes(self))) {
      collector.warnings.push(
        `${path}.env[${i}]: hides previous definition of ${quote(name)}, which may be dropped when using apply`,
      )
    }
    names.add(name)
  })
}

function ports(spec: CoreV1PodSpec, { at, warnings }: Collector): void {
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

function affinity({ affinity }: CoreV1PodSpec, { at, warnings }: Collector): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const path = `${at}spec.affinity.${kind}`
    const terms = affinity?.[kind]
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
