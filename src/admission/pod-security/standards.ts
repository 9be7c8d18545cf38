import * as baseline from './baseline-checks.ts'
import { type Check, type CheckedPod, unlessInUserNamespace, unlessWindows, type Violation } from './check.ts'
import type { LevelVersion } from './policy.ts'
import * as restricted from './restricted-checks.ts'

interface VersionedCheck {
  readonly name: string
  /** The minor versions from which on the check is so, rising. */
  readonly versions: readonly (readonly [since: number, check: Check])[]
  /** The baseline check that this one says more than, where both exist. */
  readonly instead?: string
}

const { appArmorProfile, defaultCapabilities, hostNamespaces, hostPathVolumes, hostPorts, probeHosts, privileged } = baseline
const { procMount, seLinuxOptions, seccompAnnotations, seccompProfile, sysctls, hostProcess } = baseline
const { privilegeEscalation, noCapabilities, restrictedVolumes, runAsNonRoot, runAsUser, seccompRequired } = restricted

const CONTAINER_TYPES = ['container_t', 'container_init_t', 'container_kvm_t']
const SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const SYSCTLS_27 = [...SYSCTLS, 'net.ipv4.ip_local_reserved_ports']
const SYSCTLS_29 = [
  ...SYSCTLS_27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]
const SYSCTLS_32 = [...SYSCTLS_29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

/** In the order in which messages tell of them. */
const BASELINE: readonly VersionedCheck[] = [
  { name: 'appArmorProfile', versions: [[0, appArmorProfile]] },
  { name: 'capabilities', versions: [[0, defaultCapabilities]] },
  { name: 'hostNamespaces', versions: [[0, hostNamespaces]] },
  { name: 'hostPathVolumes', versions: [[0, hostPathVolumes]] },
  { name: 'hostPorts', versions: [[0, hostPorts]] },
  { name: 'probeHosts', versions: [[34, probeHosts]] },
  { name: 'privileged', versions: [[0, privileged]] },
  {
    name: 'procMount',
    versions: [
      [0, procMount],
      [35, unlessInUserNamespace(procMount)],
    ],
  },
  {
    name: 'seLinuxOptions',
    versions: [
      [0, seLinuxOptions(...CONTAINER_TYPES)],
      [31, seLinuxOptions(...CONTAINER_TYPES, 'container_engine_t')],
    ],
  },
  {
    name: 'seccompProfile',
    versions: [
      [0, seccompAnnotations],
      [19, seccompProfile],
    ],
  },
  {
    name: 'sysctls',
    versions: [
      [0, sysctls(new Set(SYSCTLS))],
      [27, sysctls(new Set(SYSCTLS_27))],
      [29, sysctls(new Set(SYSCTLS_29))],
      [32, sysctls(new Set(SYSCTLS_32))],
    ],
  },
  { name: 'hostProcess', versions: [[0, hostProcess]] },
]

/** They follow those of the baseline. */
const RESTRICTED: readonly VersionedCheck[] = [
  {
    name: 'privilegeEscalation',
    versions: [
      [8, privilegeEscalation],
      [25, unlessWindows(privilegeEscalation)],
    ],
  },
  {
    name: 'noCapabilities',
    versions: [
      [22, noCapabilities],
      [25, unlessWindows(noCapabilities)],
    ],
    instead: 'capabilities',
  },
  { name: 'procMount', versions: [[35, procMount]], instead: 'procMount' },
  { name: 'restrictedVolumes', versions: [[0, restrictedVolumes]], instead: 'hostPathVolumes' },
  {
    name: 'runAsNonRoot',
    versions: [
      [0, runAsNonRoot],
      [35, unlessInUserNamespace(runAsNonRoot)],
    ],
  },
  {
    name: 'runAsUser',
    versions: [
      [23, runAsUser],
      [35, unlessInUserNamespace(runAsUser)],
    ],
  },
  {
    name: 'seccompRequired',
    versions: [
      [19, seccompRequired],
      [25, unlessWindows(seccompRequired)],
    ],
    instead: 'seccompProfile',
  },
]

/** The last version that changed a check: later ones are like it. */
const NEWEST = Math.max(...[...BASELINE, ...RESTRICTED].map(({ versions }) => versions.at(-1)?.[0] ?? 0))

/** By minor version. */
const CHECKS = Array.from({ length: NEWEST + 1 }, (_, minor) => {
  const at = (checks: readonly VersionedCheck[]) =>
    checks.flatMap(({ versions }) => versions.findLast(([since]) => since <= minor)?.[1] ?? [])
  const instead = new Set(
    RESTRICTED.filter(({ versions }) => versions.some(([since]) => since <= minor)).map((check) => check.instead),
  )
  const kept = BASELINE.filter(({ name }) => !instead.has(name))
  return { privileged: [], baseline: at(BASELINE), restricted: [...at(kept), ...at(RESTRICTED)] }
})

/**
 * What of a pod violates a standard.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function violationsOf({ level, minor }: LevelVersion, pod: CheckedPod): Violation[] {
  const checks: readonly Check[] = CHECKS[Math.min(minor, NEWEST)]?.[level] ?? []
  const violations: Violation[] = []
  for (const check of checks) {
    const violation = check(pod)
    if (violation) violations.push(violation)
  }
  return violations
}

export function detailsOf(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')
}

export function reasonsOf(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(', ')
}
