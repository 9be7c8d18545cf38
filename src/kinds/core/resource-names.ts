import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { Quantity, quantityFromJson } from '../../machinery/quantity.ts'
import { isQualifiedName, type Messages } from '../../machinery/validation.ts'

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage']
const COUNTED = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
const QUOTA = new Set([
  ...COMPUTE,
  ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
  ...COUNTED,
])
const STANDARD = new Set([...QUOTA, 'storage'])
const COUNTED_SET = new Set(COUNTED)

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-')

/** What containers may ask for by a name of one part. */
const isContainerResource = (name: string): boolean => COMPUTE.includes(name) || isHugePages(name)

export const isQuotaResource = (name: string): boolean => QUOTA.has(name) || isQuotaHugePages(name)

/** Resources with a domain of their own, counted in whole units. */
export function isExtendedResource(name: string): boolean {
  if (!name.includes('/') || name.includes('kubernetes.io/') || name.startsWith('requests.')) return false
  return isQualifiedName(`requests.${name}`).length === 0
}

/** Whether limits may be larger than requests. */
export const mayOvercommit = (name: string): boolean =>
  (!name.includes('/') || name.includes('kubernetes.io/')) && !isHugePages(name)

/** The name of any resource. */
export function isResourceName(name: string): Messages {
  const messages = isQualifiedName(name)
  if (messages.length || name.includes('/') || STANDARD.has(name) || isQuotaHugePages(name)) return messages
  return ['must be a standard resource type or fully qualified']
}

/** The name of a resource of containers. */
export function isContainerResourceName(name: string): Messages {
  const messages = isResourceName(name)
  const problem = containerProblem(name)
  return problem ? [...messages, problem] : messages
}

function containerProblem(name: string): string | undefined {
  if (!name.includes('/')) return isContainerResource(name) ? undefined : 'must be a standard resource for containers'
  if (name.includes('kubernetes.io/') || isExtendedResource(name)) return undefined
  return "doesn't follow extended resource name standard"
}

/** The name of a resource that a quota limits. */
export function isQuotaResourceName(name: string): Messages {
  const messages = isResourceName(name)
  return name.includes('/') || isQuotaResource(name) ? messages : [...messages, 'must be a standard resource for quota']
}

/** An amount of a resource: not negative, and whole for what is counted. */
export function resourceAmountErrors(field: string, name: string, text: string): FieldError[] {
  const quantity = quantityFromJson(text)
  const errors: FieldError[] = []
  if (quantity.sign < 0) errors.push(invalid(field, text, 'must be greater than or equal to 0'))
  if ((COUNTED_SET.has(name) || isExtendedResource(name)) && !isWhole(quantity))
    errors.push(invalid(field, text, 'must be an integer'))
  return errors
}

export const isWhole = (quantity: Quantity): boolean => Quantity.of(quantity.value()).equals(quantity)
