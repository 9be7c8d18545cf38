import type {
  CoreV1TopologySelectorLabelRequirement,
  CoreV1TopologySelectorTerm,
  StorageV1StorageClass,
} from '../../generated/types.ts'
import { duplicate, type FieldError, required } from '../../machinery/field-errors.ts'
import { choice, labelName } from '../core/pod-field-rules.ts'
import { immutable } from '../core/rules.ts'
import { parameterErrors, provisionerErrors } from './provisioner-rules.ts'

export function validateStorageClass(object: StorageV1StorageClass): FieldError[] {
  return [
    ...provisionerErrors('provisioner', object.provisioner),
    ...parameterErrors('parameters', object.parameters, true),
    ...choice('reclaimPolicy', object.reclaimPolicy || undefined, ['Delete', 'Retain']),
    ...choice('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
    ...validateTopologies(object.allowedTopologies ?? [], 'allowedTopologies'),
  ]
}

export const validateStorageClassUpdate = (object: StorageV1StorageClass, old: StorageV1StorageClass): FieldError[] => [
  ...validateStorageClass(object),
  ...immutable('parameters', object.parameters, old.parameters),
  ...immutable('provisioner', object.provisioner ?? '', old.provisioner ?? ''),
  ...immutable('reclaimPolicy', object.reclaimPolicy, old.reclaimPolicy),
  ...immutable('volumeBindingMode', object.volumeBindingMode, old.volumeBindingMode),
]

function validateTopologies(terms: readonly CoreV1TopologySelectorTerm[], path: string): FieldError[] {
  const errors: FieldError[] = []
  // The reference starts with as many terms that say nothing as there are terms, so that one like these counts as repeated.
  const seen: string[] = terms.map(() => meaning(new Map()))
  terms.forEach(({ matchLabelExpressions = [] }, i) => {
    const at = `${path}[${i}].matchLabelExpressions`
    const values = new Map<string, readonly string[]>()
    matchLabelExpressions.forEach((expression, j) => {
      errors.push(...validateExpression(expression, `${at}[${j}]`))
      const { key = '' } = expression
      if (values.has(key)) errors.push(duplicate(`${at}[${j}].key`, key))
      values.set(key, expression.values ?? [])
    })
    const means = meaning(values)
    for (const other of seen) if (other === means) errors.push(duplicate(at, ''))
    seen.push(means)
  })
  return errors
}

/** What a term says, whatever the order of its parts. */
const meaning = (values: ReadonlyMap<string, readonly string[]>): string =>
  JSON.stringify([...values].map(([key, list]) => [key, [...new Set(list)].sort()]).sort())

function validateExpression({ key = '', values = [] }: CoreV1TopologySelectorLabelRequirement, path: string): FieldError[] {
  const errors: FieldError[] = values?.length ? [] : [required(`${path}.values`)]
  values?.forEach((value, i) => {
    if (values.indexOf(value) < i) errors.push(duplicate(`${path}.values[${i}]`, value))
  })
  return [...errors, ...labelName(`${path}.key`, key)]
}
