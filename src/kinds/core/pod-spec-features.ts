import type {
  CoreV1Container,
  CoreV1PodSpec,
  CoreV1PodStatus,
  CoreV1PodTemplateSpec,
  CoreV1VolumeProjection,
} from '../../generated/types.ts'
import type { WriteContext } from '../../registry/context.ts'
import { someContainer, visitContainers } from './pod-spec-visit.ts'

/** Fields that exist only behind a feature gate. Objects that use them already may go on using them. */
interface GatedFields<T> {
  gate: string
  inUse(value: T): boolean
  drop(value: T): void
}

const hasEnvFile = (container: CoreV1Container): boolean =>
  container.env?.some((env) => env.valueFrom?.fileKeyRef !== undefined) ?? false

const hasStopSignal = ({ lifecycle }: CoreV1Container): boolean => lifecycle?.stopSignal !== undefined

const hasRestartPolicy = ({ restartPolicy }: CoreV1Container): boolean => restartPolicy !== undefined

/** Restarting an init container always makes it a sidecar, which is older than the rules. */
const hasRestartRules = ({ restartPolicy, restartPolicyRules }: CoreV1Container): boolean =>
  (restartPolicy !== undefined && restartPolicy !== 'Always') || restartPolicyRules !== undefined

const hasPodCertificate = ({ podCertificate }: CoreV1VolumeProjection): boolean => podCertificate !== undefined

const hasTrustBundle = ({ clusterTrustBundle }: CoreV1VolumeProjection): boolean => clusterTrustBundle !== undefined

const projectedSources = (spec: CoreV1PodSpec) => (spec.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? [])

function someSource(spec: CoreV1PodSpec, test: (source: CoreV1VolumeProjection) => boolean): boolean {
  return spec.volumes?.some(({ projected }) => projected?.sources?.some(test)) ?? false
}

const SPEC_FIELDS: readonly GatedFields<CoreV1PodSpec>[] = [
  {
    gate: 'ContainerStopSignals',
    inUse: (spec) => someContainer(spec, hasStopSignal),
    drop: (spec) =>
      visitContainers(spec, (c) => {
        if (!c.lifecycle?.stopSignal) return
        c.lifecycle.stopSignal = undefined
        if (!c.lifecycle.preStop && !c.lifecycle.postStart) c.lifecycle = undefined
      }),
  },
  {
    gate: 'PodCertificateRequest',
    inUse: (spec) => someSource(spec, hasPodCertificate),
    drop: (spec) => {
      for (const source of projectedSources(spec)) source.podCertificate = undefined
    },
  },
  {
    gate: 'ClusterTrustBundleProjection',
    inUse: (spec) => someSource(spec, hasTrustBundle),
    drop: (spec) => {
      for (const source of projectedSources(spec)) source.clusterTrustBundle = undefined
    },
  },
  {
    gate: 'GenericWorkload',
    inUse: (spec) => spec.schedulingGroup !== undefined,
    drop: (spec) => {
      spec.schedulingGroup = undefined
    },
  },
  {
    gate: 'PodLevelResources',
    inUse: (spec) => spec.resources?.requests !== undefined || spec.resources?.limits !== undefined,
    drop: (spec) => {
      spec.resources = undefined
    },
  },
  {
    gate: 'HostnameOverride',
    inUse: (spec) => spec.hostnameOverride !== undefined,
    drop: (spec) => {
      spec.hostnameOverride = undefined
    },
  },
  {
    gate: 'MatchLabelKeysInPodTopologySpread',
    inUse: (spec) => spec.topologySpreadConstraints?.some((c) => c.matchLabelKeys?.length) ?? false,
    drop: (spec) => {
      for (const constraint of spec.topologySpreadConstraints ?? []) constraint.matchLabelKeys = undefined
    },
  },
  {
    gate: 'EnvFiles',
    inUse: (spec) => someContainer(spec, hasEnvFile),
    drop: (spec) =>
      visitContainers(spec, (c) => {
        for (const { valueFrom } of c.env ?? []) if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef = undefined
      }),
  },
  {
    gate: 'ContainerRestartRules',
    inUse: (spec) => (spec.containers?.some(hasRestartPolicy) ?? false) || (spec.initContainers?.some(hasRestartRules) ?? false),
    drop: (spec) =>
      visitContainers(spec, (c, kind) => {
        if (kind !== 'initContainers' || c.restartPolicy !== 'Always') c.restartPolicy = undefined
        c.restartPolicyRules = undefined
      }),
  },
]

const STATUS_FIELDS: readonly GatedFields<CoreV1PodStatus>[] = [
  {
    gate: 'InPlacePodLevelResourcesVerticalScaling',
    inUse: (status) => status.resources !== undefined || status.allocatedResources !== undefined,
    drop: (status) => {
      status.resources = undefined
      status.allocatedResources = undefined
    },
  },
  {
    gate: 'DRAExtendedResource',
    inUse: (status) => status.extendedResourceClaimStatus !== undefined,
    drop: (status) => {
      status.extendedResourceClaimStatus = undefined
    },
  },
  {
    gate: 'DRANodeAllocatableResources',
    inUse: (status) => status.nodeAllocatableResourceClaimStatuses !== undefined,
    drop: (status) => {
      status.nodeAllocatableResourceClaimStatuses = undefined
    },
  },
]

function dropDisabled<T>(rules: readonly GatedFields<T>[], value: T, old: T | undefined, context: WriteContext): void {
  for (const { gate, inUse, drop } of rules) {
    // Looking for the fields first is cheaper for nearly every pod than asking for the gate.
    if (inUse(value) && !context.env.settings.feature(gate) && !(old && inUse(old))) drop(value)
  }
}

/** Drops the fields of a pod spec whose feature is off. */
export function dropDisabledSpecFields(
  spec: CoreV1PodSpec | undefined,
  old: CoreV1PodSpec | undefined,
  context: WriteContext,
): void {
  if (spec) dropDisabled(SPEC_FIELDS, spec, old, context)
}

/** The same for a controller's template. */
export function dropDisabledTemplateFields(
  template: CoreV1PodTemplateSpec | undefined,
  old: CoreV1PodTemplateSpec | undefined,
  context: WriteContext,
): void {
  dropDisabledSpecFields(template?.spec, old?.spec, context)
}

/** The same for what a node reports of a pod. */
export function dropDisabledStatusFields(
  status: CoreV1PodStatus | undefined,
  old: CoreV1PodStatus | undefined,
  context: WriteContext,
): void {
  if (status) dropDisabled(STATUS_FIELDS, status, old, context)
}
