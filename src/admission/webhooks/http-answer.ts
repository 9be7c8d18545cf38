import { isObject, type JsonObject } from '../../machinery/json.ts'

/** What a webhook's server sent back. */
export interface HttpAnswer {
  readonly code: number
  readonly body: string
  readonly type?: string | undefined
}

const MAX_TEXT = 2048

/** What the reference's client says of codes, whatever the server adds. */
const MESSAGES: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}

/** Why an answer is none, in the words of the reference's client; undefined for one that can be read. */
export function answerError({ code, body, type = '' }: HttpAnswer): string | undefined {
  if (code >= 200 && code <= 206) return undefined
  const status = statusIn(body)
  if (status) return String(status.message ?? 'unknown')
  const fixed = MESSAGES[code]
  if (fixed) return fixed
  const text = type.startsWith('text/') ? body.slice(0, MAX_TEXT).trim() : 'unknown'
  if (code === 403 || code === 406 || code === 415) return text
  if (code >= 500) return `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
  return `the server responded with the status code ${code} but did not return more information`
}

/** The server may have said why with a Status of its own. */
function statusIn(body: string): JsonObject | undefined {
  if (!body.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) && value.kind === 'Status' && value.status !== 'Success' ? value : undefined
  } catch {
    return undefined
  }
}
