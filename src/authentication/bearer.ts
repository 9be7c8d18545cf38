import type { UserInfo } from '../machinery/user.ts'
import type { Authenticator, Credentials, Outcome } from './authenticator.ts'

const EXTRA_SPACE = 'the provided Authorization header contains extra space before the bearer token, and is ignored'

/**
 * Authenticates by the bearer token in the Authorization header.
 *
 * As in the reference the scheme's case doesn't matter, exactly one space stands before the token, whatever follows the
 * token is ignored, and any other header (Basic, say) counts as none. A token that nobody knows is an error.
 *
 * @param tokens tells whose a token is, usually a Union of the ways that are configured
 */
export function bearer(tokens: Authenticator<string>): Authenticator<Credentials> {
  return {
    name: 'bearer',
    authenticate(request: Credentials): Outcome {
      const token = bearerToken(request)
      if (token === undefined) return undefined
      const outcome = tokens.authenticate(token)
      return outcome instanceof Promise ? outcome.then(known) : known(outcome)
    },
  }
}

function known(user: UserInfo | undefined): UserInfo {
  if (user) return user
  throw new Error('invalid bearer token')
}

function bearerToken(request: Credentials): string | undefined {
  const { authorization } = request
  const header = typeof authorization === 'string' ? authorization : authorization?.[0]
  if (!header) return undefined
  const words = trim(header).split(' ', 3)
  if (words.length < 2 || words[0]!.toLowerCase() !== 'bearer') return undefined
  if (words[1] === '') {
    request.warn(EXTRA_SPACE)
    return undefined
  }
  return unicode(words[1]!)
}

/** Removes blanks at both ends. Not `trim()`: it also takes U+00A0, which in a header is one byte of a longer character. */
const trim = (header: string): string => header.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '')

/** Node gives header bytes as Latin-1; tokens are compared as what the bytes mean in UTF-8. */
const unicode = (token: string): string => (/[^\x00-\x7f]/.test(token) ? Buffer.from(token, 'latin1').toString('utf8') : token)
