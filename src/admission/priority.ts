import type { CoreV1Pod, SchedulingV1PriorityClass } from '../generated/types.ts'
import { type Facts, find, type ObjectReader, then } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'

interface PriorityClass {
  name: string
  value: number
  globalDefault: boolean
  preemptionPolicy: string | undefined
}

/** What pods get while no class is the default. */
const NO_CLASS: PriorityClass = { name: '', value: 0, globalDefault: true, preemptionPolicy: 'PreemptLowerPriority' }

/**
 * Gives pods the priority of their class, and sees that only one class is the default.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
export function priority(objects: ObjectReader): AdmissionPlugin {
  const classes = objects.facts({ group: 'scheduling.k8s.io', resource: 'priorityclasses' }, factsOf)
  return {
    name: 'Priority',
    operations: ['CREATE', 'UPDATE'],
    admit(attributes) {
      if (!isFor(attributes, 'pods')) return
      if (attributes.operation === 'UPDATE') return keepPriority(attributes)
      return then(classOf(attributes, classes), (found) => setPriority(attributes, found))
    },
    validate(attributes) {
      if (!isFor(attributes, 'priorityclasses', 'scheduling.k8s.io')) return
      const given = attributes.object as SchedulingV1PriorityClass
      if (!given.globalDefault) return
      return then(classes.all(), (all) => {
        const known = defaultOf(all)
        if (known && (attributes.operation === 'CREATE' || known.name !== given.metadata?.name))
          throw refusal(attributes, `PriorityClass ${known.name} is already marked as default. Only one default can exist`)
      })
    },
  }
}

function factsOf(object: SchedulingV1PriorityClass): PriorityClass {
  const { metadata, value = 0, globalDefault = false, preemptionPolicy } = object
  return { name: metadata?.name ?? '', value, globalDefault, preemptionPolicy }
}

/** Two that were marked at the same moment may both have gone through: the lower one counts. */
function defaultOf(classes: readonly PriorityClass[]): PriorityClass | undefined {
  let lowest: PriorityClass | undefined
  for (const one of classes) if (one.globalDefault && (!lowest || one.value < lowest.value)) lowest = one
  return lowest
}

function classOf(attributes: AdmissionAttributes, classes: Facts<PriorityClass>): PriorityClass | Promise<PriorityClass> {
  const name = (attributes.object as CoreV1Pod).spec?.priorityClassName
  if (!name) return then(classes.all(), (all) => defaultOf(all) ?? NO_CLASS)
  return then(find(classes, '', name), (found) => {
    if (!found) throw refusal(attributes, `no PriorityClass with name ${name} was found`)
    return found
  })
}

/** A pod may say what its class says, nothing else. */
function setPriority(attributes: AdmissionAttributes, { name, value, preemptionPolicy }: PriorityClass): void {
  const pod = attributes.object as CoreV1Pod
  const spec = (pod.spec ??= {})
  const computed = (what: string, given: unknown, wanted: unknown) =>
    `the ${what} (${given}) must not be provided in pod spec; priority admission controller computed ${wanted} from the given PriorityClass name`
  if (name) spec.priorityClassName = name
  if (spec.priority !== undefined && spec.priority !== value)
    throw refusal(attributes, computed('integer value of priority', spec.priority, value))
  spec.priority = value
  if (preemptionPolicy === undefined) return
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
    throw refusal(attributes, computed('string value of PreemptionPolicy', spec.preemptionPolicy, preemptionPolicy))
  spec.preemptionPolicy = preemptionPolicy
}

/** Clients that send a pod without what was computed for it mean no change. */
function keepPriority({ object, oldObject }: AdmissionAttributes): void {
  const spec = (object as CoreV1Pod).spec
  const old = (oldObject as CoreV1Pod | undefined)?.spec
  if (!spec || !old) return
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) spec.preemptionPolicy = old.preemptionPolicy
}
