import type {
  CoreV1Affinity,
  CoreV1PodAffinityTerm,
  CoreV1PodSpec,
  CoreV1Toleration,
  CoreV1TopologySpreadConstraint,
  MetaV1LabelSelector,
} from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector, validateLabels } from '../../machinery/label-validation.ts'
import { isDns1123Label, isValidLabelValue } from '../../machinery/validation.ts'
import { validateNodeSelector, validateNodeTerm } from './node-selector-rules.ts'
import { checked, choice, labelName } from './pod-field-rules.ts'

/** Where a pod may run. */
export function validateScheduling(spec: CoreV1PodSpec, path: string): FieldError[] {
  return [
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...(spec.affinity ? validateAffinity(spec.affinity, `${path}.affinity`) : []),
    ...(spec.tolerations?.flatMap((toleration, i) => validateToleration(toleration, `${path}.tolerations[${i}]`)) ?? []),
    ...validateGates(spec, `${path}.schedulingGates`),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
  ]
}

function validateGates({ schedulingGates }: CoreV1PodSpec, path: string): FieldError[] {
  const names = new Set<string>()
  return (schedulingGates ?? []).flatMap(({ name = '' }, i) => {
    const errors = labelName(`${path}[${i}]`, name)
    if (names.has(name)) errors.push(duplicate(`${path}[${i}]`, name))
    names.add(name)
    return errors
  })
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** A taint that a pod puts up with. */
export function validateToleration(toleration: CoreV1Toleration, path: string): FieldError[] {
  const { key, operator = '', value = '', effect, tolerationSeconds } = toleration
  const errors = key ? labelName(`${path}.key`, key) : []
  const at = `${path}.operator`
  if (!key && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    errors.push(invalid(at, operator, detail))
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalid(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  }
  if (operator === '' || operator === 'Equal') {
    const problems = isValidLabelValue(value)
    if (problems.length) errors.push(invalid(at, value, problems.join(';')))
  } else if (operator === 'Exists') {
    if (value) errors.push(invalid(at, toleration, "value must be empty when `operator` is 'Exists'"))
  } else errors.push(notSupported(at, operator, ['Equal', 'Exists']))
  return effect ? [...errors, ...choice(`${path}.effect`, effect, EFFECTS)] : errors
}

function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: CoreV1Affinity, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: preferred } =
    nodeAffinity ?? {}
  if (needed) {
    errors.push(...validateNodeSelector(needed, `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`))
  }
  preferred?.forEach(({ weight = 0, preference }, i) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    errors.push(...validateWeight(weight, at), ...validateNodeTerm(preference ?? {}, `${at}.preference`, { anyValue: true }))
  })
  for (const [name, affinity] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      errors.push(...validatePodTerm(term, `${path}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`))
    })
    affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight = 0, podAffinityTerm }, i) => {
      const at = `${path}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      errors.push(...validateWeight(weight, at))
      errors.push(...validatePodTerm((podAffinityTerm ?? {}) as CoreV1PodAffinityTerm, `${at}.podAffinityTerm`))
    })
  }
  return errors
}

const validateWeight = (weight: number, path: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(`${path}.weight`, weight, 'must be in the range 1-100')]

function validatePodTerm(term: CoreV1PodAffinityTerm, path: string): FieldError[] {
  const { labelSelector, namespaceSelector, namespaces, matchLabelKeys, mismatchLabelKeys, topologyKey = '' } = term
  return [
    ...validateLabelSelector(labelSelector as LabelSelectorObject, `${path}.labelSelector`),
    ...validateLabelSelector(namespaceSelector as LabelSelectorObject, `${path}.namespaceSelector`),
    ...(namespaces ?? []).flatMap((name) => checked(`${path}.namespace`, name, isDns1123Label)),
    ...validateLabelKeys(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`),
    ...validateLabelKeys(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`),
    ...repeatedKeys(matchLabelKeys, labelSelector, path),
    ...(matchLabelKeys ?? []).flatMap((key, i) =>
      mismatchLabelKeys?.includes(key)
        ? [invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys')]
        : [],
    ),
    ...(topologyKey ? [] : [required(`${path}.topologyKey`, 'can not be empty')]),
    ...labelName(`${path}.topologyKey`, topologyKey),
  ]
}

function validateLabelKeys(keys: string[] | undefined, selector: MetaV1LabelSelector | undefined, path: string): FieldError[] {
  if (!keys?.length) return []
  if (!selector) return [forbiddenField(path, 'must not be specified when labelSelector is not set')]
  return keys.flatMap((key, i) => labelName(`${path}[${i}]`, key))
}

/** A selector has each of the keys once, by what creation adds of a pod's own labels, or not at all. */
function repeatedKeys(keys: string[] | undefined, selector: MetaV1LabelSelector | undefined, path: string): FieldError[] {
  if (!keys?.length || !selector) return []
  const seen = new Set(Object.keys(selector.matchLabels ?? {}))
  const errors: FieldError[] = []
  for (const { key = '', operator } of selector.matchExpressions ?? []) {
    const i = operator === 'In' ? keys.lastIndexOf(key) : -1
    if (i >= 0 && seen.has(key)) errors.push(invalid(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
    seen.add(key)
  }
  return errors
}

const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway']
const INCLUSION = ['Honor', 'Ignore']

function validateSpread(constraints: readonly CoreV1TopologySpreadConstraint[], path: string): FieldError[] {
  const pairs = new Set<string>()
  return constraints.flatMap((constraint, i) => {
    const at = `${path}[${i}]`
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector, matchLabelKeys } = constraint
    const errors: FieldError[] = []
    if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero'))
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    errors.push(...choice(`${at}.whenUnsatisfiable`, whenUnsatisfiable, UNSATISFIABLE))
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, 'must be greater than zero'))
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
        errors.push(invalid(`${at}.minDomains`, minDomains, detail))
      }
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (pairs.has(pair)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair))
    pairs.add(pair)
    return [
      ...errors,
      ...choice(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, INCLUSION),
      ...choice(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, INCLUSION),
      ...validateLabelKeys(matchLabelKeys, labelSelector, `${at}.matchLabelKeys`),
      ...repeatedKeys(matchLabelKeys, labelSelector, at),
      ...validateLabelSelector(labelSelector as LabelSelectorObject, `${at}.labelSelector`),
    ]
  })
}
