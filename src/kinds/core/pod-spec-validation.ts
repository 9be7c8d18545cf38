import type { CoreV1PodResourceClaim, CoreV1PodSpec } from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, required, tooLong } from '../../machinery/field-errors.ts'
import { isValidIP } from '../../machinery/ip-address-validation.ts'
import { byteLength, isDns1123Label, isDns1123Subdomain, isDns1123SubdomainWithUnderscore } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateContainers } from './pod-container-rules.ts'
import { checked, labelName, mustChoose, objectName, within } from './pod-field-rules.ts'
import { validateResources, validateWholePod } from './pod-resource-rules.ts'
import { validateScheduling } from './pod-scheduling-rules.ts'
import { validateOs, validatePodSecurity } from './pod-security-rules.ts'
import { validateVolumes } from './pod-volume-rules.ts'
import { resourceNameErrors } from './resource-names.ts'
import { printed } from './rules.ts'

export interface PodSpecSurroundings {
  /** Name of the pod; none for a template. */
  podName?: string
  /** The spec that an update replaces. */
  old?: CoreV1PodSpec
}

const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const MAX_HOSTNAME = 64

/** The rules of a pod spec; `path` is where it stands. */
export function validatePodSpec(
  spec: CoreV1PodSpec,
  path: string,
  context: WriteContext,
  { podName, old }: PodSpecSurroundings = {},
): FieldError[] {
  const errors: FieldError[] = []
  const isPod = podName !== undefined
  const volumes = validateVolumes(spec, `${path}.volumes`, { podName: podName ?? '', isPod }, errors)
  errors.push(
    ...validateResourceClaims(spec.resourceClaims ?? [], `${path}.resourceClaims`, context),
    ...validateContainers(path, { spec, volumes, context }),
    ...(spec.resources ? validateResources(spec.resources, `${path}.resources`, spec, resourceNameErrors) : []),
    ...(spec.resources ? validateWholePod(spec, `${path}.resources`) : []),
    ...mustChoose(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...mustChoose(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES),
    ...validatePodSecurity(spec, path, context, old),
    ...validateDns(spec, `${path}.dnsConfig`),
    ...validateNames(spec, path),
    ...within(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, 2 ** 31 - 1),
    ...validateScheduling(spec, path),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType = '' }, i) =>
      labelName(`${path}.readinessGates[${i}].conditionType`, conditionType),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip = '', hostnames }, i) => [
      ...isValidIP(`${path}.hostAliases[${i}].ip`, ip),
      ...(hostnames ?? []).flatMap((name, j) => checked(`${path}.hostAliases[${i}].hostnames[${j}]`, name, isDns1123Subdomain)),
    ]),
    ...validateOs(spec, `${path}.os`),
  )
  return errors
}

/** Names of other objects, and the pod's own names in DNS. */
function validateNames(spec: CoreV1PodSpec, path: string): FieldError[] {
  const { serviceAccountName, nodeName, hostname, subdomain, priorityClassName, runtimeClassName } = spec
  const { preemptionPolicy, hostnameOverride } = spec
  const errors: FieldError[] = []
  if (serviceAccountName) errors.push(...checked(`${path}.serviceAccountName`, serviceAccountName, isDns1123Subdomain))
  if (nodeName) errors.push(...checked(`${path}.nodeName`, nodeName, isDns1123Subdomain))
  if (hostname) errors.push(...checked(`${path}.hostname`, hostname, isDns1123Label))
  if (subdomain) errors.push(...checked(`${path}.subdomain`, subdomain, isDns1123Label))
  if (priorityClassName) errors.push(...checked(`${path}.priorityClassName`, priorityClassName, isDns1123Subdomain))
  if (runtimeClassName !== undefined) {
    errors.push(...checked(`${path}.runtimeClassName`, runtimeClassName, isDns1123Subdomain))
  }
  if (preemptionPolicy !== undefined) {
    errors.push(...mustChoose(`${path}.preemptionPolicy`, preemptionPolicy, ['Never', 'PreemptLowerPriority']))
  }
  if (hostnameOverride !== undefined) {
    errors.push(...checked(`${path}.hostnameOverride`, hostnameOverride, isDns1123Subdomain))
    if (byteLength(hostnameOverride) > MAX_HOSTNAME) errors.push(tooLong(`${path}.hostnameOverride`, MAX_HOSTNAME))
  }
  return errors
}

const MAX_NAMESERVERS = 3
const MAX_SEARCHES = 32

function validateDns({ dnsPolicy, dnsConfig }: CoreV1PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if (!nameservers.length) {
      errors.push(required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
    }
  }
  if (nameservers.length > MAX_NAMESERVERS) {
    errors.push(invalid(`${path}.nameservers`, nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`))
  }
  errors.push(...nameservers.flatMap((server, i) => isValidIP(`${path}.nameservers[${i}]`, server)))
  if (searches.length > MAX_SEARCHES) {
    errors.push(invalid(`${path}.searches`, searches, `must not have more than ${MAX_SEARCHES} search paths`))
  }
  searches.forEach((search, i) => {
    if (search === '.') return
    const name = search.replace(/\.$/, '')
    for (const message of isDns1123SubdomainWithUnderscore(name)) {
      errors.push(invalid(`${path}.searches[${i}]`, search, message))
    }
  })
  options.forEach(({ name }, i) => {
    if (!name) errors.push(required(`${path}.options[${i}]`, 'must not be empty'))
  })
  return errors
}

function validateResourceClaims(claims: readonly CoreV1PodResourceClaim[], path: string, context: WriteContext): FieldError[] {
  const names = new Set<string>()
  return claims.flatMap((claim, i) => {
    const at = `${path}[${i}]`
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim
    const errors = name ? checked(`${at}.name`, name, isDns1123Label) : [required(`${at}.name`)]
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
    const kinds = '`resourceClaimName`'
    const value = (): unknown => printed(claim, 'io.k8s.api.core.v1.PodResourceClaim', context)
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalid(at, value(), `must specify one of: ${kinds}, \`resourceClaimTemplateName\``))
    } else if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(invalid(at, value(), `at most one of ${kinds} or \`resourceClaimTemplateName\` may be specified`))
    }
    if (resourceClaimName !== undefined) errors.push(...objectName(`${at}.resourceClaimName`, resourceClaimName))
    if (resourceClaimTemplateName !== undefined) {
      errors.push(...objectName(`${at}.resourceClaimTemplateName`, resourceClaimTemplateName))
    }
    return errors
  })
}
