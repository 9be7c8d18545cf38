import type { CoreV1Pod, CoreV1PodSpec, CoreV1Toleration, NodeV1RuntimeClass, NodeV1Scheduling } from '../generated/types.ts'
import { quote } from '../machinery/field-errors.ts'
import { clone, equal } from '../machinery/json.ts'
import { quantityFromJson } from '../machinery/quantity.ts'
import { type Facts, find, type ObjectReader, then } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'

type Resources = Readonly<Record<string, string>>

interface RuntimeClass {
  /** Unset when the class names none at all. */
  overhead: { podFixed: Resources | undefined } | undefined
  scheduling: NodeV1Scheduling | undefined
}

/**
 * What a pod's runtime class says of overhead and of where such pods can run goes into the pod.
 * https://kubernetes.io/docs/concepts/containers/runtime-class/
 */
export function runtimeClass(objects: ObjectReader): AdmissionPlugin {
  const classes = objects.facts<RuntimeClass>({ group: 'node.k8s.io', resource: 'runtimeclasses' }, (object) => {
    const { overhead, scheduling } = object as NodeV1RuntimeClass
    return { overhead: overhead && { podFixed: overhead.podFixed }, scheduling }
  })
  return {
    name: 'RuntimeClass',
    operations: ['CREATE'],
    admit(attributes) {
      if (!isFor(attributes, 'pods')) return
      const spec = (attributes.object as CoreV1Pod).spec
      if (spec?.runtimeClassName === undefined) return
      return then(classOf(attributes, spec.runtimeClassName, classes), (found) => {
        setOverhead(attributes, spec, found)
        setScheduling(attributes, spec, found)
      })
    },
    validate(attributes) {
      if (!isFor(attributes, 'pods')) return
      const spec = (attributes.object as CoreV1Pod).spec
      if (spec?.runtimeClassName === undefined) return spec && checkOverhead(attributes, spec, undefined)
      return then(classOf(attributes, spec.runtimeClassName, classes), (found) => checkOverhead(attributes, spec, found))
    },
  }
}

function classOf(
  attributes: AdmissionAttributes,
  name: string,
  classes: Facts<RuntimeClass>,
): RuntimeClass | Promise<RuntimeClass> {
  return then(find(classes, '', name), (found) => {
    if (!found) throw refusal(attributes, `pod rejected: RuntimeClass ${quote(name)} not found`)
    return found
  })
}

const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
const OWN_OVERHEAD = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'

function setOverhead(attributes: AdmissionAttributes, spec: CoreV1PodSpec, { overhead }: RuntimeClass): void {
  if (!overhead) return
  if (spec.overhead !== undefined && !sameResources(overhead.podFixed, spec.overhead)) throw refusal(attributes, OTHER_OVERHEAD)
  spec.overhead = overhead.podFixed && { ...overhead.podFixed }
}

function checkOverhead(attributes: AdmissionAttributes, spec: CoreV1PodSpec, found: RuntimeClass | undefined): void {
  const overhead = found?.overhead
  if (overhead ? !sameResources(overhead.podFixed, spec.overhead) : spec.overhead !== undefined)
    throw refusal(attributes, overhead ? OTHER_OVERHEAD : OWN_OVERHEAD)
}

/** Equal amounts, however they are written. */
function sameResources(a: Resources = {}, b: Resources = {}): boolean {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => b[name] !== undefined && quantityFromJson(a[name]).equals(quantityFromJson(b[name])))
}

function setScheduling(attributes: AdmissionAttributes, spec: CoreV1PodSpec, { scheduling }: RuntimeClass): void {
  if (!scheduling) return
  const selector = { ...spec.nodeSelector }
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = selector[key]
    if (own !== undefined && own !== value) {
      const texts = [`runtimeClass.scheduling.nodeSelector[${key}] = ${value}`, `pod.spec.nodeSelector[${key}] = ${own}`]
      throw refusal(attributes, `conflict: ${texts.join('; ')}`)
    }
    selector[key] = value
  }
  if (Object.keys(selector).length) spec.nodeSelector = selector
  const tolerations = merge([...(spec.tolerations ?? []), ...clone(scheduling.tolerations ?? [])])
  if (tolerations.length) spec.tolerations = tolerations
}

/** Leaves out what another one tolerates, too; the first of equal ones stays. */
function merge(all: readonly CoreV1Toleration[]): CoreV1Toleration[] {
  const merged: CoreV1Toleration[] = []
  for (const [i, one] of all.entries()) {
    if (merged.some((other) => covers(other, one))) continue
    if (all.slice(i + 1).some((other) => !equal(other, one) && covers(other, one))) continue
    merged.push(one)
  }
  return merged
}

/** Whether everything that `b` tolerates is tolerated by `a`. */
function covers(a: CoreV1Toleration, b: CoreV1Toleration): boolean {
  if (equal(a, b)) return true
  if ((a.key ?? '') !== (b.key ?? '') && (a.key || a.operator !== 'Exists')) return false
  if (a.effect && a.effect !== b.effect) return false
  if (a.effect === 'NoExecute' && a.tolerationSeconds !== undefined) {
    if (b.tolerationSeconds === undefined || b.tolerationSeconds > a.tolerationSeconds) return false
  }
  if (a.operator === 'Exists') return true
  return (!a.operator || a.operator === 'Equal') && b.operator === 'Equal' && (a.value ?? '') === (b.value ?? '')
}
