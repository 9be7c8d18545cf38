import { hash } from 'node:crypto'
import type { UserInfo } from '../machinery/user.ts'
import type { Authenticator } from './authenticator.ts'

/** A bearer token as somebody presents it. */
export class PresentedToken {
  readonly text: string
  /** The audiences of which it must be meant for one; undefined for the server's own. */
  readonly audiences: readonly string[] | undefined
  /** Adds a Warning header to the answer. */
  readonly warn: ((text: string) => void) | undefined
  /** Adds an annotation to the request's audit events, where there are any. */
  readonly annotate: ((key: string, value: string) => void) | undefined
  #digest: string | undefined

  constructor(
    text: string,
    audiences?: readonly string[],
    warn?: (text: string) => void,
    annotate?: (key: string, value: string) => void,
  ) {
    this.text = text
    this.audiences = audiences
    this.warn = warn
    this.annotate = annotate
  }

  /**
   * What tokens are looked up by. A map compares what it finds byte by byte, and how long that takes tells how much of a
   * guess was right. Of a hash a guesser can't choose the bytes, so there is nothing to learn; nor do tokens stay in memory.
   */
  get digest(): string {
    this.#digest ??= hash('sha256', this.text, 'base64')
    return this.#digest
  }
}

/** Whose a token is. One object serves every use of the token, as far as that can be. */
export interface TokenIdentity {
  readonly user: UserInfo
  /** Those of the wanted audiences that the token is for. */
  readonly audiences: readonly string[]
}

/** One way to tell whose a token is. */
export type TokenAuthenticator = Authenticator<PresentedToken, TokenIdentity>

/** The audiences that are in both, in the order of the second. */
export const common = (audiences: readonly string[], wanted: readonly string[]): readonly string[] =>
  audiences === wanted ? wanted : wanted.filter((audience) => audiences.includes(audience))

/**
 * For tokens that are meant for no audience in particular: they are good for the server's own.
 *
 * @param identity with the server's own audiences
 * @returns undefined when others are wanted
 */
export function forAnyAudience(identity: TokenIdentity, wanted: readonly string[] | undefined): TokenIdentity | undefined {
  if (wanted === undefined) return identity
  const audiences = common(identity.audiences, wanted)
  return audiences.length > 0 ? { user: identity.user, audiences } : undefined
}
