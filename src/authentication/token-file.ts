import { readFile } from 'node:fs/promises'
import { parseCsv } from './csv.ts'
import { forAnyAudience, PresentedToken, type TokenAuthenticator, type TokenIdentity } from './token.ts'

/**
 * Authenticates by the static tokens of a file: `token,user,uid` and, optionally, `"group1,group2"`. Further columns are
 * ignored; an empty token is skipped and of a repeated one the last counts, both with a warning.
 *
 * @param path `--token-auth-file`; it is read once
 * @param audiences the server's own
 * @param warn told what is odd about the file
 * @throws Error in the reference's words when the file can't be read, is no CSV, or has a record with too few columns
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
export async function tokenFile(
  path: string,
  audiences: readonly string[],
  warn: (text: string) => void,
): Promise<TokenAuthenticator> {
  const text = await readFile(path, 'utf8').catch(unreadable(path))
  const known = parseTokens(path, text, audiences, warn)
  return {
    name: 'token-file',
    authenticate(token) {
      const identity = known.get(token.digest)
      return identity && forAnyAudience(identity, token.audiences)
    },
  }
}

function parseTokens(
  path: string,
  text: string,
  audiences: readonly string[],
  warn: (text: string) => void,
): Map<string, TokenIdentity> {
  const known = new Map<string, TokenIdentity>()
  let number = 0
  for (const record of parseCsv(text)) {
    number++
    const [token, name, uid, groups] = record
    if (token === undefined || name === undefined || uid === undefined) {
      throw new Error(`token file '${path}' must have at least 3 columns (token, user name, user uid), found ${record.length}`)
    }
    if (token === '') {
      warn(`empty token has been found in token file '${path}', record number '${number}'`)
      continue
    }
    const key = new PresentedToken(token).digest
    if (known.has(key)) warn(`duplicate token has been found in token file '${path}', record number '${number}'`)
    const user = { name, uid, groups: groups === undefined ? [] : groups.split(','), extra: {} }
    known.set(key, { user, audiences })
  }
  return known
}

const unreadable =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    const reason = error.code === 'ENOENT' ? 'no such file or directory' : error.message
    throw new Error(`open ${path}: ${reason}`, { cause: error })
  }
