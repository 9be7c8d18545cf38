import type { UserInfo } from '../machinery/user.ts'

/** The question that certificate plugins ask the authorizers. */
export interface SignerAccess {
  /** Whether a user may do `verb` to this object of the resource `signers` in certificates.k8s.io, which nobody stores. */
  allowed(user: UserInfo, verb: 'approve' | 'sign', name: string): Promise<boolean>
}

/**
 * Rights are given for a signer by its whole name (`example.com/mine`) or for all of its domain (`example.com/*`).
 * https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
 */
export async function permitted(
  access: SignerAccess,
  user: UserInfo,
  verb: 'approve' | 'sign',
  signerName: string,
): Promise<boolean> {
  if (await access.allowed(user, verb, signerName)) return true
  return await access.allowed(user, verb, `${signerName.split('/', 1)[0]}/*`)
}

export const CERTIFICATES = 'certificates.k8s.io'
export const REQUESTS = 'certificatesigningrequests'
