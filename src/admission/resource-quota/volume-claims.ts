import type { CoreV1PersistentVolumeClaim } from '../../generated/types.ts'
import { Quantity, quantityFromJson } from '../../machinery/quantity.ts'
import { countName, type Evaluator, ONE } from './evaluator.ts'
import { selects } from './quota.ts'

const COUNT = countName({ group: '', resource: 'persistentvolumeclaims' })
const CLAIMS = 'persistentvolumeclaims'
const STORAGE = 'requests.storage'
const OF_CLASS = '.storageclass.storage.k8s.io/'
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

/** Claims and the storage that they ask for, in all and of each storage class. */
export const volumeClaims: Evaluator = {
  // The status tells what has been allocated, which may be more than what is asked for.
  handles: ({ operation, subresource }) =>
    subresource === '' ? operation === 'CREATE' || operation === 'UPDATE' : subresource === 'status',
  counts: (name) =>
    name === COUNT ||
    name === CLAIMS ||
    name === STORAGE ||
    name.endsWith(OF_CLASS + CLAIMS) ||
    name.endsWith(OF_CLASS + STORAGE),
  inScope(selector, object) {
    if (selector.scope !== 'VolumeAttributesClass') return false
    const names = attributesClasses(object as CoreV1PersistentVolumeClaim)
    return names.length ? names.some((name) => selects(selector, name)) : selects(selector, undefined)
  },
  usage(object) {
    const claim = object as CoreV1PersistentVolumeClaim
    const storageClass = claim.metadata?.annotations?.[CLASS_ANNOTATION] ?? claim.spec?.storageClassName
    const prefixes = storageClass ? ['', storageClass + OF_CLASS] : ['']
    const amounts = new Map([[COUNT, ONE]])
    const storage = storageOf(claim)
    for (const prefix of prefixes) {
      amounts.set(prefix + CLAIMS, ONE)
      if (storage) amounts.set(prefix + STORAGE, storage)
    }
    return amounts
  },
}

/** Those that the claim has, gets or may be given instead. */
function attributesClasses({ spec, status }: CoreV1PersistentVolumeClaim): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]
  return names.filter((name): name is string => Boolean(name))
}

/** In whole bytes. */
function storageOf({ spec, status }: CoreV1PersistentVolumeClaim): Quantity | undefined {
  const requested = spec?.resources?.requests?.storage
  if (requested === undefined) return undefined
  const allocated = status?.allocatedResources?.storage
  const asked = rounded(quantityFromJson(requested))
  const given = allocated === undefined ? asked : rounded(quantityFromJson(allocated))
  return given.compare(asked) > 0 ? given : asked
}

function rounded(quantity: Quantity): Quantity {
  const whole = Quantity.of(quantity.value(), quantity.format)
  return whole.equals(quantity) ? quantity : whole
}
