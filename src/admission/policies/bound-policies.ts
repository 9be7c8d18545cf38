import type { KubeObject } from '../../machinery/object.ts'
import type { Facts, ObjectReader } from '../objects.ts'
import { type AdmissionAttributes, isOwnCreation } from '../plugin.ts'
import { isBeyondPolicies } from './exclusions.ts'
import { type Hook, type IndexedPolicy, PolicyIndex } from './policy-index.ts'
import type { Equivalents } from './rules.ts'
import type { StoredBinding } from './stored.ts'

const GROUP = 'admissionregistration.k8s.io'

interface BoundPoliciesInit<P, B> {
  readonly objects: ObjectReader
  readonly equivalents: Equivalents
  /** The resources that hold both. */
  readonly policies: string
  readonly bindings: string
  policy(object: KubeObject): P
  binding(object: KubeObject): B
  /** Asks those that could be for a request; there is at least one. */
  dispatch(attributes: AdmissionAttributes, hooks: readonly Hook<P, B>[]): Promise<void>
}

/**
 * The step of a plugin that asks the policies that clients have stored. Where no binding is stored, or none could be for the request,
 * it is done at once.
 */
export function boundPolicies<P extends IndexedPolicy, B extends StoredBinding>(
  init: BoundPoliciesInit<P, B>,
): (attributes: AdmissionAttributes) => void | Promise<void> {
  const policies: Facts<P> = init.objects.facts({ group: GROUP, resource: init.policies }, init.policy)
  const bindings: Facts<B> = init.objects.facts({ group: GROUP, resource: init.bindings }, init.binding)
  let index: PolicyIndex<P, B> | undefined
  const ask = (attributes: AdmissionAttributes, known: readonly P[], bound: readonly B[]): void | Promise<void> => {
    if (bound.length === 0 || isBeyondPolicies(attributes.resource) || isOwnCreation(attributes)) return
    if (index?.policies !== known || index.bindings !== bound) index = new PolicyIndex(known, bound, init.equivalents)
    const hooks = index.hooksFor(attributes.resource)
    if (hooks.length) return init.dispatch(attributes, hooks)
  }
  return (attributes) => {
    const bound = bindings.all()
    if (!(bound instanceof Promise) && bound.length === 0) return
    const known = policies.all()
    if (bound instanceof Promise || known instanceof Promise)
      return Promise.all([known, bound]).then(([k, b]) => ask(attributes, k, b))
    return ask(attributes, known, bound)
  }
}
