const POLICIES: ReadonlySet<string> = new Set([
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
])
const AUTHENTICATION: ReadonlySet<string> = new Set(['selfsubjectreviews', 'tokenreviews'])
const AUTHORIZATION: ReadonlySet<string> = new Set([
  'localsubjectaccessreviews',
  'selfsubjectaccessreviews',
  'selfsubjectrulesreviews',
  'subjectaccessreviews',
])

/** What no policy applies to: policies themselves, so that a bad one can be removed, and the reviews without which nothing works. */
export function isBeyondPolicies({ group, resource }: { group: string; resource: string }): boolean {
  switch (group) {
    case 'admissionregistration.k8s.io':
      return POLICIES.has(resource)
    case 'authentication.k8s.io':
      return AUTHENTICATION.has(resource)
    case 'authorization.k8s.io':
      return AUTHORIZATION.has(resource)
  }
  return false
}
