export type AnswerHeaders = Record<string, string | string[]>

/**
 * A copy whose values may be sent: line breaks and other control characters become spaces, and text beyond ASCII is sent
 * as UTF-8, which is what Go does.
 */
export function fitHeaders(headers: AnswerHeaders): AnswerHeaders {
  const fit: AnswerHeaders = {}
  for (const name in headers) {
    const value = headers[name]!
    fit[name] = typeof value === 'string' ? fitValue(value) : value.map(fitValue)
  }
  return fit
}

function fitValue(value: string): string {
  if (!/[^\t\x20-\x7e]/.test(value)) return value
  return Buffer.from(value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' '), 'utf8').toString('latin1')
}

/** Whether an answer of this status has no body at all. */
export const bodiless = (code: number): boolean => code === 204 || code === 304 || code < 200
