import type { CoreV1Toleration, NodeV1RuntimeClass } from '../../generated/types.ts'
import { duplicate, type FieldError, required } from '../../machinery/field-errors.ts'
import { validateLabels } from '../../machinery/label-validation.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkEach } from '../core/field-checks.ts'
import { checked } from '../core/pod-field-rules.ts'
import { validateResources } from '../core/pod-resource-rules.ts'
import { validateToleration } from '../core/pod-scheduling-rules.ts'
import { immutable, printed } from '../core/rules.ts'

export const runtimeClass = defineKind<NodeV1RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  resource: 'runtimeclasses',
  scope: 'Cluster',
  schema: 'io.k8s.api.node.v1.RuntimeClass',
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate,
  validateUpdate: (object, old, context) => [
    ...validate(object, context),
    ...immutable('handler', object.handler ?? '', old.handler ?? ''),
  ],
  // The reference has no description for this column.
  columns: [column('Handler', '', (object) => object.handler ?? ''), age],
})

function validate({ handler, overhead, scheduling }: NodeV1RuntimeClass, context: WriteContext): FieldError[] {
  const errors = handler ? checked('handler', handler, isDns1123Label) : [required('handler')]
  validateResources(errors, { limits: overhead?.podFixed }, 'overhead', {})
  errors.push(...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'))
  checkEach(errors, 'scheduling', 'tolerations', scheduling?.tolerations, validateToleration, undefined)
  errors.push(...repeated(scheduling?.tolerations ?? [], context))
  return errors
}

/** Of each set of tolerations that differ in their seconds at most, all but the first. */
function repeated(tolerations: readonly CoreV1Toleration[], context: WriteContext): FieldError[] {
  const seen = new Set<string>()
  return tolerations.flatMap((toleration, i) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration
    const identity = JSON.stringify([key, operator, value, effect])
    if (!seen.has(identity)) {
      seen.add(identity)
      return []
    }
    return [duplicate(`scheduling.tolerations[${i}]`, printed(toleration, 'io.k8s.api.core.v1.Toleration', context))]
  })
}
