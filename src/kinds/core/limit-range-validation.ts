import type { CoreV1LimitRange, CoreV1LimitRangeItem } from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { Quantity, quantityFromJson } from '../../machinery/quantity.ts'
import { isQualifiedName } from '../../machinery/validation.ts'
import { checked } from './pod-field-rules.ts'
import { isContainerResourceName, isResourceName, mayOvercommit } from './resource-names.ts'

const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim']
const ONE = Quantity.of(1)

type ListName = 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio'

export function validateLimitRange(range: CoreV1LimitRange): FieldError[] {
  const seen = new Set<string>()
  return (range.spec?.limits ?? []).flatMap((item, i) => {
    const field = `spec.limits[${i}]`
    const type = item.type ?? ''
    const errors = typeErrors(`${field}.type`, type)
    if (seen.has(type)) errors.push(duplicate(`${field}.type`, type))
    seen.add(type)
    return [...errors, ...itemErrors(field, item)]
  })
}

function typeErrors(field: string, type: string): FieldError[] {
  const errors = isQualifiedName(type).map((message) => invalid(field, type, message))
  if (errors.length || type.includes('/') || TYPES.includes(type)) return errors
  return [invalid(field, type, 'must be a standard limit type or fully qualified')]
}

function itemErrors(field: string, item: CoreV1LimitRangeItem): FieldError[] {
  const names = new Set<string>()
  const isName = item.type === 'Pod' || item.type === 'Container' ? isContainerResourceName : isResourceName
  const listErrors = (list: ListName): FieldError[] =>
    Object.keys(item[list] ?? {}).flatMap((name) => {
      names.add(name)
      return checked(`${field}.${list}[${name}]`, name, isName)
    })
  const errors = [...listErrors('max'), ...listErrors('min')]
  for (const list of ['default', 'defaultRequest'] as const) {
    if (item.type !== 'Pod') errors.push(...listErrors(list))
    else if (Object.keys(item[list] ?? {}).length) {
      errors.push(forbiddenField(`${field}.${list}`, "may not be specified when `type` is 'Pod'"))
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided'
    errors.push(required(`${field}.limits`, detail))
  }
  errors.push(...listErrors('maxLimitRequestRatio'))
  return [...errors, ...[...names].flatMap((name) => orderErrors(field, name, item))]
}

/** Lesser and greater amounts of one resource: which list, and what messages call it. */
const ORDER: readonly (readonly [lesser: ListName, greater: ListName, blamed: ListName, shown: ListName])[] = [
  ['min', 'max', 'min', 'min'],
  ['min', 'defaultRequest', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'max', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default', 'defaultRequest', 'defaultRequest'],
  ['min', 'default', 'default', 'min'],
  ['default', 'max', 'default', 'max'],
]
const CALLED: Readonly<Record<ListName, string>> = {
  max: 'max value',
  min: 'min value',
  default: 'default value',
  defaultRequest: 'default request value',
  maxLimitRequestRatio: 'ratio',
}

function orderErrors(field: string, name: string, item: CoreV1LimitRangeItem): FieldError[] {
  const text = (list: ListName): string | undefined => item[list]?.[name]
  const quantity = (list: ListName): Quantity | undefined => {
    const found = text(list)
    return found === undefined ? undefined : quantityFromJson(found)
  }
  const errors: FieldError[] = []
  const wrong = (list: ListName, shown: ListName, detail: string): void => {
    errors.push(invalid(`${field}.${list}[${name}]`, text(shown), detail))
  }
  for (const [lesser, greater, blamed, shown] of ORDER) {
    const [low, high] = [quantity(lesser), quantity(greater)]
    if (!low || !high || low.compare(high) <= 0) continue
    const called = lesser === 'defaultRequest' && greater === 'default' ? 'default limit value' : CALLED[greater]
    wrong(blamed, shown, `${CALLED[lesser]} ${text(lesser)} is greater than ${called} ${text(greater)}`)
  }
  const ratio = quantity('maxLimitRequestRatio')
  if (ratio) {
    const shown = text('maxLimitRequestRatio')
    if (ratio.compare(ONE) < 0) wrong('maxLimitRequestRatio', 'maxLimitRequestRatio', `ratio ${shown} is less than 1`)
    const [min, max] = [quantity('min'), quantity('max')]
    if (min && max) {
      const most = max.toNumber() / min.toNumber()
      const detail = `ratio ${shown} is greater than max/min = ${most.toFixed(6)}`
      if (ratio.toNumber() > most) wrong('maxLimitRequestRatio', 'maxLimitRequestRatio', detail)
    }
  }
  const [limit, request] = [quantity('default'), quantity('defaultRequest')]
  if (limit && request && !mayOvercommit(name) && !limit.equals(request)) {
    const detail = `default value ${text('default')} must equal to defaultRequest value ${text('defaultRequest')} in ${name}`
    wrong('defaultRequest', 'defaultRequest', detail)
  }
  return errors
}
