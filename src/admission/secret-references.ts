import type { CoreV1Container, CoreV1PodSpec, CoreV1Volume } from '../generated/types.ts'

/** The secrets that a service account lists. */
interface Listed {
  name: string
  secrets: ReadonlySet<string>
  pullSecrets: readonly string[]
}

/** Whether a pod refers to any secret in any way. */
export function referencesSecrets(spec: CoreV1PodSpec): boolean {
  if (spec.imagePullSecrets?.length) return true
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  return containers.some((container) => !secretsOf(container).next().done) || (spec.volumes?.some(volumeHasSecret) ?? false)
}

/** Kinds of volumes that name a secret where to find credentials. */
const WITH_SECRET_REF = ['cephfs', 'cinder', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'] as const

function volumeHasSecret(volume: CoreV1Volume): boolean {
  return Boolean(
    volume.secret ||
      volume.azureFile?.secretName ||
      volume.csi?.nodePublishSecretRef ||
      volume.projected?.sources?.some((source) => source.secret) ||
      WITH_SECRET_REF.some((kind) => volume[kind]?.secretRef),
  )
}

/** A container's secrets in the order of its fields; `env` is unset for those of which all keys are taken. */
function* secretsOf(container: CoreV1Container): Generator<{ secret: string; env?: string }> {
  for (const { name = '', valueFrom } of container.env ?? [])
    if (valueFrom?.secretKeyRef) yield { secret: valueFrom.secretKeyRef.name ?? '', env: name }
  for (const { secretRef } of container.envFrom ?? []) if (secretRef) yield { secret: secretRef.name ?? '' }
}

/**
 * What is wrong with a pod that may only use the secrets that its account lists; undefined when nothing is.
 * https://kubernetes.io/docs/concepts/security/service-accounts/#enforce-mountable-secrets
 */
export function unlistedSecret(spec: CoreV1PodSpec, account: Listed): string | undefined {
  for (const { secret } of spec.volumes ?? []) {
    const name = secret?.secretName ?? ''
    if (secret && !account.secrets.has(name)) return notAllowed(`volume with secret.secretName="${name}"`, account)
  }
  const inContainers =
    unlistedIn('init container', spec.initContainers, account) ?? unlistedIn('container', spec.containers, account)
  if (inContainers) return inContainers
  for (const [i, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!account.pullSecrets.includes(name))
      return notAllowed(`imagePullSecrets[${i}].name="${name}"`, account, 'imagePullSecret')
  }
  return undefined
}

/** The same for containers that are added to a running pod. */
export function unlistedEphemeralSecret(spec: CoreV1PodSpec, account: Listed): string | undefined {
  return unlistedIn('ephemeral container', spec.ephemeralContainers, account)
}

function unlistedIn(kind: string, containers: readonly CoreV1Container[] | undefined, account: Listed): string | undefined {
  for (const container of containers ?? []) {
    for (const { secret, env } of secretsOf(container)) {
      if (account.secrets.has(secret)) continue
      const where = `${kind} ${container.name} with ${env === undefined ? 'envFrom' : `envVar ${env}`}`
      return notAllowed(`${where} referencing secret.secretName="${secret}"`, account)
    }
  }
  return undefined
}

const notAllowed = (what: string, { name }: Listed, kind = 'secret'): string =>
  `${what} is not allowed because service account ${name} does not reference that ${kind}`
