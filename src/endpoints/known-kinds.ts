import type { SchemaFacts } from '../machinery/schema.ts'
import type { KindDefinition } from '../registry/kind.ts'

/** Group versions that the reference still knows the kinds of, though it serves them no more. */
const RETIRED: Record<string, readonly string[]> = {
  'apps/v1beta1': ['ControllerRevision', 'Deployment', 'Scale', 'StatefulSet'],
  'apps/v1beta2': ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'Scale', 'StatefulSet'],
  'extensions/v1beta1': ['DaemonSet', 'Deployment', 'Ingress', 'NetworkPolicy', 'ReplicaSet', 'Scale'],
  'autoscaling/v2beta1': ['HorizontalPodAutoscaler'],
  'autoscaling/v2beta2': ['HorizontalPodAutoscaler'],
  'batch/v1beta1': ['CronJob'],
  'policy/v1beta1': ['Eviction', 'PodDisruptionBudget'],
  'apiextensions.k8s.io/v1beta1': ['ConversionReview', 'CustomResourceDefinition'],
  'networking.k8s.io/v1beta1': ['IPAddress', 'Ingress', 'IngressClass', 'ServiceCIDR'],
  'rbac.authorization.k8s.io/v1alpha1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'rbac.authorization.k8s.io/v1beta1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'events.k8s.io/v1beta1': ['Event'],
  'discovery.k8s.io/v1beta1': ['EndpointSlice'],
  'coordination.k8s.io/v1beta1': ['Lease', 'LeaseCandidate'],
  'storage.k8s.io/v1beta1': [
    'CSIDriver',
    'CSINode',
    'CSIStorageCapacity',
    'StorageClass',
    'VolumeAttachment',
    'VolumeAttributesClass',
  ],
  'node.k8s.io/v1beta1': ['RuntimeClass'],
  'scheduling.k8s.io/v1beta1': ['PriorityClass'],
  'authentication.k8s.io/v1alpha1': ['SelfSubjectReview'],
  'authentication.k8s.io/v1beta1': ['SelfSubjectReview', 'TokenReview'],
  'authorization.k8s.io/v1beta1': [
    'LocalSubjectAccessReview',
    'SelfSubjectAccessReview',
    'SelfSubjectRulesReview',
    'SubjectAccessReview',
  ],
  'certificates.k8s.io/v1beta1': ['CertificateSigningRequest', 'ClusterTrustBundle', 'PodCertificateRequest'],
}

/** Kinds that every group version knows. */
const COMMON = new Set([
  'Status',
  'DeleteOptions',
  'ListOptions',
  'CreateOptions',
  'UpdateOptions',
  'PatchOptions',
  'GetOptions',
  'WatchEvent',
])

const PACKAGES: Record<string, string> = {
  '': 'core',
  'rbac.authorization.k8s.io': 'rbac',
  'flowcontrol.apiserver.k8s.io': 'flowcontrol',
  'apiextensions.k8s.io': 'apiextensions',
  'apiregistration.k8s.io': 'apiregistration',
}

/** The Go package of a group's internal types: part of the reference's messages. */
export function internalPackage(group: string): string {
  return PACKAGES[group] ?? (group.split('.')[0] as string)
}

/** What the reference's scheme knows of kinds: bodies of the wrong one are refused in different words. */
export class KnownKinds {
  readonly #kinds: () => readonly KindDefinition[]
  readonly #facts: SchemaFacts

  constructor(kinds: () => readonly KindDefinition[], facts: SchemaFacts) {
    this.#kinds = kinds
    this.#facts = facts
  }

  /** Custom resources are no part of a scheme. */
  #builtIn(): KindDefinition[] {
    return this.#kinds().filter(({ custom }) => !custom)
  }

  /** The type of a served kind's bodies. */
  schemaOf(group: string, version: string, kind: string): string | undefined {
    for (const k of this.#builtIn()) {
      if (k.kind !== kind) continue
      const served = [k, ...(k.alsoServed ?? [])].find((s) => s.group === group && s.version === version)
      if (served) return served.schema
    }
    return undefined
  }

  isRegistered(group: string, version: string, kind: string): boolean {
    const gv = group ? `${group}/${version}` : version
    if (RETIRED[gv]?.includes(kind)) return true
    const served = this.#builtIn().filter(
      (k) =>
        (k.group === group && k.version === version) || k.alsoServed?.some((s) => s.group === group && s.version === version),
    )
    if (served.length === 0) return false
    if (COMMON.has(kind) || (gv === 'v1' && kind === 'List')) return true
    for (const k of served) if (k.kind === kind || `${k.kind}List` === kind) return true
    const schema = served[0]?.schema ?? ''
    return Boolean(this.#facts.package(schema.slice(0, schema.lastIndexOf('.')))[kind]?.gvk)
  }

  /** Where the reference says that its scheme is declared: part of its messages. */
  scheme(group: string): string {
    if (group === 'apiextensions.k8s.io') return 'pkg/apiserver/apiserver.go:51'
    if (group === 'apiregistration.k8s.io') return 'pkg/apiserver/scheme/scheme.go:29'
    return 'pkg/api/legacyscheme/scheme.go:30'
  }
}
