/** Who sends a request, as authentication found out. Shared and immutable: one object may serve many requests. */
export interface UserInfo {
  readonly name: string
  /** Empty when the way of authentication has none. */
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** The group that may do anything. */
export const SYSTEM_PRIVILEGED_GROUP = 'system:masters'
export const ALL_AUTHENTICATED = 'system:authenticated'
export const ALL_UNAUTHENTICATED = 'system:unauthenticated'
export const ANONYMOUS_USER = 'system:anonymous'
export const NODES_GROUP = 'system:nodes'
export const NODE_USER_PREFIX = 'system:node:'
export const MONITORING_GROUP = 'system:monitoring'
export const API_SERVER_USER = 'system:apiserver'
export const KUBE_PROXY_USER = 'system:kube-proxy'
export const KUBE_CONTROLLER_MANAGER_USER = 'system:kube-controller-manager'
export const KUBE_SCHEDULER_USER = 'system:kube-scheduler'

/** The extra that names the credential itself, for audit: a certificate's hash, a token's `JTI=…`. */
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id'

/** Whoever sends no credentials. */
export const ANONYMOUS: UserInfo = Object.freeze({
  name: ANONYMOUS_USER,
  uid: '',
  groups: Object.freeze([ALL_UNAUTHENTICATED]),
  extra: Object.freeze({}),
})

/** The name of the node whose kubelet a user is; undefined for everybody else, empty when it can't be told. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(NODE_USER_PREFIX) && groups.includes(NODES_GROUP) ? name.slice(NODE_USER_PREFIX.length) : undefined
}
