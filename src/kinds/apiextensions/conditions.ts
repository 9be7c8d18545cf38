import type {
  ApiextensionsV1CustomResourceDefinition,
  ApiextensionsV1CustomResourceDefinitionCondition,
} from '../../generated/types.ts'

export type Definition = ApiextensionsV1CustomResourceDefinition
export type Condition = ApiextensionsV1CustomResourceDefinitionCondition

export function conditionOf({ status }: Definition, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

export function isTrue(definition: Definition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True'
}

/** Whether both say the same, whenever they came to say it. */
export function sameCondition(a: Condition, b: Condition | undefined): boolean {
  return a.status === b?.status && a.reason === b?.reason && a.message === b?.message
}

/**
 * The definition with a condition, which keeps the time of its last transition while its status stays.
 * @param now RFC 3339
 */
export function withCondition(definition: Definition, condition: Condition, now: string): Definition {
  const conditions = definition.status?.conditions ?? []
  const before = conditions.find(({ type }) => type === condition.type)
  const { type, status, reason, message } = condition
  const lastTransitionTime = before?.status === status ? before?.lastTransitionTime : now
  const next: Condition = { type, status, lastTransitionTime, reason, message }
  const all = before ? conditions.map((one) => (one === before ? next : one)) : [...conditions, next]
  return { ...definition, status: { ...definition.status, conditions: all } }
}

export function withoutCondition(definition: Definition, type: string): Definition {
  const conditions = definition.status?.conditions?.filter((condition) => condition.type !== type)
  return { ...definition, status: { ...definition.status, conditions } }
}
