import type { JsonObject } from '../machinery/json.ts'

/** Issues service account tokens. */
export interface TokenIssuer {
  /** The server's own audiences. */
  readonly audiences: readonly string[]
  /** Longest life of a token, in seconds; 0 for no bound (`--service-account-max-token-expiration`). */
  readonly maxExpirationSeconds: number
  /** How many seconds the usual tokens of pods really live; 0 for no more than was asked (`--service-account-extend-token-expiration`). */
  readonly extendedExpirationSeconds: number
  readonly uuid: () => string
  /** Signs claims; the issuer is added. */
  sign(claims: JsonObject): Promise<string>
}
