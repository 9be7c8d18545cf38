import type { CoreV1ResourceQuota } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type ObjectReader, then } from '../objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { charged, chargeOf } from './charge.ts'
import { deviceClaims } from './device-claims.ts'
import { type Evaluator, objectCount } from './evaluator.ts'
import { Ledger, type QuotaStore } from './ledger.ts'
import { type PodRules, pods, podUsage } from './pods.ts'
import { type Quota, quotaOf } from './quota.ts'
import { services } from './services.ts'
import { volumeClaims } from './volume-claims.ts'

export interface ResourceQuotaDeps {
  objects: ObjectReader
  store: QuotaStore
  pods: PodRules
  /** Whether devices may be asked for as extended resources (KEP-5004). */
  extendedResources: boolean
}

/** What isn't stored, and events, of which there are too many. */
const IGNORED: ReadonlySet<string> = new Set([
  '/bindings',
  '/componentstatuses',
  '/events',
  'events.k8s.io/events',
  'authentication.k8s.io/tokenreviews',
  'authentication.k8s.io/selfsubjectreviews',
  'authorization.k8s.io/subjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
])

/**
 * Keeps a namespace within its quotas: what a request takes is added to their status before it is written. What is given back, and what
 * was added for a write that failed afterwards, is for the controller to count again.
 * https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
export function resourceQuota(deps: ResourceQuotaDeps): AdmissionPlugin {
  const quotas = deps.objects.facts<Quota>({ group: '', resource: 'resourcequotas' }, (object) =>
    quotaOf(object as CoreV1ResourceQuota),
  )
  const ledger = new Ledger(quotas, deps.store)
  const evaluatorFor = evaluators(deps)
  return {
    name: 'ResourceQuota',
    operations: ['CREATE', 'UPDATE'],
    validate(attributes) {
      if (!attributes.namespace || isNamespaceItself(attributes)) return
      return then(quotas.inNamespace(attributes.namespace), (found) => {
        if (!found.length || isIgnored(attributes)) return
        return then(evaluatorFor(attributes), (evaluator) => {
          if (!evaluator.handles(attributes)) return
          const charge = chargeOf(attributes, evaluator)
          if (charged(found, charge) === found || attributes.dryRun) return
          return ledger.enter(charge)
        })
      })
    },
  }
}

const isNamespaceItself = ({ kind }: AdmissionAttributes): boolean => kind.kind === 'Namespace' && kind.group === ''

const isIgnored = ({ resource }: AdmissionAttributes): boolean => IGNORED.has(`${resource.group}/${resource.resource}`)

function evaluators(deps: ResourceQuotaDeps): (attributes: AdmissionAttributes) => Evaluator | Promise<Evaluator> {
  const { objects, extendedResources } = deps
  const forDeviceClaims = deviceClaims({ objects, extendedResources, podUsage: (pod) => podUsage(pod, deps.pods) })
  const known = new Map<string, Evaluator>([
    ['/pods', pods(deps.pods)],
    ['/services', services],
    ['/persistentvolumeclaims', volumeClaims],
  ])
  return ({ resource, object, oldObject }) => {
    const id = `${resource.group}/${resource.resource}`
    if (id === 'resource.k8s.io/resourceclaims')
      return forDeviceClaims([object, oldObject].filter((one): one is KubeObject => one !== undefined))
    let evaluator = known.get(id)
    if (!evaluator) {
      evaluator = objectCount(resource)
      known.set(id, evaluator)
    }
    return evaluator
  }
}
