import type { CoreV1PodSpec, CoreV1ResourceRequirements } from '../../generated/types.ts'
import { duplicate, type FieldError, fieldNotFound, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { parseQuantity, quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import { checked } from './pod-field-rules.ts'
import { aggregate, isHugePages } from './pod-resources.ts'
import { containerResourceErrors, isExtendedResource, mayOvercommit } from './resource-names.ts'
import { NOT_NEGATIVE } from './rules.ts'

/**
 * What a container, or a whole pod, asks for and may have.
 * @param nameErrors what is wrong with the name of a resource
 */
export function validateResources(
  { limits, requests, claims }: CoreV1ResourceRequirements,
  path: string,
  spec: CoreV1PodSpec,
  nameErrors: (field: string, name: string) => FieldError[] = containerResourceErrors,
): FieldError[] {
  if (!limits && !requests && !claims) return []
  const errors: FieldError[] = []
  for (const [name, amount] of Object.entries(limits ?? {})) {
    const field = `${path}.limits[${name}]`
    errors.push(...nameErrors(field, name), ...validateAmount(field, name, amount))
  }
  for (const [name, amount] of Object.entries(requests ?? {})) {
    const field = `${path}.requests[${name}]`
    errors.push(...nameErrors(field, name), ...validateAmount(field, name, amount))
    const limit = limits?.[name]
    if (limit === undefined) {
      if (!mayOvercommit(name)) {
        errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
      }
      continue
    }
    const order = quantityFromJson(amount).compare(quantityFromJson(limit))
    if (order && !mayOvercommit(name)) {
      errors.push(invalid(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`))
    } else if (order > 0) {
      errors.push(invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`))
    }
  }
  const names = [...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})]
  if (names.some(isHugePages) && !names.some((name) => name === 'cpu' || name === 'memory')) {
    errors.push(forbiddenField(path, 'HugePages require cpu or memory'))
  }
  return [...errors, ...validateClaims(claims, `${path}.claims`, spec)]
}

/** A pod as a whole can't ask for less than its containers do, nor have less than one of them. */
export function validateWholePod(spec: CoreV1PodSpec, path: string): FieldError[] {
  const { limits = {}, requests = {} } = spec.resources ?? {}
  const errors: FieldError[] = []
  const atLeast = (what: 'requests' | 'limits', list: Record<string, string>, counts: (name: string) => boolean): void => {
    for (const [name, sum] of aggregate(spec, what)) {
      const amount = list[name]
      if (amount === undefined || !counts(name) || quantityFromJson(amount).compare(sum) >= 0) continue
      const detail = `must be greater than or equal to aggregate container ${what} of ${sum}`
      errors.push(invalid(`${path}.${what}[${name}]`, amount, detail))
    }
  }
  atLeast('requests', requests as Record<string, string>, () => true)
  atLeast('limits', limits as Record<string, string>, isHugePages)
  spec.containers?.forEach(({ resources }, i) => {
    for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
      const whole = (limits as Record<string, string>)[name]
      if (whole === undefined || quantityFromJson(limit).compare(quantityFromJson(whole)) <= 0) continue
      const field = `${path}.containers[${i}][${name}].limits`
      errors.push(invalid(field, limit, `must be less than or equal to pod limits of ${whole}`))
    }
  })
  return errors
}

function validateAmount(field: string, name: string, text: string): FieldError[] {
  const amount = quantityFromJson(text)
  if (amount.sign < 0) return [invalid(field, text, NOT_NEGATIVE)]
  if (isExtendedResource(name) && amount.exponent < 0) return [invalid(field, text, 'must be an integer')]
  if (!isHugePages(name)) return []
  const size = pageSize(name)
  if (!size || amount.value() % size === 0n) return []
  return [invalid(field, text, `${text} is not positive integer multiple of ${name}`)]
}

function pageSize(name: string): bigint {
  try {
    return parseQuantity(name.slice('hugepages-'.length)).value()
  } catch {
    return 0n
  }
}

function validateClaims(claims: CoreV1ResourceRequirements['claims'], path: string, spec: CoreV1PodSpec): FieldError[] {
  const known = spec.resourceClaims?.map((claim) => claim.name ?? '') ?? []
  const seen = new Set<string>()
  return (claims ?? []).flatMap(({ name = '', request }, i) => {
    const at = `${path}[${i}]`
    if (!name) return [required(at)]
    const errors: FieldError[] = []
    const key = request ? `${name}/${request}` : name
    if (seen.has(key)) errors.push(duplicate(at, key))
    seen.add(key)
    if (!known.includes(name)) {
      const found = fieldNotFound(at, name)
      const rule = 'must be one of the names in pod.spec.resourceClaims'
      const detail = known.length ? `${rule}: ${known.toSorted().join(', ')}` : `${rule} which is empty`
      errors.push({ ...found, message: `${found.message}: ${detail}` })
    }
    if (request) errors.push(...checked(`${at}.request`, request, isDns1123Label))
    return errors
  })
}
