import type {
  CoreV1Affinity,
  CoreV1PodAffinityTerm,
  CoreV1PodSchedulingGate,
  CoreV1PodSpec,
  CoreV1Toleration,
  CoreV1TopologySpreadConstraint,
  CoreV1WeightedPodAffinityTerm,
  MetaV1LabelSelector,
} from '../../generated/types.ts'
import {
  addMessages,
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  notSupported,
  required,
} from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector, validateLabels } from '../../machinery/label-validation.ts'
import { isDns1123Label, isQualifiedName, isValidLabelValue } from '../../machinery/validation.ts'
import { checkChoice, checkEach, checkLabelName, checkText, setFor } from './field-checks.ts'
import { validateNodeSelector, validateNodeTerm } from './node-selector-rules.ts'

/** Where a pod may run. */
export function validateScheduling(errors: FieldError[], spec: CoreV1PodSpec, path: string): void {
  const { nodeSelector, affinity, schedulingGates } = spec
  if (nodeSelector) errors.push(...validateLabels(nodeSelector, `${path}.nodeSelector`))
  if (affinity) validateAffinity(errors, affinity, `${path}.affinity`)
  checkEach(errors, path, 'tolerations', spec.tolerations, validateToleration, undefined)
  if (schedulingGates) validateGates(errors, schedulingGates, `${path}.schedulingGates`)
  validateSpread(errors, spec.topologySpreadConstraints, path)
}

function validateGates(errors: FieldError[], gates: readonly CoreV1PodSchedulingGate[], path: string): void {
  const names = new Set<string>()
  gates.forEach(({ name = '' }, i) => {
    addMessages(errors, `${path}[${i}]`, name, isQualifiedName(name))
    if (names.has(name)) errors.push(duplicate(`${path}[${i}]`, name))
    names.add(name)
  })
}

