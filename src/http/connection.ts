import type { Transport } from '../machinery/exchange.ts'
import type { Gzip } from './gzip.ts'
import type { HttpLimits } from './limits.ts'

/** What both protocols need from the server. */
export interface Shared {
  readonly limits: Readonly<HttpLimits>
  readonly gzip: Gzip | undefined
  /** Resolves for all who wait at once: requests that came in together go on together. */
  gather(): Promise<void>
  /** Hands a request to the application, together with others that come in just now. Never throws. */
  dispatch(transport: Transport): void
  /** One request is done, whether it was answered or its client went away. */
  answered(): void
}

/** An open connection, past its TLS handshake. */
export interface Connection {
  /** Answers what is in flight, then closes; at once when nothing is. */
  leave(): void
}
