import type {
  StorageV1VolumeAttachment,
  StorageV1VolumeAttachmentSource,
  StorageV1VolumeAttachmentStatus,
  StorageV1VolumeError,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, required, tooLong } from '../../machinery/field-errors.ts'
import { byteLength, inclusiveRangeError, isDns1123Subdomain } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateInlineVolume } from '../core/persistent-volume-rules.ts'
import { checked, driverName } from '../core/pod-field-rules.ts'
import { immutableStruct } from '../core/rules.ts'

const SPEC = 'io.k8s.api.storage.v1.VolumeAttachmentSpec'

export function validateAttachment({ spec = {}, status = {} }: StorageV1VolumeAttachment): FieldError[] {
  return [
    ...driverName('spec.attacher', spec.attacher ?? ''),
    ...validateSource(spec.source ?? {}, 'spec.source'),
    ...checked('spec.nodeName', spec.nodeName ?? '', isDns1123Subdomain),
    ...validateStatus(status, 'status'),
  ]
}

/** The rules of updates, also of the status. */
export const validateAttachmentUpdate = (
  attachment: StorageV1VolumeAttachment,
  old: StorageV1VolumeAttachment,
  context: WriteContext,
): FieldError[] => [...validateAttachment(attachment), ...immutableStruct('spec', attachment.spec, old.spec, SPEC, context)]

const ONE_SOURCE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

function validateSource(source: StorageV1VolumeAttachmentSource, path: string): FieldError[] {
  const { inlineVolumeSpec: volume, persistentVolumeName: name } = source
  if (!volume && name === undefined) return [required(path, ONE_SOURCE)]
  if (name === undefined) return volume ? validateInlineVolume(volume, `${path}.inlineVolumeSpec`) : []
  const errors: FieldError[] = []
  if (volume) errors.push(forbiddenField(path, ONE_SOURCE))
  else if (!name) errors.push(required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName'))
  return [...errors, ...checked(`${path}.persistentVolumeName`, name, isDns1123Subdomain)]
}

const MAX_METADATA = 256 * 1024
const MAX_MESSAGE = 1024
const MAX_INT32 = 2 ** 31 - 1

function validateStatus(
  { attachmentMetadata, attachError, detachError }: StorageV1VolumeAttachmentStatus,
  path: string,
): FieldError[] {
  const size = Object.entries(attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + byteLength(key) + byteLength(value),
    0,
  )
  return [
    ...(size > MAX_METADATA ? [tooLong(`${path}.attachmentMetadata`, MAX_METADATA)] : []),
    ...(attachError ? validateError(attachError, `${path}.attachError`) : []),
    ...(detachError ? validateError(detachError, `${path}.detachError`) : []),
  ]
}

function validateError({ message = '', errorCode }: StorageV1VolumeError, path: string): FieldError[] {
  // The reference names the other limit.
  const errors = byteLength(message) > MAX_MESSAGE ? [tooLong(`${path}.message`, MAX_METADATA)] : []
  if (errorCode !== undefined && errorCode < 0) {
    errors.push(invalid(`${path}.errorCode`, errorCode, inclusiveRangeError(0, MAX_INT32)))
  }
  return errors
}
