import type { CoreV1LimitRange } from '../generated/types.ts'
import { type Quantity, ZERO_QUANTITY } from '../machinery/quantity.ts'
import { type Amounts, amountsOf, type ResourceList } from './resource-quota/amounts.ts'

/** What a LimitRange says, ready to be applied. */
export interface LimitRangeFacts {
  readonly defaultRequests: ResourceList
  readonly defaultLimits: ResourceList
  readonly bounds: readonly Bounds[]
}

/** The bounds of one type of thing, in the order of the resources' names. */
export interface Bounds {
  readonly type: string
  readonly min: readonly Bound[]
  readonly max: readonly Bound[]
  readonly ratio: readonly Bound[]
}

type Bound = readonly [name: string, quantity: Quantity]

export function limitRangeFacts({ spec }: CoreV1LimitRange): LimitRangeFacts {
  const limits = spec?.limits ?? []
  const containers = limits.filter(({ type }) => type === 'Container')
  return {
    defaultRequests: Object.assign({}, ...containers.map(({ defaultRequest }) => defaultRequest)),
    defaultLimits: Object.assign({}, ...containers.map((item) => item.default)),
    bounds: limits.map(({ type = '', min, max, maxLimitRequestRatio }) => ({
      type,
      min: sorted(min),
      max: sorted(max),
      ratio: sorted(maxLimitRequestRatio),
    })),
  }
}

function sorted(list: ResourceList | undefined): Bound[] {
  return [...amountsOf(list)].sort(([a], [b]) => (a < b ? -1 : 1))
}

/**
 * What is out of bounds, in the reference's words.
 * @param limits unset for what has none by nature: then only requests count, and no ratio
 */
export function violations({ type, min, max, ratio }: Bounds, requests: Amounts, limits: Amounts | undefined): string[] {
  const messages: (string | undefined)[] = []
  for (const [name, bound] of min) messages.push(belowMin(name, type, bound, requests.get(name), limits?.get(name)))
  for (const [name, bound] of max)
    messages.push(
      limits
        ? aboveMax(name, type, bound, requests.get(name), limits.get(name))
        : requestAboveMax(name, type, bound, requests.get(name)),
    )
  if (limits)
    for (const [name, bound] of ratio) messages.push(aboveRatio(name, type, bound, requests.get(name), limits.get(name)))
  return messages.filter((message) => message !== undefined)
}

type Given = Quantity | undefined

function belowMin(name: string, type: string, bound: Quantity, request: Given, limit: Given): string | undefined {
  const says = `minimum ${name} usage per ${type} is ${bound}`
  if (!request) return `${says}.  No request is specified`
  const [asked, limited, least] = comparable(request, limit, bound)
  if (asked < least) return `${says}, but request is ${request}`
  if (limit && limited < least) return `${says}, but limit is ${limit}`
  return undefined
}

function aboveMax(name: string, type: string, bound: Quantity, request: Given, limit: Given): string | undefined {
  const says = `maximum ${name} usage per ${type} is ${bound}`
  if (!limit) return `${says}.  No limit is specified`
  const [asked, limited, most] = comparable(request, limit, bound)
  if (limited > most) return `${says}, but limit is ${limit}`
  if (request && asked > most) return `${says}, but request is ${request}`
  return undefined
}

function requestAboveMax(name: string, type: string, bound: Quantity, request: Given): string | undefined {
  const says = `maximum ${name} usage per ${type} is ${bound}`
  if (!request) return `${says}.  No request is specified`
  const [asked, , most] = comparable(request, undefined, bound)
  return asked > most ? `${says}, but request is ${request}` : undefined
}

function aboveRatio(name: string, type: string, bound: Quantity, request: Given, limit: Given): string | undefined {
  const says = `${name} max limit to request ratio per ${type} is ${bound}`
  const [asked, limited] = comparable(request, limit, bound)
  if (!request || asked === 0n) return `${says}, but no request is specified or request is 0`
  if (!limit || limited === 0n) return `${says}, but no limit is specified or limit is 0`
  const ratio = Number(limited) / Number(asked)
  const isTooMuch =
    bound.value() <= MOST_IN_THOUSANDTHS ? ratio * 1000 > Number(bound.milliValue()) : ratio > Number(bound.value())
  return isTooMuch ? `${says}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}

/** Whole units from which on thousandths don't fit into 64 bits. */
const MOST_IN_THOUSANDTHS = (2n ** 63n - 1n) / 1000n

/** The three at one precision: thousandths, unless one of them is too large for that. */
function comparable(request: Given, limit: Given, bound: Quantity): [bigint, bigint, bigint] {
  const all = [request ?? ZERO_QUANTITY, limit ?? ZERO_QUANTITY, bound] as const
  const whole = all.map((quantity) => quantity.value()) as [bigint, bigint, bigint]
  if (whole.some((value) => value > MOST_IN_THOUSANDTHS)) return whole
  return all.map((quantity) => quantity.milliValue()) as [bigint, bigint, bigint]
}
