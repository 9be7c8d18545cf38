import type { CoreV1Service } from '../generated/types.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'

/**
 * Services get no external IPs that they don't have already: whoever may set them can take over the traffic for any address.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
 */
export const denyServiceExternalIPs: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes) {
    if (!isFor(attributes, 'services')) return
    const wanted = (attributes.object as CoreV1Service).spec?.externalIPs
    if (!wanted?.length) return
    const had = (attributes.oldObject as CoreV1Service | undefined)?.spec?.externalIPs ?? []
    if (!wanted.every((address) => had.includes(address)))
      throw refusal(attributes, 'Use of external IPs is denied by admission control')
  },
}
