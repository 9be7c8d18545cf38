import { isObject, type Json } from './json.ts'

/** Finds values in an object; none for what isn't there. */
export type JsonPath = (value: Json) => Json[]

type Step = (value: Json) => Json[]

/**
 * Compiles a JSONPath of the sort that printer columns have: members by name, `[0]`, `[1:3:2]`, `[*]`, `[0,2]`, `['a.b']`, `..name`, and
 * filters such as `[?(@.type=="Ready")]`.
 * @returns undefined for what isn't understood
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export function compileJsonPath(text: string): JsonPath | undefined {
  const steps = stepsOf(text)
  if (!steps) return undefined
  return (value) => steps.reduce<Json[]>((found, step) => found.flatMap(step), [value])
}

const NAME = /^(?:\\.|[^.[\]\\])+/

function stepsOf(text: string): Step[] | undefined {
  const steps: Step[] = []
  let rest = text
  while (rest) {
    if (rest.startsWith('[')) {
      const end = bracketEnd(rest)
      const step = end < 0 ? undefined : bracket(rest.slice(1, end).trim())
      if (!step) return undefined
      steps.push(step)
      rest = rest.slice(end + 1)
      continue
    }
    const recursive = rest.startsWith('..')
    if (rest.startsWith('.')) rest = rest.slice(recursive ? 2 : 1)
    if (recursive) steps.push(descendants)
    if (rest.startsWith('[') || rest === '') continue
    const name = NAME.exec(rest)?.[0]
    if (name === undefined) return undefined
    steps.push(name === '*' ? children : member(name.replace(/\\(.)/gs, '$1')))
    rest = rest.slice(name.length)
  }
  return steps
}

/** The bracket that ends the first one, past quotes and inner brackets. */
function bracketEnd(text: string): number {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '[') depth++
    else if (c === ']' && --depth === 0) return i
  }
  return -1
}

const member =
  (name: string): Step =>
  (value) => {
    const found = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
    return found === undefined ? [] : [found]
  }

const children: Step = (value) => {
  if (Array.isArray(value)) return value
  return isObject(value) ? Object.values(value).filter((one) => one !== undefined) : []
}

/** A value and all below it. */
const descendants: Step = (value) => [value, ...children(value).flatMap(descendants)]

function bracket(inner: string): Step | undefined {
  if (inner === '*') return children
  const filter = /^\?\((.*)\)$/s.exec(inner)
  if (filter) return filterBy((filter[1] as string).trim())
  const parts = inner.split(/,(?=(?:[^']*'[^']*')*[^']*$)/).map((part) => part.trim())
  const steps = parts.map(oneOf)
  if (steps.some((step) => step === undefined)) return undefined
  return (value) => (steps as Step[]).flatMap((step) => step(value))
}

function oneOf(part: string): Step | undefined {
  const quoted = /^'((?:[^'\\]|\\.)*)'$/s.exec(part)
  if (quoted) return member((quoted[1] as string).replace(/\\(.)/gs, '$1'))
  const range = /^(-?\d+)?(?:(:)(-?\d+)?(?::(-?\d+)?)?)?$/.exec(part)
  if (!range || part === '') return undefined
  const [, from, colon, to, by] = range
  if (!colon) return index(Number(from))
  return slice(from, to, by)
}

const index =
  (at: number): Step =>
  (value) => {
    const found = Array.isArray(value) ? value.at(at) : undefined
    return found === undefined ? [] : [found]
  }

function slice(from: string | undefined, to: string | undefined, by: string | undefined): Step {
  const step = Number(by ?? 1)
  return (value) => {
    if (!Array.isArray(value) || step <= 0) return []
    return value.slice(Number(from ?? 0), to === undefined ? undefined : Number(to)).filter((_, i) => i % step === 0)
  }
}

const COMPARE = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/s

/** Items for which a comparison holds, or that have something. */
function filterBy(text: string): Step | undefined {
  const [, left = text, operator, right = ''] = COMPARE.exec(text) ?? []
  const one = operand(left.trim())
  const other = operator ? operand(right.trim()) : undefined
  if (!one || (operator && !other)) return undefined
  const holds = (item: Json): boolean => {
    const a = one(item)
    if (!other) return a.length > 0
    const b = other(item)
    return a.length === 1 && b.length === 1 && compare(a[0] as Json, operator as string, b[0] as Json)
  }
  return (value) => (Array.isArray(value) ? value.filter(holds) : [])
}

function operand(text: string): Step | undefined {
  if (text.startsWith('@')) return compileJsonPath(text.slice(1))
  const quoted = /^(["'])(.*)\1$/s.exec(text)
  if (quoted) return () => [quoted[2] as string]
  if (text === 'true' || text === 'false') return () => [text === 'true']
  return text !== '' && Number.isFinite(Number(text)) ? () => [Number(text)] : undefined
}

function compare(a: Json, operator: string, b: Json): boolean {
  if (operator === '==') return a === b
  if (operator === '!=') return a !== b
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) return false
  const [x, y] = [a, b] as [number, number]
  switch (operator) {
    case '<':
      return x < y
    case '<=':
      return x <= y
    case '>':
      return x > y
    default:
      return x >= y
  }
}
