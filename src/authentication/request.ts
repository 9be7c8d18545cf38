import { unauthorized } from '../machinery/status.ts'
import { ANONYMOUS, type UserInfo } from '../machinery/user.ts'
import { AuthenticatedGroup } from './authenticated-group.ts'
import { type Authenticator, type Credentials, Union } from './authenticator.ts'

export interface RequestAuthenticatorOptions {
  /** In order: request headers, x509, bearer token, token in a WebSocket protocol, as far as they are configured. */
  authenticators: readonly Authenticator<Credentials>[]
  /** Whether requests without credentials are let in as system:anonymous, by their path (`--anonymous-auth`). */
  anonymous: (path: string) => boolean
  /** Told why credentials were refused. The reason is for the log alone. */
  onRefused?: (reason: unknown) => void
}

/** Tells who sends a request: the first of the configured ways that knows, or anonymous. */
export class RequestAuthenticator {
  readonly #union: Union<Credentials>
  readonly #anonymous: (path: string) => boolean
  readonly #onRefused: ((reason: unknown) => void) | undefined
  readonly #group = new AuthenticatedGroup()

  constructor(options: RequestAuthenticatorOptions) {
    this.#union = new Union('request', options.authenticators)
    this.#anonymous = options.anonymous
    this.#onRefused = options.onRefused
  }

  /**
   * @returns the user, `ANONYMOUS` without credentials; a promise only when an authenticator had to wait
   * @throws StatusError 401 (or rejects with it) for bad credentials on any path, and for none when anonymous requests
   *   aren't let in
   */
  authenticate(request: Credentials): UserInfo | Promise<UserInfo> {
    try {
      const outcome = this.#union.authenticate(request)
      return outcome instanceof Promise ? this.#wait(outcome, request.path) : this.#accept(outcome, request.path)
    } catch (error) {
      throw this.#refuse(error)
    }
  }

  async #wait(outcome: Promise<UserInfo | undefined>, path: string): Promise<UserInfo> {
    try {
      return this.#accept(await outcome, path)
    } catch (error) {
      throw this.#refuse(error)
    }
  }

  #accept(user: UserInfo | undefined, path: string): UserInfo {
    if (user) return this.#group.of(user)
    if (this.#anonymous(path)) return ANONYMOUS
    throw new Error('no credentials, and anonymous requests are not allowed')
  }

  #refuse(reason: unknown): Error {
    this.#onRefused?.(reason)
    return unauthorized()
  }
}
