import { isDns1123Label, isDns1123Subdomain } from '../../machinery/validation.ts'

const PREFIX = 'system:serviceaccount:'
const ALL_ACCOUNTS = 'system:serviceaccounts'

/** The user name of a service account. */
export const accountUser = (namespace: string, name: string): string => `${PREFIX}${namespace}:${name}`

/** The groups that a service account is in, besides system:authenticated. */
export const accountGroups = (namespace: string): string[] => [ALL_ACCOUNTS, `${ALL_ACCOUNTS}:${namespace}`]

/** The service account that a user name means; undefined when it is none. */
export function accountOf(user: string): { namespace: string; name: string } | undefined {
  if (!user.startsWith(PREFIX)) return undefined
  const parts = user.slice(PREFIX.length).split(':')
  if (parts.length !== 2) return undefined
  const [namespace, name] = parts as [string, string]
  return isDns1123Label(namespace).length > 0 || isDns1123Subdomain(name).length > 0 ? undefined : { namespace, name }
}
