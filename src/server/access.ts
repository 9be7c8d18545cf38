import type { Authorizer } from '../authorization/authorizer.ts'
import type { AccessReviewer } from '../registry/access.ts'

/** Answers questions about access with the server's own authorizers. */
export function accessReviewer(_authorizer: Authorizer): AccessReviewer {
  return {} as AccessReviewer
}