const OPERATORS = ['Equal', 'Exists']
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** A taint that a pod puts up with. */
export function validateToleration(errors: FieldError[], toleration: CoreV1Toleration, path: string): void {
  const { key, operator = '', value = '', effect, tolerationSeconds } = toleration
  if (key) checkLabelName(errors, path, 'key', key)
  else if (operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    errors.push(invalid(`${path}.operator`, operator, detail))
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(invalid(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  }
  if (operator === '' || operator === 'Equal') {
    const problems = isValidLabelValue(value)
    if (problems.length) errors.push(invalid(`${path}.operator`, value, problems.join(';')))
  } else if (operator === 'Exists') {
    if (value) errors.push(invalid(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'"))
  } else errors.push(notSupported(`${path}.operator`, operator, OPERATORS))
  if (effect) checkChoice(errors, path, 'effect', effect, EFFECTS)
}

const POD_AFFINITIES = ['podAffinity', 'podAntiAffinity'] as const

function validateAffinity(errors: FieldError[], affinity: CoreV1Affinity, path: string): void {
  const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: preferred } =
    affinity.nodeAffinity ?? {}
  if (needed) {
    errors.push(...validateNodeSelector(needed, `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`))
  }
  preferred?.forEach(({ weight, preference }, i) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    validateWeight(errors, at, weight)
    errors.push(...validateNodeTerm(preference ?? {}, `${at}.preference`, { anyValue: true }))
  })
  for (const name of POD_AFFINITIES) {
    const terms = affinity[name]
    if (!terms) continue
    const { requiredDuringSchedulingIgnoredDuringExecution: hard, preferredDuringSchedulingIgnoredDuringExecution: soft } = terms
    const at = `${path}.${name}`
    checkEach(errors, at, 'requiredDuringSchedulingIgnoredDuringExecution', hard, validatePodTerm, undefined)
    checkEach(errors, at, 'preferredDuringSchedulingIgnoredDuringExecution', soft, validateWeightedTerm, undefined)
  }
}

function validateWeightedTerm(
  errors: FieldError[],
  { weight, podAffinityTerm }: CoreV1WeightedPodAffinityTerm,
  at: string,
): void {
  validateWeight(errors, at, weight)
  validatePodTerm(errors, podAffinityTerm ?? {}, `${at}.podAffinityTerm`)
}

function validateWeight(errors: FieldError[], path: string, weight = 0): void {
  if (weight < 1 || weight > 100) errors.push(invalid(`${path}.weight`, weight, 'must be in the range 1-100'))
}

function validatePodTerm(errors: FieldError[], term: CoreV1PodAffinityTerm, path: string): void {
  const { labelSelector, namespaceSelector, namespaces, matchLabelKeys, mismatchLabelKeys, topologyKey = '' } = term
  errors.push(...validateLabelSelector(labelSelector as LabelSelectorObject, `${path}.labelSelector`))
  errors.push(...validateLabelSelector(namespaceSelector as LabelSelectorObject, `${path}.namespaceSelector`))
  if (namespaces) for (const name of namespaces) checkText(errors, path, 'namespace', name, isDns1123Label)
  validateLabelKeys(errors, matchLabelKeys, labelSelector, path, 'matchLabelKeys')
  validateLabelKeys(errors, mismatchLabelKeys, labelSelector, path, 'mismatchLabelKeys')
  repeatedKeys(errors, matchLabelKeys, labelSelector, path)
  matchLabelKeys?.forEach((key, i) => {
    if (!mismatchLabelKeys?.includes(key)) return
    errors.push(invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'))
  })
  if (!topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'))
  checkLabelName(errors, path, 'topologyKey', topologyKey)
}

function validateLabelKeys(
  errors: FieldError[],
  keys: readonly string[] | undefined,
  selector: MetaV1LabelSelector | undefined,
  at: string,
  name: string,
): void {
  if (!keys?.length) return
  if (!selector) {
    errors.push(forbiddenField(`${at}.${name}`, 'must not be specified when labelSelector is not set'))
    return
  }
  keys.forEach((key, i) => {
    checkLabelName(errors, at, `${name}[${i}]`, key)
  })
}

/** A selector has each of the keys once, by what creation adds of a pod's own labels, or not at all. */
function repeatedKeys(
  errors: FieldError[],
  keys: readonly string[] | undefined,
  selector: MetaV1LabelSelector | undefined,
  path: string,
): void {
  if (!keys?.length || !selector) return
  const seen = new Set(Object.keys(selector.matchLabels ?? {}))
  for (const { key = '', operator } of selector.matchExpressions ?? []) {
    const i = operator === 'In' ? keys.lastIndexOf(key) : -1
    if (i >= 0 && seen.has(key)) errors.push(invalid(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
    seen.add(key)
  }
}

const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway']
const INCLUSION = ['Honor', 'Ignore']

function validateSpread(
  errors: FieldError[],
  constraints: readonly CoreV1TopologySpreadConstraint[] | undefined,
  path: string,
): void {
  if (!constraints) return
  checkEach(errors, path, 'topologySpreadConstraints', constraints, validateConstraint, setFor(constraints))
}

/** @param pairs keys and modes of the constraints before */
function validateConstraint(
  errors: FieldError[],
  constraint: CoreV1TopologySpreadConstraint,
  at: string,
  pairs: Set<string> | undefined,
): void {
  const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector, matchLabelKeys } = constraint
  if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero'))
  if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
  checkChoice(errors, at, 'whenUnsatisfiable', whenUnsatisfiable, UNSATISFIABLE)
  if (minDomains !== undefined) {
    if (minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, 'must be greater than zero'))
    if (whenUnsatisfiable !== 'DoNotSchedule') {
      const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
      errors.push(invalid(`${at}.minDomains`, minDomains, detail))
    }
  }
  if (pairs) {
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (pairs.has(pair)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair))
    pairs.add(pair)
  }
  checkChoice(errors, at, 'nodeAffinityPolicy', constraint.nodeAffinityPolicy, INCLUSION)
  checkChoice(errors, at, 'nodeTaintsPolicy', constraint.nodeTaintsPolicy, INCLUSION)
  validateLabelKeys(errors, matchLabelKeys, labelSelector, at, 'matchLabelKeys')
  repeatedKeys(errors, matchLabelKeys, labelSelector, at)
  if (labelSelector) errors.push(...validateLabelSelector(labelSelector as LabelSelectorObject, `${at}.labelSelector`))
}
