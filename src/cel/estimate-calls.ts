import type { Call } from './ast.ts'
import { add, type EntrySizes, type Estimate, fixed, type Range, scale, times, UNKNOWN, UNLIMITED, union } from './ranges.ts'

interface CallParts {
  readonly expr: Call
  /** Of a method. */
  readonly target: Estimate | undefined
  readonly args: readonly Estimate[]
  /** The size of a list's elements. */
  readonly elementSize: (list: Estimate) => Range
}

/** A call's cost with its arguments, but without a method's object; and the result's size where it is known. */
interface CallEstimate {
  readonly cost: Range
  readonly size?: Range | undefined
  readonly entries?: EntrySizes | undefined
}

const CHARACTER = 0.1
const REGEX_CHARACTER = 0.25

const sizeOf = (part: Estimate | undefined): Range => part?.size ?? UNKNOWN
const reading = (size: Range): Range => scale(size, CHARACTER)
const one = fixed(1)

/** What calling a function costs, as the reference has it. */
export function callEstimate(call: CallParts): CallEstimate {
  const special = operator(call)
  if (special) return special
  const name = call.expr.qualified ?? call.expr.name
  const estimate = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]!(call) : undefined
  const own = estimate ?? { cost: one }
  return { ...own, cost: add(own.cost, ...call.args.map(({ cost }) => cost)) }
}

/** Operators whose arguments don't just add up. */
function operator({ expr, args }: CallParts): CallEstimate | undefined {
  switch (expr.name) {
    case '_&&_':
    case '_||_': {
      const [left, right] = args
      return { cost: { min: left!.cost.min, max: add(left!.cost, right!.cost).max } }
    }
    case '_?_:_': {
      const [condition, yes, no] = args
      const entries =
        yes!.entries && no!.entries
          ? {
              list: yes!.entries.list,
              key: union(yes!.entries.key, no!.entries.key),
              value: union(yes!.entries.value, no!.entries.value),
            }
          : undefined
      return { cost: add(condition!.cost, union(yes!.cost, no!.cost)), size: union(sizeOf(yes), sizeOf(no)), entries }
    }
  }
  return undefined
}

type Estimator = (call: CallParts) => CallEstimate | undefined

/** Of the kind that one of the ways to call it takes. */
const takes = ({ expr }: CallParts, kind: string): boolean => expr.overloads?.some((o) => o.parameters[0]?.kind === kind) ?? false

function comparison({ args, expr }: CallParts): CallEstimate | undefined {
  const texts = /^_[<>]/.test(expr.name)
    ? expr.overloads?.filter((o) => o.parameters[0]!.kind === 'string' || o.parameters[0]!.kind === 'bytes')
    : []
  // Numbers and the like cost 1.
  if (texts && /^_[<>]/.test(expr.name) && texts.length === 0) return undefined
  const max = Math.min(sizeOf(args[0]).max, sizeOf(args[1]).max)
  return { cost: scale({ min: max > 0 ? 1 : 0, max }, CHARACTER) }
}

function concatenation(call: CallParts): CallEstimate | undefined {
  const [left, right] = call.args
  const list = takes(call, 'list')
  if (!list && !takes(call, 'string') && !takes(call, 'bytes')) return undefined
  const size = add(sizeOf(left), sizeOf(right))
  const entries =
    left?.entries && right?.entries
      ? { list: true, key: union(left.entries.key, right.entries.key), value: union(left.entries.value, right.entries.value) }
      : undefined
  if (call.expr.overloads!.length === 1) return list ? { cost: one, size, entries } : { cost: reading(size), size }
  return { cost: union(one, reading(size)), size }
}

const readsTarget: Estimator = ({ target }) => target && { cost: reading(sizeOf(target)), size: sizeOf(target) }
const readsTargetOnly: Estimator = ({ target }) => target && { cost: reading(sizeOf(target)) }
const readsArgument: Estimator = ({ args }) => args[0] && { cost: reading(sizeOf(args[0])) }

const traversal: Estimator = ({ target, elementSize }) => {
  if (!target) return undefined
  const element = target.expr.type?.params[0]
  if (!element) return { cost: reading(sizeOf(target)) }
  const text = element.kind === 'string' || element.kind === 'bytes'
  return { cost: times(sizeOf(target), text ? add(one, reading(elementSize(target))) : one) }
}

const regex = (text: Range, pattern: Range): Range => times(reading(add(text, one)), scale(pattern, REGEX_CHARACTER))

const matches: Estimator = ({ target, args }) =>
  target && args.length === 1 ? { cost: regex(sizeOf(target), sizeOf(args[0])) } : undefined

const find: Estimator = ({ target, args }) =>
  target && { cost: regex(sizeOf(target), sizeOf(args[0])), size: { min: 0, max: sizeOf(target).max } }

