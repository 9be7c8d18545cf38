import type { CertificatesV1CertificateSigningRequest } from '../generated/types.ts'
import { requestSubject } from './certificate-request.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'
import { CERTIFICATES, REQUESTS } from './signers.ts'

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'
const PRIVILEGED_GROUP = 'system:masters'

/**
 * Nobody gets a client certificate of the group that may do everything.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction
 */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  operations: ['CREATE'],
  validate(attributes) {
    if (!isFor(attributes, REQUESTS, CERTIFICATES)) return
    const { spec } = attributes.object as CertificatesV1CertificateSigningRequest
    if (spec?.signerName !== CLIENT_SIGNER) return
    const subject = requestSubject(spec.request ?? '')
    if (!subject) throw refusal(attributes, 'failed to parse CSR: asn1: syntax error: data truncated')
    if (subject.organizations.includes(PRIVILEGED_GROUP))
      throw refusal(attributes, `use of ${CLIENT_SIGNER} signer with ${PRIVILEGED_GROUP} group is not allowed`)
  },
}
