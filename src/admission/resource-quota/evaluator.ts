import type { KubeObject } from '../../machinery/object.ts'
import { Quantity } from '../../machinery/quantity.ts'
import type { GroupResource } from '../../machinery/status.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import type { Amounts } from './amounts.ts'
import type { ScopeSelector } from './quota.ts'

/** What quotas know of one kind of object. */
export interface Evaluator {
  /** Whether the request may change how much is used. */
  handles(attributes: AdmissionAttributes): boolean
  /** Whether objects of this kind count as a resource that a quota names. */
  counts(name: string): boolean
  /** Whether an object is within a scope; no object is when this is unset. */
  inScope?(selector: ScopeSelector, object: KubeObject): boolean
  /** Tells what an object has to say as quotas limit these resources. */
  missing?(names: readonly string[], object: KubeObject): string | undefined
  /** How much an object takes. */
  usage(object: KubeObject): Amounts
}

export const ONE: Quantity = Quantity.of(1)

/** `count/deployments.apps` */
export function countName({ group, resource }: GroupResource): string {
  return group ? `count/${resource}.${group}` : `count/${resource}`
}

/** Names that quotas had for the number of some objects before there was one for all. */
const ALIASED: ReadonlySet<string> = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'])

/** Of any kind that has nothing but its number. */
export function objectCount(of: GroupResource): Evaluator {
  const names = [countName(of)]
  if (of.group === '' && ALIASED.has(of.resource)) names.push(of.resource)
  const usage: Amounts = new Map(names.map((name) => [name, ONE]))
  return {
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    counts: (name) => names.includes(name),
    usage: () => usage,
  }
}
