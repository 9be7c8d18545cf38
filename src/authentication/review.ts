import { ANONYMOUS, type UserInfo } from '../machinery/user.ts'
import { AuthenticatedGroup } from './authenticated-group.ts'
import { bearerToken, INVALID_TOKEN } from './bearer.ts'
import { PresentedToken, type TokenAuthenticator } from './token.ts'

export interface Review {
  /** Unset when the token is nobody's. */
  readonly user?: UserInfo
  /** Those of the wanted audiences that the token is for. */
  readonly audiences: readonly string[]
  /** Why it is no good, fit to be shown; empty when nothing went wrong. */
  readonly error: string
}

/** Tells whose a token is that came in a body, by the same rules as if it had come in a request's header. */
export class TokenReviews {
  readonly #tokens: TokenAuthenticator
  readonly #anonymous: boolean
  readonly #group = new AuthenticatedGroup()

  /** @param anonymous whether requests without a token are let in */
  constructor(tokens: TokenAuthenticator, anonymous: boolean) {
    this.#tokens = tokens
    this.#anonymous = anonymous
  }

  /** @param audiences those that the token must be for one of; empty for the server's own */
  async review(token: string, audiences: readonly string[]): Promise<Review> {
    const found = bearerToken({ authorization: `Bearer ${token}`, warn: () => {} })
    if (found === undefined) return this.#anonymous ? { user: ANONYMOUS, audiences, error: '' } : { audiences: [], error: '' }
    try {
      const identity = await this.#tokens.authenticate(new PresentedToken(found, audiences.length > 0 ? audiences : undefined))
      if (!identity) return { audiences: [], error: INVALID_TOKEN }
      return { user: this.#group.of(identity.user), audiences: identity.audiences, error: '' }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // The reference asks twice, and the first to be asked knows no tokens but the server's own.
      return { audiences: [], error: `[${INVALID_TOKEN}, ${reason.replace(/^\[(.*)\]$/s, '$1')}]` }
    }
  }
}
