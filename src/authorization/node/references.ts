import type { CoreV1Container, CoreV1PersistentVolume, CoreV1Pod, CoreV1Volume } from '../../generated/types.ts'

/** What a kubelet has to read in a pod's namespace to run the pod, as `kind/name`. */
export function referencesOf(pod: CoreV1Pod): Set<string> {
  const { spec = {}, status, metadata } = pod
  const found = new Set<string>()
  const add = (kind: ReferencedKind, name: string | undefined) => {
    if (name) found.add(`${kind}/${name}`)
  }
  add('serviceaccounts', spec.serviceAccountName)
  for (const secret of spec.imagePullSecrets ?? []) add('secrets', secret.name)
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  for (const container of containers) addEnvironment(container, add)
  for (const volume of spec.volumes ?? []) {
    addVolume(volume, add)
    if (volume.ephemeral && !volume.persistentVolumeClaim) add('persistentvolumeclaims', `${metadata?.name}-${volume.name}`)
  }
  for (const { name, resourceClaimName } of spec.resourceClaims ?? []) {
    const made = status?.resourceClaimStatuses?.find((claim) => claim.name === name)?.resourceClaimName
    add('resourceclaims', resourceClaimName || made)
  }
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName)
  return found
}

type ReferencedKind = 'secrets' | 'configmaps' | 'serviceaccounts' | 'persistentvolumeclaims' | 'resourceclaims'
type Add = (kind: ReferencedKind, name: string | undefined) => void

function addEnvironment({ env, envFrom }: CoreV1Container, add: Add): void {
  for (const { valueFrom } of env ?? []) {
    add('secrets', valueFrom?.secretKeyRef?.name)
    add('configmaps', valueFrom?.configMapKeyRef?.name)
  }
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    add('secrets', secretRef?.name)
    add('configmaps', configMapRef?.name)
  }
}

function addVolume(volume: CoreV1Volume, add: Add): void {
  const { secret, configMap, azureFile, csi, projected, persistentVolumeClaim } = volume
  const { cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos } = volume
  add('secrets', secret?.secretName)
  add('configmaps', configMap?.name)
  add('secrets', azureFile?.secretName)
  add('secrets', csi?.nodePublishSecretRef?.name)
  for (const source of [cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos]) add('secrets', source?.secretRef?.name)
  for (const source of projected?.sources ?? []) {
    add('secrets', source.secret?.name)
    add('configmaps', source.configMap?.name)
  }
  add('persistentvolumeclaims', persistentVolumeClaim?.claimName)
}

/** The secrets that a kubelet needs to mount a volume, as `namespace/name`; those that only controllers need aren't among them. */
export function volumeSecrets({ spec = {} }: CoreV1PersistentVolume): string[] {
  const { azureFile, csi, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos } = spec
  const references = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
    ...[cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos].map((source) => source?.secretRef),
  ]
  return references.flatMap((reference) =>
    reference?.name ? [`${reference.namespace || (spec.claimRef?.namespace ?? '')}/${reference.name}`] : [],
  )
}
