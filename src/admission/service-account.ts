import type {
  CoreV1Container,
  CoreV1Pod,
  CoreV1PodSpec,
  CoreV1ServiceAccount,
  CoreV1Volume,
  CoreV1VolumeMount,
} from '../generated/types.ts'
import { StatusError } from '../machinery/status.ts'
import { isPathSegmentName } from '../machinery/validation.ts'
import { type Facts, type ObjectReader, then } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { refusal } from './refusal.ts'
import { referencesSecrets, unlistedEphemeralSecret, unlistedSecret } from './secret-references.ts'

export interface ServiceAccountDeps {
  objects: ObjectReader
  /** A name that starts with `base` and ends at random. */
  generateName(base: string): string
  /** Resolves after this many ms, or when an account of the namespace changes before. */
  pause(ms: number, namespace: string): Promise<void>
}

/** What pods need to know of their account. */
export interface Account {
  name: string
  automount: boolean
  /** Only secrets that the account lists may be used. */
  strict: boolean
  secrets: ReadonlySet<string>
  pullSecrets: readonly string[]
}

const DEFAULT_ACCOUNT = 'default'
/** The default account of a new namespace is on its way: how long to look out for it. */
const TRIES = 10
const PAUSE_MS = 150

const MIRROR = 'kubernetes.io/config.mirror'
const ENFORCE = 'kubernetes.io/enforce-mountable-secrets'
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])

const VOLUME_PREFIX = 'kube-api-access-'
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
/** An hour, and a few seconds by which tokens that were asked for here can be told from others. */
const TOKEN_SECONDS = 3607

/**
 * Every pod runs as a service account, whose token it finds at a well-known path.
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#service-account-admission-controller
 */
export function serviceAccount(deps: ServiceAccountDeps): AdmissionPlugin {
  const accounts = deps.objects.facts({ group: '', resource: 'serviceaccounts' }, factsOf)
  return {
    name: 'ServiceAccount',
    operations: ['CREATE', 'UPDATE'],
    admit(attributes) {
      if (!isPod(attributes, '') || attributes.operation !== 'CREATE') return
      const pod = attributes.object as CoreV1Pod
      // A mirror pod shows what a kubelet runs already: it is refused or stays as it is.
      if (isMirror(pod)) return checkMirror(attributes, pod)
      const spec = (pod.spec ??= {})
      const name = spec.serviceAccountName || DEFAULT_ACCOUNT
      spec.serviceAccountName = name
      spec.serviceAccount = name
      return then(accountOf(attributes, name, accounts, deps), (account) => {
        if (spec.automountServiceAccountToken ?? account.automount) mountToken(spec, deps)
        if (!spec.imagePullSecrets?.length && account.pullSecrets.length)
          spec.imagePullSecrets = account.pullSecrets.map((secret) => ({ name: secret }))
        checkSecrets(attributes, spec, account)
      })
    },
    validate(attributes) {
      const creates = attributes.operation === 'CREATE' && isPod(attributes, '')
      if (!creates && !(attributes.operation === 'UPDATE' && isPod(attributes, 'ephemeralcontainers'))) return
      const pod = attributes.object as CoreV1Pod
      if (creates && isMirror(pod)) return checkMirror(attributes, pod)
      // The account of an existing pod is the stored one, whatever the request says of it.
      const spec = (creates ? pod.spec : (attributes.oldObject as CoreV1Pod | undefined)?.spec) ?? {}
      const name = spec.serviceAccountName
      if (!name) {
        const cause = `no service account specified for pod ${attributes.namespace}/${pod.metadata?.name ?? ''}`
        throw refusal(attributes, cause)
      }
      return then(accountOf(attributes, name, accounts, deps), (account) => {
        if (creates) checkSecrets(attributes, spec, account)
        else checkEphemeralSecrets(pod.spec ?? {}, account)
      })
    },
  }
}

