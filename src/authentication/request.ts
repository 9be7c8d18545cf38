import { unauthorized } from '../machinery/status.ts'
import { ANONYMOUS, type UserInfo } from '../machinery/user.ts'
import { AuthenticatedGroup } from './authenticated-group.ts'
import { type Authenticator, type Credentials, Union } from './authenticator.ts'
import { type AuthenticationMetrics, NO_METRICS } from './metrics.ts'

export interface RequestAuthenticatorOptions {
  /** In order: request headers, x509, bearer token, token in a WebSocket protocol, as far as they are configured. */
  authenticators: readonly Authenticator<Credentials>[]
  /** Whether requests without credentials are let in as system:anonymous, by their path (`--anonymous-auth`). */
  anonymous: (path: string) => boolean
  /** Told why credentials were refused. The reason is for the log alone. */
  onRefused?: (reason: unknown) => void
  metrics?: AuthenticationMetrics
}

/** Labels are made once: every request is counted. */
const SUCCESS = Object.freeze({ result: 'success' })
const FAILURE = Object.freeze({ result: 'failure' })
const ERROR = Object.freeze({ result: 'error' })
const KNOWN_USERS = new Map(
  ['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default'].map((username) => [
    username,
    Object.freeze({ username }),
  ]),
)
const EMAIL = Object.freeze({ username: 'email_id' })
const OTHER = Object.freeze({ username: 'other' })

/** There may be any number of users: only a few are counted by their names. */
const userLabel = (name: string): Readonly<Record<string, string>> =>
  KNOWN_USERS.get(name) ?? (name.includes('@') ? EMAIL : OTHER)

/** Tells who sends a request: the first of the configured ways that knows, or anonymous. */
export class RequestAuthenticator {
  readonly #union: Union<Credentials>
  readonly #anonymous: (path: string) => boolean
  readonly #onRefused: ((reason: unknown) => void) | undefined
  readonly #metrics: AuthenticationMetrics
  readonly #group = new AuthenticatedGroup()

  constructor(options: RequestAuthenticatorOptions) {
    this.#union = new Union('request', options.authenticators)
    this.#anonymous = options.anonymous
    this.#onRefused = options.onRefused
    this.#metrics = options.metrics ?? NO_METRICS
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
    if (!user && !this.#anonymous(path)) throw new NoCredentialsError()
    const accepted = user ? this.#group.of(user) : ANONYMOUS
    this.#metrics.count('authentication_attempts', SUCCESS)
    this.#metrics.count('authenticated_user_requests', userLabel(accepted.name))
    return accepted
  }

  #refuse(reason: unknown): Error {
    this.#metrics.count('authentication_attempts', reason instanceof NoCredentialsError ? FAILURE : ERROR)
    this.#onRefused?.(reason)
    return unauthorized()
  }
}

class NoCredentialsError extends Error {
  constructor() {
    super('no credentials, and anonymous requests are not allowed')
  }
}
