import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { UserInfo } from '../machinery/user.ts'
import type { Authenticator } from './authenticator.ts'
import { parseCsv } from './csv.ts'

/**
 * Authenticates by the static tokens of a file: `token,user,uid` and, optionally, `"group1,group2"`. Further columns are
 * ignored; an empty token is skipped and of a repeated one the last counts, both with a warning.
 *
 * @param path `--token-auth-file`; it is read once
 * @param warn told what is odd about the file
 * @throws Error in the reference's words when the file can't be read, is no CSV, or has a record with too few columns
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
export async function tokenFile(path: string, warn: (text: string) => void): Promise<Authenticator<string>> {
  const users = parseTokens(path, await readFile(path, 'utf8').catch(unreadable(path)), warn)
  return { name: 'token-file', authenticate: (token) => users.get(keyOf(token)) }
}

function parseTokens(path: string, text: string, warn: (text: string) => void): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>()
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
    const key = keyOf(token)
    if (users.has(key)) warn(`duplicate token has been found in token file '${path}', record number '${number}'`)
    users.set(key, { name, uid, groups: groups === undefined ? [] : groups.split(','), extra: {} })
  }
  return users
}

/**
 * What tokens are looked up by. A map compares what it finds byte by byte, and how long that takes tells how much of a
 * guess was right. Of a hash a guesser can't choose the bytes, so there is nothing to learn; nor do tokens stay in memory.
 */
const keyOf = (token: string): string => hash('sha256', token, 'base64')

const unreadable =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    const reason = error.code === 'ENOENT' ? 'no such file or directory' : error.message
    throw new Error(`open ${path}: ${reason}`, { cause: error })
  }
