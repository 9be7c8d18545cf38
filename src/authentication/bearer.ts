import type { UserInfo } from '../machinery/user.ts'
import type { Authenticator, Credentials, Outcome } from './authenticator.ts'
import { utf8 } from './header-values.ts'
import { PresentedToken, type TokenAuthenticator, type TokenIdentity } from './token.ts'

const EXTRA_SPACE = 'the provided Authorization header contains extra space before the bearer token, and is ignored'

/**
 * Authenticates by the bearer token in the Authorization header.
 *
 * As in the reference the scheme's case doesn't matter, exactly one space stands before the token, whatever follows the
 * token is ignored, and any other header (Basic, say) counts as none. A token that nobody knows is an error.
 *
 * @param tokens tells whose a token is, usually a Union of the ways that are configured
 */
export function bearer(tokens: TokenAuthenticator): Authenticator<Credentials> {
  return {
    name: 'bearer',
    authenticate(request: Credentials): Outcome {
      const token = bearerToken(request)
      if (token === undefined) return undefined
      const outcome = tokens.authenticate(new PresentedToken(token, undefined, request.warn, request.annotate))
      return outcome instanceof Promise ? outcome.then(known) : known(outcome)
    },
  }
}

/** What is said of a token that nobody knows. */
export const INVALID_TOKEN = 'invalid bearer token'

function known(identity: TokenIdentity | undefined): UserInfo {
  if (identity) return identity.user
  throw new Error(INVALID_TOKEN)
}

const SPACE = 32
const SCHEME = 'bearer'

/**
 * The token in a request's Authorization header; undefined when there is none. Tokens are long and come with every request,
 * so that each character is looked at as seldom as can be.
 */
export function bearerToken(request: Pick<Credentials, 'authorization' | 'warn'>): string | undefined {
  const { authorization } = request
  const header = typeof authorization === 'string' ? authorization : authorization?.[0]
  if (!header) return undefined
  let [start, end] = [0, header.length]
  while (start < end && isBlank(header.charCodeAt(start))) start++
  while (end > start && isBlank(header.charCodeAt(end - 1))) end--
  const after = start + SCHEME.length
  if (after >= end || header.charCodeAt(after) !== SPACE || header.slice(start, after).toLowerCase() !== SCHEME) return undefined
  const more = header.indexOf(' ', after + 1)
  const token = header.slice(after + 1, more < 0 || more > end ? end : more)
  if (token !== '') return utf8(token)
  request.warn(EXTRA_SPACE)
  return undefined
}

/** Not those that `trim()` takes: U+00A0 is one of them, and in a header one byte of a longer character. */
const isBlank = (code: number): boolean => code === SPACE || (code >= 9 && code <= 13)
