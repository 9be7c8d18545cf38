import type { UserInfo } from '../machinery/user.ts'

/** Characters of a header's name that may stand there as they are; the percent sign begins an escape. */
const PLAIN = /[!#$&'*+\-.^_`|~0-9A-Za-z]/

/** Headers by which we tell a server who a user is: what clients say in them isn't passed on. */
export const isUserHeader = (name: string): boolean =>
  name === 'x-remote-user' || name === 'x-remote-uid' || name === 'x-remote-group' || name.startsWith('x-remote-extra-')

/**
 * Says who a user is, as a front proxy does.
 *
 * @throws Error when a name has characters that no header can have: another name must not come of it
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
 */
export function userHeaders({ name, uid, groups, extra }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': inUtf8('X-Remote-User', name) }
  if (uid) headers['x-remote-uid'] = inUtf8('X-Remote-Uid', uid)
  if (groups.length) headers['x-remote-group'] = groups.map((group) => inUtf8('X-Remote-Group', group))
  for (const [key, values] of Object.entries(extra)) {
    const header = `X-Remote-Extra-${escaped(key)}`
    headers[header.toLowerCase()] = values.map((value) => inUtf8(header, value))
  }
  return headers
}

/** In UTF-8, byte by byte. */
function inUtf8(header: string, text: string): string {
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) throw new Error(`net/http: invalid header field value for "${header}"`)
  return Buffer.from(text, 'utf8').toString('latin1')
}

function escaped(key: string): string {
  let text = ''
  for (const byte of Buffer.from(key, 'utf8')) {
    const character = String.fromCharCode(byte)
    text += PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
