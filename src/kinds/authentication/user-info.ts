import type { AuthenticationV1UserInfo } from '../../generated/types.ts'
import type { UserInfo } from '../../machinery/user.ts'

/** A user in the API's form, in which what is empty is left out and extras are sorted by name. */
export function userInfoOf(user: UserInfo): AuthenticationV1UserInfo {
  const extras = Object.keys(user.extra).sort()
  return {
    ...(user.name ? { username: user.name } : {}),
    ...(user.uid ? { uid: user.uid } : {}),
    ...(user.groups.length ? { groups: [...user.groups] } : {}),
    ...(extras.length ? { extra: Object.fromEntries(extras.map((name) => [name, [...(user.extra[name] ?? [])]])) } : {}),
  }
}
