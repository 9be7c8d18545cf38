import { isObject, type JsonObject } from '../../machinery/json.ts'
import { badRequest, internalError, type StatusDetails, StatusError } from '../../machinery/status.ts'

/** A webhook could not be asked, or didn't answer as it should: its failure policy says what that means. */
export class CallError extends Error {
  override name = 'CallError'
}

/** A webhook says no. */
export class Denial extends StatusError {
  override name = 'Denial'
}

/** A refusal by a webhook, which may say of it what it likes, except that it is none. */
export function deniedBy(webhook: string, status: JsonObject | undefined): Denial {
  const { code, reason, message, details } = status ?? {}
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const why = text(message) || text(reason)
  return new Denial(
    isRefusal(code) ? code : 400,
    text(reason),
    why ? `${by}: ${why}` : `${by} without explanation`,
    isObject(details) ? (details as StatusDetails) : undefined,
  )
}

/** Whether a status code refuses, and can be sent at all. */
const isRefusal = (code: unknown): code is number => Number.isInteger(code) && Number(code) >= 400 && Number(code) <= 999

/** The 500 for a webhook that failed and doesn't let its failures pass. */
export function failedClosed(webhook: string, error: CallError): StatusError {
  return internalError(`failed calling webhook ${JSON.stringify(webhook)}: ${error.message}`)
}

/** The 400 for a dry run that a webhook could make real. */
export function noDryRun(webhook: string): StatusError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`)
}
