import type {
  FlowcontrolV1ExemptPriorityLevelConfiguration,
  FlowcontrolV1LimitedPriorityLevelConfiguration,
  FlowcontrolV1LimitResponse,
  FlowcontrolV1PriorityLevelConfiguration,
  FlowcontrolV1PriorityLevelConfigurationSpec,
  FlowcontrolV1QueuingConfiguration,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { inclusiveRangeError } from '../../machinery/validation.ts'
import { MANDATORY, priorityLevelSpec } from '../../registry/bootstrap/default-flow-control.ts'
import type { WriteContext } from '../../registry/context.ts'
import { printed } from '../core/rules.ts'
import { conditionErrors } from './condition-rules.ts'

type Spec = FlowcontrolV1PriorityLevelConfigurationSpec

const SPEC = 'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec'
const TYPES = ['Exempt', 'Limited']
const RESPONSES = ['Queue', 'Reject']
const MAX_QUEUES = 10_000_000
/** So many bits of a flow's hash tell its hand of queues. */
const MAX_HASH_BITS = 60

export function validatePriorityLevel(level: FlowcontrolV1PriorityLevelConfiguration, context: WriteContext): FieldError[] {
  const { metadata: { name = '' } = {}, spec = {} } = level
  return [...specErrors(spec, name), ...fixedErrors(spec, name, context), ...conditionErrors(level.status?.conditions)]
}

function specErrors({ type = '', limited, exempt }: Spec, name: string): FieldError[] {
  const errors: FieldError[] = []
  if ((name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"))
  }
  if (!TYPES.includes(type)) return [...errors, notSupported('spec.type', type, TYPES)]
  if (type === 'Exempt') {
    if (limited) errors.push(forbiddenField('spec.limited', 'must be nil if the type is not Limited'))
    return exempt ? [...errors, ...sharesErrors('spec.exempt', exempt), ...lendableErrors('spec.exempt', exempt)] : errors
  }
  if (exempt) errors.push(forbiddenField('spec.exempt', 'must be nil if the type is Limited'))
  if (!limited) return [...errors, required('spec.limited', 'must not be empty when type is Limited')]
  return [...errors, ...limitedErrors('spec.limited', limited)]
}

/** What a cluster can't do without is fixed, but for what exempt requests count as. */
function fixedErrors(spec: Spec, name: string, context: WriteContext): FieldError[] {
  if (!MANDATORY.has(name)) return []
  const free = name === 'exempt' ? { exempt: undefined } : {}
  if (equal({ ...spec, ...free }, { ...priorityLevelSpec(name), ...free })) return []
  const what = name === 'exempt' ? `'${name}' except the 'spec.exempt' field` : `'${name}'`
  return [invalid('spec', printed(spec, SPEC, context), `spec of ${what} must equal the fixed value`)]
}

function sharesErrors(
  path: string,
  { nominalConcurrencyShares: shares = 0 }: FlowcontrolV1ExemptPriorityLevelConfiguration,
): FieldError[] {
  return shares < 0 ? [invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : []
}

function lendableErrors(
  path: string,
  { lendablePercent: percent = 0 }: FlowcontrolV1ExemptPriorityLevelConfiguration,
): FieldError[] {
  return percent < 0 || percent > 100 ? [invalid(`${path}.lendablePercent`, percent, inclusiveRangeError(0, 100))] : []
}

function limitedErrors(path: string, limited: FlowcontrolV1LimitedPriorityLevelConfiguration): FieldError[] {
  const { limitResponse = {}, borrowingLimitPercent: borrowing = 0 } = limited
  return [
    ...sharesErrors(path, limited),
    ...responseErrors(`${path}.limitResponse`, limitResponse),
    ...lendableErrors(path, limited),
    ...(borrowing < 0
      ? [invalid(`${path}.borrowingLimitPercent`, borrowing, 'if specified, must be a non-negative integer')]
      : []),
  ]
}

function responseErrors(path: string, { type = '', queuing }: FlowcontrolV1LimitResponse): FieldError[] {
  if (!RESPONSES.includes(type)) return [notSupported(`${path}.type`, type, RESPONSES)]
  const field = `${path}.queuing`
  if (type === 'Reject') {
    return queuing ? [forbiddenField(field, 'must be nil if limited.limitResponse.type is not Limited')] : []
  }
  return queuing ? queuingErrors(field, queuing) : [required(field, 'must not be empty if limited.limitResponse.type is Limited')]
}

function queuingErrors(path: string, queuing: FlowcontrolV1QueuingConfiguration): FieldError[] {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing
  const errors: FieldError[] = []
  const report = (name: string, value: number, detail: string): void => {
    errors.push(invalid(`${path}.${name}`, value, detail))
  }
  if (queueLengthLimit <= 0) report('queueLengthLimit', queueLengthLimit, 'must be positive')
  if (queues <= 0) report('queues', queues, 'must be positive')
  else if (queues > MAX_QUEUES) report('queues', queues, `must not be greater than ${MAX_QUEUES}`)
  if (handSize <= 0) report('handSize', handSize, 'must be positive')
  else if (handSize > queues) report('handSize', handSize, `should not be greater than queues (${queues})`)
  else if (Math.ceil(Math.log2(queues) * handSize) > MAX_HASH_BITS) {
    const what = `required entropy bits of deckSize ${queues} and handSize ${handSize}`
    report('handSize', handSize, `${what} should not be greater than ${MAX_HASH_BITS}`)
  }
  return errors
}