const replace: Estimator = ({ target, args }) => {
  if (!target || args.length < 2) return undefined
  const [text, old, by] = [sizeOf(target), sizeOf(args[0]), sizeOf(args[1])]
  const most = replaced(text.max, old.min, by.max, by.max <= old.min)
  const least = replaced(text.min, old.max, by.min, old.max <= by.min)
  return { cost: scale(text, 2 * CHARACTER), size: { min: least, max: most } }
}

/** How long a text gets when as much as can be is replaced. @param unchanged when replacing doesn't make it longer (or shorter) */
function replaced(text: number, old: number, by: number, unchanged: boolean): number {
  // Around every character, if what is replaced is empty.
  if (old === 0) return Math.min((text < UNLIMITED ? text + 1 : text) * by + text, UNLIMITED)
  return unchanged ? text : Math.min(Math.ceil(text / old) * by, UNLIMITED)
}

const split: Estimator = ({ target, args }) => {
  if (!target) return undefined
  const limit = args[1]?.expr.kind === 'const' && typeof args[1].expr.value === 'bigint' ? Number(args[1].expr.value) : undefined
  return { cost: scale(sizeOf(target), 2 * CHARACTER), size: { min: 0, max: limit ?? sizeOf(target).max } }
}

const join: Estimator = ({ target, args, elementSize }) => {
  if (!target) return undefined
  const list = sizeOf(target)
  const separators = { min: Math.max(list.min - 1, 0), max: Math.max(list.max - 1, 0) }
  const elements = times(list, elementSize(target))
  const size = args.length ? add(elements, times(sizeOf(args[0]), separators)) : elements
  return { cost: reading(size), size }
}

const NETWORK: Range = { min: 4, max: 16 }
const network = reading(add(NETWORK, NETWORK))
const parsing = (call: CallParts): Range =>
  call.args[0]?.expr.type?.kind === 'string' ? reading(sizeOf(call.args[0])) : fixed(0)

const made: Estimator = ({ target }) => target && { cost: add(one, sizeOf(target)), size: { min: 0, max: sizeOf(target).max } }
const squared: Estimator = ({ target }) =>
  target && { cost: add(one, times(sizeOf(target), sizeOf(target))), size: sizeOf(target) }

const FUNCTIONS: Readonly<Record<string, Estimator>> = {
  '_==_': comparison,
  '_!=_': comparison,
  '_<_': comparison,
  '_<=_': comparison,
  '_>_': comparison,
  '_>=_': comparison,
  '_+_': concatenation,
  '@in': (call) => (takesList(call) ? { cost: sizeOf(call.args[1]) } : undefined),
  contains: ({ target, args }) => target && { cost: times(reading(sizeOf(target)), reading(sizeOf(args[0]))) },
  startsWith: readsArgument,
  endsWith: readsArgument,
  matches,
  bytes: ({ args }) => textual(args[0], 'string') && { cost: reading(sizeOf(args[0])), size: scale(sizeOf(args[0]), 4) },
  string: ({ args }) =>
    textual(args[0], 'bytes') && {
      cost: reading(sizeOf(args[0])),
      size: { min: Math.floor(sizeOf(args[0]).min / 4), max: sizeOf(args[0]).max },
    },
  format: readsTargetOnly,
  'strings.quote': ({ args }) => ({
    cost: reading(sizeOf(args[0])),
    size: { min: sizeOf(args[0]).min + 2, max: Math.min(sizeOf(args[0]).max * 2 + 2, UNLIMITED) },
  }),
  check: () => ({ cost: fixed(350_000) }),
  isSorted: traversal,
  sum: traversal,
  max: traversal,
  min: traversal,
  indexOf: traversal,
  lastIndexOf: traversal,
  url: readsArgument,
  lowerAscii: readsTarget,
  upperAscii: readsTarget,
  substring: readsTarget,
  trim: readsTarget,
  replace,
  split,
  join,
  find,
  findAll: find,
  containsIP: (call) => ({ cost: add(network, parsing(call)) }),
  containsCIDR: (call) => ({ cost: add(network, reading(NETWORK), one, parsing(call)) }),
  slice: made,
  flatten: made,
  reverse: made,
  distinct: squared,
  sort: squared,
  '@sortByAssociatedKeys': squared,
  'lists.range': ({ args }) => {
    const size = args[0]?.expr.kind === 'const' ? fixed(Number(args[0].expr.value)) : UNKNOWN
    return { cost: add(one, size), size }
  },
}

const takesList = ({ expr }: CallParts): boolean => expr.overloads?.some((o) => o.parameters[1]?.kind === 'list') ?? false

const textual = (arg: Estimate | undefined, kind: string): true | undefined => (arg?.expr.type?.kind === kind ? true : undefined)
