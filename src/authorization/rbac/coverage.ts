import type { RbacV1PolicyRule } from '../../generated/types.ts'
import { goQuote } from '../../machinery/go-text.ts'

/**
 * What of the wanted rules nobody gets from the held ones, as rules of one verb and one resource each. Empty when all is held. A wanted
 * star is only covered by a held star.
 */
export function missingRules(held: readonly RbacV1PolicyRule[], wanted: readonly RbacV1PolicyRule[]): RbacV1PolicyRule[] {
  return wanted.flatMap(breakDown).filter((single) => !held.some((rule) => covers(rule, single)))
}

/** One rule as many, each with one verb and one group, resource and name, or one path. */
function breakDown(rule: RbacV1PolicyRule): RbacV1PolicyRule[] {
  const { verbs = [], apiGroups, resources, resourceNames, nonResourceURLs } = rule
  const singles: RbacV1PolicyRule[] = []
  for (const group of apiGroups ?? []) {
    for (const resource of resources ?? []) {
      for (const verb of verbs) {
        const single = { apiGroups: [group], resources: [resource], verbs: [verb] }
        if (resourceNames?.length) singles.push(...resourceNames.map((name) => ({ ...single, resourceNames: [name] })))
        else singles.push(single)
      }
    }
  }
  for (const url of nonResourceURLs ?? []) singles.push(...verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] })))
  return singles
}

/** @param single a rule as `breakDown` makes it */
function covers(rule: RbacV1PolicyRule, single: RbacV1PolicyRule): boolean {
  const verb = single.verbs?.[0] as string
  if (!has(rule.verbs, '*') && !has(rule.verbs, verb)) return false
  const url = single.nonResourceURLs?.[0]
  if (url !== undefined) return !rule.resourceNames?.length && (rule.nonResourceURLs ?? []).some((held) => coversUrl(held, url))
  const group = single.apiGroups?.[0] as string
  if (!has(rule.apiGroups, '*') && !has(rule.apiGroups, group)) return false
  if (!coversResource(rule.resources, single.resources?.[0] as string)) return false
  const name = single.resourceNames?.[0]
  return !rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name))
}

function coversResource(held: readonly string[] | undefined, resource: string): boolean {
  if (has(held, '*') || has(held, resource)) return true
  const slash = resource.indexOf('/')
  return slash >= 0 && has(held, `*${resource.slice(slash)}`)
}

const coversUrl = (held: string, url: string): boolean =>
  held === url || (held.endsWith('*') && url.startsWith(held.replace(/\*+$/, '')))

const has = (list: readonly string[] | null | undefined, item: string): boolean => list?.includes(item) ?? false

/** Rules in words, one each, those that differ only in their verb as one, sorted. */
export function describeRules(rules: readonly RbacV1PolicyRule[]): string[] {
  const merged = new Map<string, RbacV1PolicyRule>()
  const described: RbacV1PolicyRule[] = []
  for (const rule of rules) {
    if (rule.nonResourceURLs?.length) {
      described.push(rule)
      continue
    }
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames])
    const same = merged.get(key)
    if (same) same.verbs = [...(same.verbs ?? []), ...(rule.verbs ?? [])]
    else merged.set(key, { ...rule })
  }
  return [...new Set([...described, ...merged.values()].map(describeRule))].sort()
}

function describeRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: RbacV1PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ]
  const given = parts.flatMap(([name, values]) => (values?.length ? [`${name}:${goQuoteAll(values)}`] : []))
  return `{${given.join(', ')}}`
}

/** `["a" "b"]` */
export const goQuoteAll = (values: readonly string[]): string => `[${values.map(goQuote).join(' ')}]`
