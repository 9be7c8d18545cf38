import type { CoreV1Node } from '../generated/types.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

const KEY = 'node.kubernetes.io/not-ready'
const EFFECT = 'NoSchedule'

/**
 * New nodes get no pods until somebody has found them ready.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition
 */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  operations: ['CREATE'],
  admit(attributes) {
    if (!isFor(attributes, 'nodes')) return
    const node = attributes.object as CoreV1Node
    const spec = (node.spec ??= {})
    const taints = spec.taints ?? []
    if (!taints.some(({ key, effect }) => key === KEY && effect === EFFECT))
      spec.taints = [...taints, { key: KEY, effect: EFFECT }]
  },
}
