import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Container, CoreV1PodSpec } from '../../generated/types.ts'
import { checkedPod } from './check.ts'
import { type Level, levelVersion } from './policy.ts'
import { detailsOf, violationsOf } from './standards.ts'

const LATEST = Number.POSITIVE_INFINITY

function refused(level: Level, spec: CoreV1PodSpec, minor = LATEST, annotations: Record<string, string> = {}): string {
  return detailsOf(violationsOf(levelVersion(level, minor), checkedPod(annotations, spec)))
}

/** A container that the restricted standard lets in. */
const good = (name: string, more: CoreV1Container['securityContext'] = {}): CoreV1Container => ({
  name,
  securityContext: {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
    ...more,
  },
})

const withContexts = (...contexts: CoreV1Container['securityContext'][]): CoreV1PodSpec => ({
  containers: contexts.map((securityContext, i) => ({ name: 'abcdef'[i] ?? '', securityContext })),
})

test('lets in what does nothing', () => {
  assert.equal(refused('privileged', { hostNetwork: true }), '')
  assert.equal(refused('baseline', { containers: [{ name: 'a' }] }), '')
  assert.equal(refused('restricted', { containers: [good('a')], initContainers: [good('i')] }), '')
})

test('names all containers, whatever kind they are of', () => {
  const securityContext = { privileged: true }
  const spec = {
    containers: [{ name: 'c', securityContext }],
    initContainers: [{ name: 'i', securityContext }],
    ephemeralContainers: [{ name: 'e', securityContext }],
  }
  assert.equal(refused('baseline', spec), 'privileged (containers "i", "c", "e" must not set securityContext.privileged=true)')
})

