import type { CoreV1PodSpec, CoreV1ResourceRequirements } from '../../generated/types.ts'
import {
  addMessages,
  duplicate,
  type FieldError,
  fieldNotFound,
  forbiddenField,
  invalid,
  required,
} from '../../machinery/field-errors.ts'
import { parseQuantity, quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Label, type Messages } from '../../machinery/validation.ts'
import { checkText } from './field-checks.ts'
import { aggregate, isHugePages } from './pod-resources.ts'
import { isContainerResourceName, isExtendedResource, mayOvercommit } from './resource-names.ts'
import { NOT_NEGATIVE } from './rules.ts'

type Amounts = Readonly<Record<string, string>>

/**
 * What a container, or a whole pod, asks for and may have.
 * @param isName what is wrong with the name of a resource
 */
export function validateResources(
  errors: FieldError[],
  { limits, requests, claims }: CoreV1ResourceRequirements,
  path: string,
  spec: CoreV1PodSpec,
  isName: (name: string) => Messages = isContainerResourceName,
): void {
  for (const name in limits) validateAmount(errors, path, 'limits', name, limits[name]!, isName)
  for (const name in requests) {
    const amount = requests[name]!
    validateAmount(errors, path, 'requests', name, amount, isName)
    validateAgainstLimit(errors, path, name, amount, limits?.[name])
  }
  const asksFor = (test: (name: string) => boolean): boolean => someName(limits, test) || someName(requests, test)
  if (asksFor(isHugePages) && !asksFor(isCpuOrMemory)) errors.push(forbiddenField(path, 'HugePages require cpu or memory'))
  if (claims) validateClaims(errors, claims, `${path}.claims`, spec)
}

const isCpuOrMemory = (name: string): boolean => name === 'cpu' || name === 'memory'

function someName(amounts: Amounts | undefined, test: (name: string) => boolean): boolean {
  for (const name in amounts) if (test(name)) return true
  return false
}

function validateAmount(
  errors: FieldError[],
  path: string,
  list: 'limits' | 'requests',
  name: string,
  amount: string,
  isName: (name: string) => Messages,
): void {
  const messages = isName(name)
  if (messages.length) addMessages(errors, `${path}.${list}[${name}]`, name, messages)
  const problem = amountProblem(name, amount)
  if (problem) errors.push(invalid(`${path}.${list}[${name}]`, amount, problem))
}

/** Nothing asks for more than it may have, and for just as much of what can't be promised twice. */
function validateAgainstLimit(errors: FieldError[], path: string, name: string, amount: string, limit: string | undefined): void {
  if (limit === undefined) {
    if (mayOvercommit(name)) return
    errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  const order = quantityFromJson(amount).compare(quantityFromJson(limit))
  if (order && !mayOvercommit(name)) {
    errors.push(invalid(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`))
  } else if (order > 0) {
    errors.push(invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`))
  }
}

/** A pod as a whole can't ask for less than its containers do, nor have less than one of them. */
export function validateWholePod(errors: FieldError[], spec: CoreV1PodSpec, path: string): void {
  const { limits = {}, requests = {} } = (spec.resources ?? {}) as { limits?: Amounts; requests?: Amounts }
  const atLeast = (what: 'requests' | 'limits', list: Amounts, counts: (name: string) => boolean): void => {
    for (const [name, sum] of aggregate(spec, what)) {
      const amount = list[name]
      if (amount === undefined || !counts(name) || quantityFromJson(amount).compare(sum) >= 0) continue
      const detail = `must be greater than or equal to aggregate container ${what} of ${sum}`
      errors.push(invalid(`${path}.${what}[${name}]`, amount, detail))
    }
  }
  atLeast('requests', requests, () => true)
  atLeast('limits', limits, isHugePages)
  spec.containers?.forEach(({ resources }, i) => {
    for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
      const whole = limits[name]
      if (whole === undefined || quantityFromJson(limit).compare(quantityFromJson(whole)) <= 0) continue
      const field = `${path}.containers[${i}][${name}].limits`
      errors.push(invalid(field, limit, `must be less than or equal to pod limits of ${whole}`))
    }
  })
}

function amountProblem(name: string, text: string): string | undefined {
  const amount = quantityFromJson(text)
  if (amount.sign < 0) return NOT_NEGATIVE
  if (isExtendedResource(name) && amount.exponent < 0) return 'must be an integer'
  if (!isHugePages(name)) return undefined
  const size = pageSize(name)
  return size && amount.value() % size ? `${text} is not positive integer multiple of ${name}` : undefined
}

function pageSize(name: string): bigint {
  try {
    return parseQuantity(name.slice('hugepages-'.length)).value()
  } catch {
    return 0n
  }
}

function validateClaims(
  errors: FieldError[],
  claims: NonNullable<CoreV1ResourceRequirements['claims']>,
  path: string,
  spec: CoreV1PodSpec,
): void {
  const known = spec.resourceClaims?.map((claim) => claim.name ?? '') ?? []
  const seen = new Set<string>()
  claims.forEach(({ name = '', request }, i) => {
    const at = `${path}[${i}]`
    if (!name) {
      errors.push(required(at))
      return
    }
    const key = request ? `${name}/${request}` : name
    if (seen.has(key)) errors.push(duplicate(at, key))
    seen.add(key)
    if (!known.includes(name)) {
      const found = fieldNotFound(at, name)
      const rule = 'must be one of the names in pod.spec.resourceClaims'
      const detail = known.length ? `${rule}: ${known.toSorted().join(', ')}` : `${rule} which is empty`
      errors.push({ ...found, message: `${found.message}: ${detail}` })
    }
    if (request) checkText(errors, at, 'request', request, isDns1123Label)
  })
}
