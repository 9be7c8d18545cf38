import type { MetaV1LabelSelector, StorageV1CSIStorageCapacity } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import { defineKind } from '../../registry/kind.ts'
import { checked } from '../core/pod-field-rules.ts'
import { immutable, NOT_NEGATIVE } from '../core/rules.ts'

export const csiStorageCapacity = defineKind<StorageV1CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  resource: 'csistoragecapacities',
  scope: 'Namespaced',
  schema: 'io.k8s.api.storage.v1.CSIStorageCapacity',
  unconditionalUpdate: false,
  validate,
  validateUpdate: (object, old) => [
    ...validate(object),
    ...immutable('nodeTopology', encoded(object.nodeTopology), encoded(old.nodeTopology)),
    ...immutable('storageClassName', object.storageClassName ?? '', old.storageClassName ?? ''),
  ],
})

function validate({ nodeTopology, storageClassName = '', capacity }: StorageV1CSIStorageCapacity): FieldError[] {
  const errors = [
    ...validateLabelSelector(nodeTopology as LabelSelectorObject | undefined, 'nodeTopology'),
    ...checked('storageClassName', storageClassName, isDns1123Subdomain),
  ]
  const amount = quantityFromJson(capacity)
  return amount.sign < 0 ? [...errors, invalid('capacity', String(amount), NOT_NEGATIVE)] : errors
}

/** A selector as its JSON would be, without what is empty. */
function encoded(selector: MetaV1LabelSelector | undefined): object | undefined {
  if (!selector) return undefined
  const { matchLabels, matchExpressions } = selector
  return {
    matchLabels: Object.keys(matchLabels ?? {}).length ? matchLabels : undefined,
    matchExpressions: matchExpressions?.length
      ? matchExpressions.map(({ key = '', operator = '', values }) => ({
          key,
          operator,
          values: values?.length ? values : undefined,
        }))
      : undefined,
  }
}
