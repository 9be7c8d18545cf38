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
      const outcome = tokens.authenticate(new PresentedToken(token, undefined, request.warn))
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

/** The token in a request's Authorization header; undefined when there is none. */
export function bearerToken(request: Pick<Credentials, 'authorization' | 'warn'>): string | undefined {
  const { authorization } = request
  const header = typeof authorization === 'string' ? authorization : authorization?.[0]
  if (!header) return undefined
  const words = trim(header).split(' ', 3)
  if (words.length < 2 || words[0]!.toLowerCase() !== 'bearer') return undefined
  if (words[1] === '') {
    request.warn(EXTRA_SPACE)
    return undefined
  }
  return utf8(words[1]!)
}

/** Removes blanks at both ends. Not `trim()`: it also takes U+00A0, which in a header is one byte of a longer character. */
const trim = (header: string): string => header.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '')
