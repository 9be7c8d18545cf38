import { GoJsonError, parseJson } from '../machinery/go-json.ts'
import { isObject, type Json } from '../machinery/json.ts'
import { badRequest, type StatusError } from '../machinery/status.ts'
import type { ContinueToken } from './versions.ts'

const VERSION = 'meta.k8s.io/v1'

const refuse = (cause: string): StatusError => badRequest(`invalid continue token: continue key is not valid: ${cause}`)

/** @throws StatusError 400 */
export function decodeContinue(text: string): ContinueToken {
  const bad = text.search(/[^A-Za-z0-9_-]/)
  const fault = bad >= 0 ? bad : text.length % 4 === 1 ? text.length - 1 : -1
  if (fault >= 0) throw refuse(`illegal base64 data at input byte ${fault}`)
  const token = parsed(Buffer.from(text, 'base64url'))
  if (token.v !== VERSION) throw refuse(`server does not recognize this encoded version ${token.v}`)
  if (token.rv === 0) throw refuse(`incorrect encoded start resourceVersion (version ${VERSION})`)
  if (token.start === '') throw refuse(`encoded start key empty (version ${VERSION})`)
  const start = token.start.startsWith('/') ? token.start : `/${token.start}`
  if (normalized(start) !== start) throw refuse(token.start)
  return { version: token.rv, start: token.start }
}

function parsed(bytes: Buffer): { v: string; rv: number; start: string } {
  let value: Json
  try {
    value = parseJson(bytes)
  } catch (error) {
    if (error instanceof GoJsonError) throw refuse(error.message)
    throw error
  }
  if (value === null) value = {}
  if (!isObject(value)) throw refuse(`json: cannot unmarshal ${jsonType(value)} into Go value of type storage.continueToken`)
  const { v = '', rv = 0, start = '' } = value
  if (typeof v !== 'string')
    throw refuse(`json: cannot unmarshal ${jsonType(v)} into Go struct field continueToken.v of type string`)
  if (typeof rv !== 'number')
    throw refuse(`json: cannot unmarshal ${jsonType(rv)} into Go struct field continueToken.rv of type int64`)
  if (typeof start !== 'string')
    throw refuse(`json: cannot unmarshal ${jsonType(start)} into Go struct field continueToken.start of type string`)
  return { v, rv, start }
}

function jsonType(value: Json): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value
}

/** The key with `.`, `..` and repeated slashes resolved: a token must not lead out of its prefix. */
function normalized(path: string): string {
  const out: string[] = []
  const parts = path.split('/')
  for (const [i, part] of parts.entries()) {
    if (part === '..') out.pop()
    else if (part !== '.' && (part !== '' || i === 0 || i === parts.length - 1)) out.push(part)
  }
  return out.join('/')
}
