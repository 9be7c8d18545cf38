import type { SelectorRequirement } from '../authorization/attributes.ts'
import type { RbacV1PolicyRule, RbacV1RoleRef } from '../generated/types.ts'
import type { UserInfo } from '../machinery/user.ts'

export type { SelectorRequirement }

/** What somebody wants to do, as authorizers judge it. */
export interface AccessAttributes {
  readonly user: UserInfo
  readonly verb: string
  /** Set for paths that are no resources; the fields below are empty then. */
  readonly path?: string
  readonly group: string
  /** `*` when the asker named none. */
  readonly version: string
  readonly resource: string
  readonly subresource: string
  /** Empty for all names. */
  readonly name: string
  /** Empty for cluster-scoped resources and for all namespaces. */
  readonly namespace: string
  readonly fieldSelector?: readonly SelectorRequirement[]
  readonly labelSelector?: readonly SelectorRequirement[]
}

/** No opinion of all authorizers is neither allowed nor denied. */
export interface AccessDecision {
  readonly allowed: boolean
  /** Somebody said no, which ends the question. */
  readonly denied: boolean
  /** Empty when there is none. */
  readonly reason: string
  /** What went wrong on the way; empty when nothing did. */
  readonly error: string
}

export interface ResourceAccessRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

export interface PathAccessRule {
  readonly verbs: readonly string[]
  readonly paths: readonly string[]
}

export interface AccessRules {
  readonly resourceRules: readonly ResourceAccessRule[]
  readonly pathRules: readonly PathAccessRule[]
  /** There may be more that the authorizers can't list. */
  readonly incomplete: boolean
  readonly error: string
}

/** The rules that somebody holds by roles and bindings. */
export interface HeldRules {
  readonly rules: readonly RbacV1PolicyRule[]
  /** Names of roles that bindings name and that don't exist. */
  readonly missingRoles: readonly string[]
}

export interface TokenOutcome {
  /** Unset when the token is nobody's. */
  readonly user?: UserInfo
  /** Those of the asked audiences that the token is for. */
  readonly audiences: readonly string[]
  /** Why the token is no good, fit to be shown; empty when nothing went wrong. */
  readonly error: string
}

/** The server's own authenticator and authorizers, for the kinds that ask them a question. */
export interface AccessReviewer {
  authorize(attributes: AccessAttributes): Promise<AccessDecision>
  /** What a user may do in a namespace, as far as it can be listed. */
  rulesFor(user: UserInfo, namespace: string): Promise<AccessRules>
  /** What roles give a user, whatever the other authorizers say. @param namespace empty for what holds in all of them */
  heldRules(user: UserInfo, namespace: string): HeldRules
  /** The rules of the role that a binding in this namespace names; undefined when there is none, or it can't be named. */
  roleRules(ref: RbacV1RoleRef, namespace: string): readonly RbacV1PolicyRule[] | undefined
  /** @param audiences empty for the server's own */
  authenticateToken(token: string, audiences: readonly string[]): Promise<TokenOutcome>
}
