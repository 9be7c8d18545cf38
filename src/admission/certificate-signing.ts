import type { CertificatesV1CertificateSigningRequest } from '../generated/types.ts'
import { quote } from '../machinery/field-errors.ts'
import { equal } from '../machinery/json.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { refusal } from './refusal.ts'
import { CERTIFICATES, permitted, REQUESTS, type SignerAccess } from './signers.ts'

/**
 * Who issues a certificate, or says that there will be none, needs the right to sign for its signer.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesigning
 */
export function certificateSigning(access: SignerAccess): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    operations: ['UPDATE'],
    validate(attributes) {
      const { resource, subresource, object, oldObject, user } = attributes
      if (resource.resource !== REQUESTS || resource.group !== CERTIFICATES || subresource !== 'status') return
      const old = oldObject as CertificatesV1CertificateSigningRequest
      const { certificate = '', conditions = [] } = (object as CertificatesV1CertificateSigningRequest).status ?? {}
      if (certificate === (old.status?.certificate ?? '') && equal(conditions, old.status?.conditions ?? [])) return
      const signer = old.spec?.signerName ?? ''
      return permitted(access, user, 'sign', signer).then((yes) => {
        if (!yes) throw refusal(attributes, `user not permitted to sign requests with signerName ${quote(signer)}`)
      })
    },
  }
}
