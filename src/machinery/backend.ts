import type { Duplex, Readable } from 'node:stream'

/** Where a server listens. */
export interface BackendAddress {
  readonly host: string
  readonly port: number
}

export type BackendHeaders = Record<string, string | string[]>

/** A request to another server, ready to be sent. */
export interface BackendRequest {
  readonly method: string
  /** Path and query, escaped. */
  readonly path: string
  /** Lower-case names, without what belongs to a connection; values may be sent as they are. */
  readonly headers: BackendHeaders
  /** Undefined for none. */
  readonly body?: Readable | undefined
  /** Ends the request, at any time until its answer is complete. */
  readonly signal?: AbortSignal | undefined
}

export interface BackendAnswer {
  readonly code: number
  /** Lower-case names. */
  readonly headers: BackendHeaders
  /** To be read to its end, or destroyed. */
  readonly body: Readable
}

/** A connection on which the other side speaks another protocol from now on. */
export interface BackendUpgrade {
  readonly code: 101
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[]
  readonly socket: Duplex
  /** What came of the other protocol already. */
  readonly head: Buffer
}

/** A server that this one calls, at any of several addresses, over connections that are kept. */
export interface Backend {
  /** @throws Error (rejects) when there is no answer, in the words of Go's HTTP client */
  request(address: BackendAddress, request: BackendRequest): Promise<BackendAnswer>
  /** Asks for another protocol by the headers `connection` and `upgrade`. @throws Error (rejects) as `request` does */
  upgrade(address: BackendAddress, request: BackendRequest): Promise<BackendUpgrade | BackendAnswer>
  /** Lets go of what isn't in use; what is, ends by itself. */
  close(): void
}

/** An address as it stands in URLs and Host headers. */
export function hostPort({ host, port }: BackendAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