test('baseline: AppArmor', () => {
  const annotations = { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' }
  assert.equal(
    refused('baseline', { securityContext: { appArmorProfile: { type: 'Unconfined' } }, containers: [] }, LATEST, annotations),
    'forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to ' +
      '"Unconfined", "container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
  )
  assert.equal(refused('baseline', withContexts({ appArmorProfile: { type: 'Localhost' } })), '')
  for (const profile of ['', 'runtime/default', 'localhost/x'])
    assert.equal(refused('baseline', {}, LATEST, { 'container.apparmor.security.beta.kubernetes.io/a': profile }), '')
})

test('baseline: what of the host is shared', () => {
  assert.equal(
    refused('baseline', { hostIPC: true, hostPID: true, hostNetwork: true }),
    'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
  )
  assert.equal(
    refused('baseline', {
      volumes: [
        { name: 'v', hostPath: { path: '/' } },
        { name: 'w', hostPath: { path: '/' } },
      ],
    }),
    'hostPath volumes (volumes "v", "w")',
  )
  const port = (hostPort: number) => ({ containerPort: 1, hostPort })
  assert.equal(
    refused('baseline', {
      containers: [
        { name: 'a', ports: [port(90), port(8080)] },
        { name: 'b', ports: [port(90), port(0)] },
      ],
    }),
    'hostPort (containers "a", "b" use hostPorts 8080, 90)',
  )
  assert.equal(
    refused('baseline', {
      securityContext: { windowsOptions: { hostProcess: true } },
      ...withContexts({ windowsOptions: { hostProcess: true } }),
    }),
    'hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)',
  )
})

test('baseline: hosts of probes and hooks since v1.34', () => {
  const spec = {
    containers: [
      {
        name: 'b',
        livenessProbe: { httpGet: { host: '10.0.0.1', port: 1 } },
        lifecycle: { preStop: { tcpSocket: { host: 'h', port: 1 } } },
      },
      {
        name: 'a',
        readinessProbe: { tcpSocket: { host: '10.0.0.1', port: 1 } },
        startupProbe: { httpGet: { host: '', port: 1 } },
      },
    ],
  }
  assert.equal(
    refused('baseline', spec),
    'probe or lifecycle host (containers "a", "b" use probe or lifecycle hosts "10.0.0.1", "h")',
  )
  assert.equal(refused('baseline', spec, 33), '')
})

test('baseline: capabilities and SELinux', () => {
  assert.equal(
    refused('baseline', withContexts({ capabilities: { add: ['SYS_TIME', 'CHOWN'] } }, { capabilities: { add: ['NET_RAW'] } })),
    'non-default capabilities (containers "a", "b" must not include "NET_RAW", "SYS_TIME" in securityContext.capabilities.add)',
  )
  assert.equal(
    refused('baseline', {
      securityContext: { seLinuxOptions: { type: 't' } },
      ...withContexts({ seLinuxOptions: { user: 'u', role: 'r' } }),
    }),
    'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "t"; user may not be set; role may not be set)',
  )
  const engine = withContexts({ seLinuxOptions: { type: 'container_engine_t' } })
  assert.equal(refused('baseline', engine), '')
  assert.match(refused('baseline', engine, 30), /type "container_engine_t"/)
})

test('baseline: sysctls become more with the versions', () => {
  const allowedSince = {
    'kernel.shm_rmid_forced': 0,
    'net.ipv4.ip_local_reserved_ports': 27,
    'net.ipv4.tcp_fin_timeout': 29,
    'net.ipv4.tcp_wmem': 32,
  }
  for (const [name, since] of Object.entries(allowedSince)) {
    const spec = { securityContext: { sysctls: [{ name, value: '1' }] } }
    assert.equal(refused('baseline', spec, since), '')
    if (since) assert.equal(refused('baseline', spec, since - 1), `forbidden sysctls (${name})`)
  }
})

test('seccomp: annotations until v1.18, then fields', () => {
  const annotations = {
    'seccomp.security.alpha.kubernetes.io/pod': 'unconfined',
    'container.seccomp.security.alpha.kubernetes.io/a': 'docker/default',
    'container.seccomp.security.alpha.kubernetes.io/nobody': 'unconfined',
  }
  const spec = withContexts({ seccompProfile: { type: 'Unconfined' } })
  assert.equal(
    refused('baseline', spec, 18, annotations),
    'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  )
  const forbidden = 'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")'
  assert.equal(refused('baseline', spec, 19, annotations), forbidden)
  assert.equal(
    refused('restricted', { containers: [good('a', { seccompProfile: { type: 'Unconfined' } }), good('b')] }),
    forbidden,
  )
  const silent = {
    securityContext: { seccompProfile: { type: 'Localhost' } },
    containers: [good('a', { seccompProfile: undefined })],
  }
  assert.equal(refused('restricted', silent), '')
})

test('restricted says of a plain pod what it lacks, baseline first', () => {
  const spec = { hostNetwork: true, containers: [{ name: 'c' }] }
  const host = 'host namespaces (hostNetwork=true)'
  const escalation = 'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)'
  const capabilities = 'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])'
  const nonRoot = 'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)'
  const seccomp =
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
  assert.equal(refused('restricted', spec), [host, escalation, capabilities, nonRoot, seccomp].join(', '))
  assert.equal(refused('restricted', spec, 999), refused('restricted', spec))
  assert.equal(refused('restricted', spec, 21), [host, escalation, nonRoot, seccomp].join(', '))
  assert.equal(refused('restricted', spec, 8), [host, escalation, nonRoot].join(', '))
  assert.equal(refused('restricted', spec, 7), [host, nonRoot].join(', '))
})

test('restricted says it once where baseline says less', () => {
  assert.equal(
    refused('restricted', { containers: [good('a', { capabilities: { add: ['SYS_TIME'], drop: ['ALL'] } })] }),
    'unrestricted capabilities (container "a" must not include "SYS_TIME" in securityContext.capabilities.add)',
  )
  assert.match(
    refused('restricted', { containers: [good('a', { capabilities: { add: ['SYS_TIME'] } })] }, 21),
    /^non-default capabilities/,
  )
  const volumes = [
    { name: 'z', nfs: { server: 's', path: '/' } },
    { name: 'a', hostPath: { path: '/' } },
    { name: 'new' },
    { name: 'image', image: {} },
    { name: 'secret', secret: {} },
  ]
  assert.equal(
    refused('restricted', { volumes }),
    'restricted volume types (volumes "z", "a", "new" use restricted volume types "hostPath", "nfs", "unknown")',
  )
})

test('restricted: users', () => {
  assert.equal(
    refused('restricted', {
      securityContext: { runAsNonRoot: false, runAsUser: 0 },
      containers: [good('a', { runAsNonRoot: false, runAsUser: 0 })],
    }),
    'runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false), ' +
      'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
  )
  assert.equal(refused('restricted', { securityContext: { runAsUser: 0 }, containers: [good('a')] }, 22), '')
})

test('Windows pods need not say since v1.25 what Windows has not', () => {
  const spec = { os: { name: 'windows' }, containers: [{ name: 'c', securityContext: { runAsNonRoot: true } }] }
  assert.equal(refused('restricted', spec, 25), '')
  assert.match(refused('restricted', spec, 24), /^allowPrivilegeEscalation.*capabilities.*seccompProfile/)
})

test('pods of their own user namespace may be root since v1.35', () => {
  const spec = { hostUsers: false, containers: [good('c', { runAsNonRoot: false, runAsUser: 0 })] }
  assert.equal(refused('restricted', spec), '')
  assert.match(refused('restricted', spec, 34), /^runAsNonRoot.*runAsUser/)
  const unmasked = { hostUsers: false, containers: [good('c', { procMount: 'Unmasked' })] }
  assert.equal(refused('baseline', unmasked), '')
  const refusedMount = 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'
  assert.equal(refused('baseline', unmasked, 34), refusedMount)
  assert.equal(refused('restricted', unmasked), refusedMount)
  assert.equal(refused('baseline', { ...unmasked, hostUsers: true }), refusedMount)
})
