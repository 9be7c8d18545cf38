import type { CoreV1HostAlias, CoreV1PodDNSConfig, CoreV1PodResourceClaim, CoreV1PodSpec } from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, required, tooLong } from '../../machinery/field-errors.ts'
import { isValidIP } from '../../machinery/ip-address-validation.ts'
import { byteLength, isDns1123Label, isDns1123Subdomain, isDns1123SubdomainWithUnderscore } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import {
  checkEach,
  checkLabelName,
  checkNeeded,
  checkNeededChoice,
  checkObjectName,
  checkRange,
  checkText,
} from './field-checks.ts'
import { validateContainers } from './pod-container-rules.ts'
import { validateResources, validateWholePod } from './pod-resource-rules.ts'
import { validateScheduling } from './pod-scheduling-rules.ts'
import { validateOs, validatePodSecurity } from './pod-security-rules.ts'
import { validateVolumes } from './pod-volume-rules.ts'
import { isResourceName } from './resource-names.ts'
import { printed } from './rules.ts'

export interface PodSpecSurroundings {
  /** Name of the pod; none for a template. */
  podName?: string
  /** The spec that an update replaces. */
  old?: CoreV1PodSpec
}

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const PREEMPTION_POLICIES = ['Never', 'PreemptLowerPriority']
const MAX_HOSTNAME = 64

/** The rules of a pod spec; `path` is where it stands. */
export function validatePodSpec(
  spec: CoreV1PodSpec,
  path: string,
  context: WriteContext,
  { podName, old }: PodSpecSurroundings = {},
): FieldError[] {
  const errors: FieldError[] = []
  const volumes = validateVolumes(errors, spec, path, { podName: podName ?? '', isPod: podName !== undefined })
  if (spec.resourceClaims) validateResourceClaims(errors, spec.resourceClaims, `${path}.resourceClaims`, context)
  validateContainers(errors, path, { spec, volumes, context })
  if (spec.resources) {
    validateResources(errors, spec.resources, `${path}.resources`, spec, isResourceName)
    validateWholePod(errors, spec, `${path}.resources`)
  }
  checkNeededChoice(errors, path, 'restartPolicy', spec.restartPolicy, RESTART_POLICIES)
  checkNeededChoice(errors, path, 'dnsPolicy', spec.dnsPolicy, DNS_POLICIES)
  validatePodSecurity(errors, spec, path, context, old)
  validateDns(errors, spec, path)
  validateNames(errors, spec, path)
  checkRange(errors, path, 'activeDeadlineSeconds', spec.activeDeadlineSeconds, 1, 2 ** 31 - 1)
  validateScheduling(errors, spec, path)
  spec.readinessGates?.forEach(({ conditionType = '' }, i) => {
    checkLabelName(errors, path, `readinessGates[${i}].conditionType`, conditionType)
  })
  checkEach(errors, path, 'hostAliases', spec.hostAliases, validateHostAlias, undefined)
  errors.push(...validateOs(spec, path))
  return errors
}

function validateHostAlias(errors: FieldError[], { ip = '', hostnames }: CoreV1HostAlias, at: string): void {
  errors.push(...isValidIP(`${at}.ip`, ip))
  hostnames?.forEach((name, i) => {
    checkText(errors, at, `hostnames[${i}]`, name, isDns1123Subdomain)
  })
}

/** Names of other objects, and the pod's own names in DNS. */
function validateNames(errors: FieldError[], spec: CoreV1PodSpec, path: string): void {
  const { serviceAccountName, nodeName, hostname, subdomain, priorityClassName, runtimeClassName } = spec
  const { preemptionPolicy, hostnameOverride } = spec
  if (serviceAccountName) checkText(errors, path, 'serviceAccountName', serviceAccountName, isDns1123Subdomain)
  if (nodeName) checkText(errors, path, 'nodeName', nodeName, isDns1123Subdomain)
  if (hostname) checkText(errors, path, 'hostname', hostname, isDns1123Label)
  if (subdomain) checkText(errors, path, 'subdomain', subdomain, isDns1123Label)
  if (priorityClassName) checkText(errors, path, 'priorityClassName', priorityClassName, isDns1123Subdomain)
  if (runtimeClassName !== undefined) checkText(errors, path, 'runtimeClassName', runtimeClassName, isDns1123Subdomain)
  if (preemptionPolicy !== undefined) {
    checkNeededChoice(errors, path, 'preemptionPolicy', preemptionPolicy, PREEMPTION_POLICIES)
  }
  if (hostnameOverride !== undefined) {
    checkText(errors, path, 'hostnameOverride', hostnameOverride, isDns1123Subdomain)
    if (byteLength(hostnameOverride) > MAX_HOSTNAME) errors.push(tooLong(`${path}.hostnameOverride`, MAX_HOSTNAME))
  }
}

const MAX_NAMESERVERS = 3
const MAX_SEARCHES = 32

function validateDns(errors: FieldError[], { dnsPolicy, dnsConfig }: CoreV1PodSpec, at: string): void {
  if (dnsConfig) validateDnsConfig(errors, dnsConfig, `${at}.dnsConfig`, dnsPolicy)
  else if (dnsPolicy === 'None') {
    errors.push(required(`${at}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None'))
  }
}

function validateDnsConfig(
  errors: FieldError[],
  { nameservers = [], searches = [], options = [] }: CoreV1PodDNSConfig,
  path: string,
  policy: string | undefined,
): void {
  if (policy === 'None' && !nameservers.length) {
    errors.push(required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
  }
  if (nameservers.length > MAX_NAMESERVERS) {
    errors.push(invalid(`${path}.nameservers`, nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`))
  }
  nameservers.forEach((server, i) => {
    errors.push(...isValidIP(`${path}.nameservers[${i}]`, server))
  })
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
}

function validateResourceClaims(
  errors: FieldError[],
  claims: readonly CoreV1PodResourceClaim[],
  path: string,
  context: WriteContext,
): void {
  const names = new Set<string>()
  claims.forEach((claim, i) => {
    const at = `${path}[${i}]`
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim
    checkNeeded(errors, at, 'name', name, isDns1123Label)
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
    const kinds = '`resourceClaimName`'
    const value = (): unknown => printed(claim, 'io.k8s.api.core.v1.PodResourceClaim', context)
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalid(at, value(), `must specify one of: ${kinds}, \`resourceClaimTemplateName\``))
    } else if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(invalid(at, value(), `at most one of ${kinds} or \`resourceClaimTemplateName\` may be specified`))
    }
    if (resourceClaimName !== undefined) checkObjectName(errors, at, 'resourceClaimName', resourceClaimName)
    if (resourceClaimTemplateName !== undefined) {
      checkObjectName(errors, at, 'resourceClaimTemplateName', resourceClaimTemplateName)
    }
  })
}
