import type { CoreV1Container, CoreV1Pod } from '../generated/types.ts'
import { notSupported } from '../machinery/field-errors.ts'
import { StatusError } from '../machinery/status.ts'
import { aggregatedMessage } from './aggregated-message.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'

type PodSpec = NonNullable<CoreV1Pod['spec']>

/**
 * Images are pulled for every pod, so that only those who may pull an image can use what others have brought to a node.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages
 */
export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  operations: ['CREATE', 'UPDATE'],
  admit(attributes) {
    const spec = specOf(attributes)
    if (!spec) return
    for (const [container] of containersOf(spec)) container.imagePullPolicy = 'Always'
    for (const { image } of spec.volumes ?? []) if (image) image.pullPolicy = 'Always'
  },
  validate(attributes) {
    const spec = specOf(attributes)
    if (!spec) return
    const messages: string[] = []
    const check = (path: string, policy = '') => {
      if (policy === 'Always') return
      const { field, message } = notSupported(path, policy, ['Always'])
      messages.push(refusal(attributes, `${field}: ${message}`).message)
    }
    for (const [{ imagePullPolicy }, path] of containersOf(spec)) check(`${path}.imagePullPolicy`, imagePullPolicy)
    spec.volumes?.forEach(({ image }, i) => {
      if (image) check(`spec.volumes[${i}].image.pullPolicy`, image.pullPolicy)
    })
    // Only another plugin can have brought this about, which is no fault of the client's.
    if (messages.length) throw new StatusError(500, '', aggregatedMessage(messages))
  },
}

/** Undefined where there are no images to be pulled that weren't before. */
function specOf(attributes: AdmissionAttributes): PodSpec | undefined {
  if (!isFor(attributes, 'pods')) return undefined
  const spec = (attributes.object as CoreV1Pod).spec ?? {}
  if (attributes.operation === 'CREATE') return spec
  const before = new Set(imagesOf((attributes.oldObject as CoreV1Pod | undefined)?.spec ?? {}))
  return imagesOf(spec).every((image) => before.has(image)) ? undefined : spec
}

const imagesOf = (spec: PodSpec): (string | undefined)[] => [
  ...containersOf(spec).map(([{ image }]) => image),
  ...(spec.volumes ?? []).flatMap(({ image }) => (image ? [image.reference] : [])),
]

function containersOf(spec: PodSpec): [CoreV1Container, path: string][] {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const
  return lists.flatMap((list) =>
    (spec[list] ?? []).map((container, i): [CoreV1Container, string] => [container, `spec.${list}[${i}]`]),
  )
}
