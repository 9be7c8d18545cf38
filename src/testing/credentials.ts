import type { Credentials } from '../authentication/authenticator.ts'

/**
 * What authenticators are shown of a request.
 *
 * @param headers names and values in turn, as sent; Authorization may be among them
 */
export function credentialsOf(given: Partial<Credentials> = {}, headers: readonly string[] = []): Credentials {
  const authorization = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')
  return {
    authorization: authorization < 0 ? undefined : headers[authorization + 1],
    path: '/api',
    tls: undefined,
    headers: {},
    rawHeaders: headers,
    warn: () => {},
    ...given,
  }
}
