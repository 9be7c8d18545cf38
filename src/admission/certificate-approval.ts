import type { CertificatesV1CertificateSigningRequest } from '../generated/types.ts'
import { quote } from '../machinery/field-errors.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { refusal } from './refusal.ts'
import { CERTIFICATES, permitted, REQUESTS, type SignerAccess } from './signers.ts'

/**
 * Who approves or denies a certificate needs the right to do so for its signer.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificateapproval
 */
export function certificateApproval(access: SignerAccess): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    operations: ['UPDATE'],
    validate(attributes) {
      const { resource, subresource, oldObject, user } = attributes
      if (resource.resource !== REQUESTS || resource.group !== CERTIFICATES || subresource !== 'approval') return
      const signer = (oldObject as CertificatesV1CertificateSigningRequest).spec?.signerName ?? ''
      return permitted(access, user, 'approve', signer).then((yes) => {
        if (!yes) throw refusal(attributes, `user not permitted to approve requests with signerName ${quote(signer)}`)
      })
    },
  }
}
