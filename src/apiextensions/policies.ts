import { approvalCondition } from '../kinds/apiextensions/approval-rules.ts'
import {
  type Condition,
  conditionOf,
  type Definition,
  sameCondition,
  withCondition,
  withoutCondition,
} from '../kinds/apiextensions/conditions.ts'
import { type FieldError, invalid } from '../machinery/field-errors.ts'
import { structuralFault, validateStructural } from '../machinery/json-schema/structural.ts'

/** Tells whether a definition in a group of the community's has its approval (KEP-1111). */
export function withApproval(definition: Definition, now: string): Definition {
  const condition = approvalCondition(definition)
  return condition ? withChanged(definition, condition, now) : definition
}

/** Tells what keeps the schemas of a definition from being structural, which new ones have to be. */
export function withStructure(definition: Definition, now: string): Definition {
  const condition = structureCondition(definition)
  if (condition) return withChanged(definition, condition, now)
  return conditionOf(definition, 'NonStructuralSchema') ? withoutCondition(definition, 'NonStructuralSchema') : definition
}

function withChanged(definition: Definition, condition: Condition, now: string): Definition {
  if (sameCondition(condition, conditionOf(definition, condition.type ?? ''))) return definition
  return withCondition(definition, condition, now)
}

function structureCondition({ spec = {} }: Definition): Condition | undefined {
  const errors: FieldError[] = []
  if (spec.preserveUnknownFields) errors.push(invalid('spec.preserveUnknownFields', true, 'must be false'))
  for (const [i, { name = '', schema }] of (spec.versions ?? []).entries()) {
    const root = schema?.openAPIV3Schema
    if (!root) continue
    const fault = structuralFault(root)
    if (fault) return violation('StructuralError', `failed to check validation schema for version ${name}: ${fault}`)
    errors.push(...validateStructural(`spec.versions[${i}].schema.openAPIV3Schema`, root))
  }
  const lines = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
  if (lines.length === 0) return undefined
  return violation('Violations', lines.length === 1 ? (lines[0] as string) : `[${lines.join(', ')}]`)
}

const violation = (reason: string, message: string): Condition => ({
  type: 'NonStructuralSchema',
  status: 'True',
  reason,
  message,
})
