import type {
  CoreV1Container,
  CoreV1EnvVar,
  CoreV1Lifecycle,
  CoreV1LifecycleHandler,
  CoreV1PersistentVolumeClaimSpec,
  CoreV1PodSpec,
  CoreV1PodTemplateSpec,
  CoreV1Probe,
  CoreV1ProjectedVolumeSource,
  CoreV1Volume,
} from '../../generated/types.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import { Quantity, quantityFromJson } from '../../machinery/quantity.ts'
import { defaultPullPolicy } from './pod-spec-image.ts'

/** A map of resource names to quantities. */
export type ResourceList = { [name: string]: string }

const FILE_MODE = 0o644

/** Fills in what every pod spec has, be it a pod's or a template's. What only pods get is in `pod-defaults.ts`. */
export function defaultPodSpec(spec: CoreV1PodSpec): void {
  if (!spec.restartPolicy) spec.restartPolicy = 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  if (!spec.dnsPolicy) spec.dnsPolicy = 'ClusterFirst'
  // Two names of one field, of which the newer counts.
  const serviceAccount = spec.serviceAccountName || spec.serviceAccount
  if (serviceAccount) {
    spec.serviceAccountName = serviceAccount
    spec.serviceAccount = serviceAccount
  }
  spec.securityContext ??= {}
  if (!spec.schedulerName) spec.schedulerName = 'default-scheduler'
  spec.containers?.forEach(defaultContainer)
  spec.initContainers?.forEach(defaultContainer)
  spec.ephemeralContainers?.forEach(defaultContainer)
  spec.volumes?.forEach(defaultVolume)
  roundResources(spec.overhead)
  roundResources(spec.resources?.limits)
  roundResources(spec.resources?.requests)
}

/** The template of a controller; see `defaultPodSpec`. */
export function defaultPodTemplate(template: CoreV1PodTemplateSpec | undefined): void {
  if (!template) return
  // The reference's template is no pointer to a spec: it has one whatever is sent.
  template.spec ??= {}
  dropInitContainerAnnotations(template)
  defaultPodSpec(template.spec)
}

function defaultContainer(container: CoreV1Container): void {
  if (!container.imagePullPolicy) container.imagePullPolicy = defaultPullPolicy(container.image)
  if (!container.terminationMessagePath) container.terminationMessagePath = '/dev/termination-log'
  if (!container.terminationMessagePolicy) container.terminationMessagePolicy = 'File'
  container.env?.forEach(defaultVariable)
  roundResources(container.resources?.limits)
  roundResources(container.resources?.requests)
  defaultProbe(container.livenessProbe)
  defaultProbe(container.readinessProbe)
  defaultProbe(container.startupProbe)
  defaultLifecycle(container.lifecycle)
}

function defaultVariable({ valueFrom }: CoreV1EnvVar): void {
  if (valueFrom?.fieldRef && !valueFrom.fieldRef.apiVersion) valueFrom.fieldRef.apiVersion = 'v1'
}

function defaultProbe(probe: CoreV1Probe | undefined): void {
  if (!probe) return
  defaultHandler(probe)
  if (probe.grpc) probe.grpc.service ??= ''
  if (!probe.timeoutSeconds) probe.timeoutSeconds = 1
  if (!probe.periodSeconds) probe.periodSeconds = 10
  if (!probe.successThreshold) probe.successThreshold = 1
  if (!probe.failureThreshold) probe.failureThreshold = 3
}

function defaultLifecycle(lifecycle: CoreV1Lifecycle | undefined): void {
  if (lifecycle?.postStart) defaultHandler(lifecycle.postStart)
  if (lifecycle?.preStop) defaultHandler(lifecycle.preStop)
}

function defaultHandler({ httpGet }: CoreV1LifecycleHandler): void {
  if (!httpGet) return
  if (!httpGet.path) httpGet.path = '/'
  if (!httpGet.scheme) httpGet.scheme = 'HTTP'
}

function defaultVolume(volume: CoreV1Volume): void {
  if (hasNoSource(volume)) volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= FILE_MODE
  if (volume.configMap) volume.configMap.defaultMode ??= FILE_MODE
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= FILE_MODE
    defaultDownwardItems(volume.downwardAPI.items)
  }
  if (volume.projected) defaultProjected(volume.projected)
  if (volume.azureDisk) volume.azureDisk.readOnly ??= false
  if (volume.image && !volume.image.pullPolicy) volume.image.pullPolicy = defaultPullPolicy(volume.image.reference)
  if (volume.ephemeral?.volumeClaimTemplate) {
    volume.ephemeral.volumeClaimTemplate.spec ??= {}
    defaultClaimSpec(volume.ephemeral.volumeClaimTemplate.spec)
  }
}

function hasNoSource(volume: CoreV1Volume): boolean {
  for (const key in volume) if (key !== 'name' && volume[key as keyof CoreV1Volume] !== undefined) return false
  return true
}

function defaultProjected(projected: CoreV1ProjectedVolumeSource): void {
  projected.defaultMode ??= FILE_MODE
  for (const source of projected.sources ?? []) {
    if (source.downwardAPI) defaultDownwardItems(source.downwardAPI.items)
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
  }
}

function defaultDownwardItems(items: { fieldRef?: { apiVersion?: string } }[] | undefined): void {
  for (const { fieldRef } of items ?? []) if (fieldRef && !fieldRef.apiVersion) fieldRef.apiVersion = 'v1'
}

/** The spec of a claim, wherever it stands: an object of its own, a StatefulSet's template or a pod's ephemeral volume. */
export function defaultClaimSpec(spec: CoreV1PersistentVolumeClaimSpec): void {
  if (spec.volumeMode === undefined) spec.volumeMode = 'Filesystem'
  roundResources(spec.resources?.limits)
  roundResources(spec.resources?.requests)
}

/** The canonical texts of quantities with parts smaller than a thousandth. */
const TINY = /[nu]$|e-/

/** Quantities of resources are kept in thousandths: smaller parts round up. */
export function roundResources(list: ResourceList | undefined): void {
  if (!list) return
  for (const name in list) {
    const text = list[name]!
    if (!TINY.test(text)) continue
    const quantity = quantityFromJson(text)
    list[name] = Quantity.ofMilli(quantity.milliValue(), quantity.format).toString()
  }
}

const INIT_CONTAINER_ANNOTATIONS = [
  'pod.beta.kubernetes.io/init-containers',
  'pod.alpha.kubernetes.io/init-containers',
  'pod.beta.kubernetes.io/init-container-statuses',
  'pod.alpha.kubernetes.io/init-container-statuses',
]

/** What init containers were before they had a field; the reference takes it out of whatever passes through. */
export function dropInitContainerAnnotations(object: KubeObject): void {
  const annotations = object.metadata?.annotations
  if (!annotations || !INIT_CONTAINER_ANNOTATIONS.some((key) => key in annotations)) return
  const rest = Object.entries(annotations).filter(([key]) => !INIT_CONTAINER_ANNOTATIONS.includes(key))
  metaOf(object).annotations = rest.length ? Object.fromEntries(rest) : undefined
}
