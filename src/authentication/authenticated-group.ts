import { ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS_USER, type UserInfo } from '../machinery/user.ts'

/** Puts users in system:authenticated: one object for each that an authenticator returns. */
export class AuthenticatedGroup {
  readonly #known = new WeakMap<UserInfo, UserInfo>()

  of(user: UserInfo): UserInfo {
    const known = this.#known.get(user)
    if (known) return known
    const asItIs =
      user.name === ANONYMOUS_USER || user.groups.includes(ALL_AUTHENTICATED) || user.groups.includes(ALL_UNAUTHENTICATED)
    const result = asItIs ? user : { ...user, groups: [...user.groups, ALL_AUTHENTICATED] }
    this.#known.set(user, result)
    return result
  }
}