function factsOf(object: CoreV1ServiceAccount): Account {
  const { metadata, automountServiceAccountToken = true, secrets = [], imagePullSecrets = [] } = object
  return {
    name: metadata?.name ?? '',
    automount: automountServiceAccountToken,
    strict: TRUE.has(metadata?.annotations?.[ENFORCE] ?? ''),
    secrets: new Set(secrets.map(({ name = '' }) => name)),
    pullSecrets: imagePullSecrets.map(({ name = '' }) => name),
  }
}

function isPod({ resource, subresource, object }: AdmissionAttributes, wanted: string): boolean {
  return resource.resource === 'pods' && resource.group === '' && subresource === wanted && object !== undefined
}

const isMirror = ({ metadata }: CoreV1Pod): boolean => metadata?.annotations?.[MIRROR] !== undefined

function checkMirror(attributes: AdmissionAttributes, { spec = {} }: CoreV1Pod): void {
  if (spec.serviceAccountName) throw refusal(attributes, 'a mirror pod may not reference service accounts')
  if (referencesSecrets(spec)) throw refusal(attributes, 'a mirror pod may not reference secrets')
  if (spec.volumes?.some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken)))
    throw refusal(attributes, 'a mirror pod may not use ServiceAccountToken volume projections')
}

function accountOf(
  attributes: AdmissionAttributes,
  name: string,
  accounts: Facts<Account>,
  deps: ServiceAccountDeps,
): Account | Promise<Account> {
  return then(accounts.get(attributes.namespace, name), (known) => known ?? awaited(attributes, name, accounts, deps))
}

async function awaited(
  attributes: AdmissionAttributes,
  name: string,
  accounts: Facts<Account>,
  { pause }: ServiceAccountDeps,
): Promise<Account> {
  const { namespace } = attributes
  const wrong = isPathSegmentName(name)
  if (wrong.length) {
    const text = `invalid resource name ${JSON.stringify(name)}: [${wrong.join(' ')}]`
    throw refusal(attributes, `error looking up service account ${namespace}/${name}: ${text}`)
  }
  let account = await accounts.fresh(namespace, name)
  for (let tries = 1; !account && name === DEFAULT_ACCOUNT && tries < TRIES; tries++) {
    await pause(PAUSE_MS, namespace)
    account = await accounts.fresh(namespace, name)
  }
  if (account) return account
  throw refusal(attributes, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`)
}

function checkSecrets(attributes: AdmissionAttributes, spec: CoreV1PodSpec, account: Account): void {
  const problem = account.strict && unlistedSecret(spec, account)
  if (problem) throw refusal(attributes, problem)
}

/** The reference refuses these without a reason, as if something had failed. */
function checkEphemeralSecrets(spec: CoreV1PodSpec, account: Account): void {
  const problem = account.strict && unlistedEphemeralSecret(spec, account)
  if (problem) throw new StatusError(500, '', problem)
}

/** Containers that don't have the path mounted get the token there; one volume serves them all. */
function mountToken(spec: CoreV1PodSpec, { generateName }: ServiceAccountDeps): void {
  const own = spec.volumes?.find(({ name }) => name?.startsWith(VOLUME_PREFIX))
  const name = own?.name ?? generateName(VOLUME_PREFIX)
  const inInit = mountIn(spec.initContainers, name)
  const inOthers = mountIn(spec.containers, name)
  if ((inInit || inOthers) && !own) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

/** @returns whether any container needed it */
function mountIn(containers: readonly CoreV1Container[] | undefined, name: string): boolean {
  if (!containers) return false
  let mounted = false
  for (const container of containers) {
    const mounts = container.volumeMounts ?? []
    if (mounts.some(isTokenMount)) continue
    container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: MOUNT_PATH }]
    mounted = true
  }
  return mounted
}

const isTokenMount = ({ mountPath }: CoreV1VolumeMount): boolean => mountPath === MOUNT_PATH

const tokenVolume = (name: string): CoreV1Volume => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
    defaultMode: 0o644,
  },
})
