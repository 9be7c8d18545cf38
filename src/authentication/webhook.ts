import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import type { UserInfo } from '../machinery/user.ts'
import { type AuthenticationMetrics, NO_METRICS } from './metrics.ts'
import { common, type PresentedToken, type TokenAuthenticator, type TokenIdentity } from './token.ts'

export interface WebhookDeps {
  /** Sends a TokenReview and gives the answer, parsed. Rejects when there is none. */
  review(review: JsonObject): Promise<Json>
  /** `v1` or `v1beta1`. */
  version: string
  /** The server's own audiences. */
  audiences: readonly string[]
  /** How long answers are remembered, in ms. */
  ttl: number
  /** ms since the epoch. */
  clock: () => number
  /** How many answers are remembered. */
  remembered?: number
  metrics?: AuthenticationMetrics
}

interface Answer {
  /** Undefined when the token is nobody's. */
  readonly identity: TokenIdentity | undefined
  readonly until: number
}

/**
 * Asks another server whose a token is. Its answers, good and bad, are remembered for a while; failures to answer aren't.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication
 */
export class WebhookTokens implements TokenAuthenticator {
  readonly name = 'webhook'
  readonly #deps: WebhookDeps
  readonly #metrics: AuthenticationMetrics
  readonly #answers = new Map<string, Answer>()
  readonly #pending = new Map<string, Promise<TokenIdentity | undefined>>()

  constructor(deps: WebhookDeps) {
    this.#deps = deps
    this.#metrics = deps.metrics ?? NO_METRICS
  }

  authenticate(token: PresentedToken): TokenIdentity | undefined | Promise<TokenIdentity | undefined> {
    const key = token.audiences ? `${token.digest} ${JSON.stringify(token.audiences)}` : token.digest
    const known = this.#answers.get(key)
    const hit = known !== undefined && known.until > this.#deps.clock()
    this.#metrics.count('authentication_token_cache_request_total', { status: hit ? 'hit' : 'miss' })
    if (hit) return known.identity
    // Many requests may come with one token: it is asked for once.
    let pending = this.#pending.get(key)
    if (!pending) {
      pending = this.#ask(key, token).finally(() => this.#pending.delete(key))
      this.#pending.set(key, pending)
    }
    return pending
  }

  async #ask(key: string, token: PresentedToken): Promise<TokenIdentity | undefined> {
    const { version, audiences: own, review, clock, ttl } = this.#deps
    const wanted = token.audiences ?? own
    let answer: Json
    try {
      answer = await review({
        kind: 'TokenReview',
        apiVersion: `authentication.k8s.io/${version}`,
        metadata: { creationTimestamp: null },
        spec: { token: token.text, ...(wanted.length > 0 ? { audiences: [...wanted] } : {}) },
        status: { user: {} },
      })
      this.#metrics.count('authentication_token_cache_fetch_total', { status: 'ok' })
    } catch (error) {
      this.#metrics.count('authentication_token_cache_fetch_total', { status: 'error' })
      throw error
    }
    const status = isObject(answer) && isObject(answer.status) ? answer.status : {}
    const identity = this.#identity(status, wanted)
    if (!identity && typeof status.error === 'string' && status.error !== '') throw new Error(status.error)
    if (ttl > 0) this.#remember(key, { identity, until: clock() + ttl })
    return identity
  }

  #identity(status: JsonObject, wanted: readonly string[]): TokenIdentity | undefined {
    if (status.authenticated !== true || !isObject(status.user)) return undefined
    const told = texts(status.audiences)
    // A webhook that says nothing of audiences knows nothing of them: its tokens are for the server.
    const audiences = common(told.length > 0 ? told : this.#deps.audiences, wanted)
    if (wanted.length > 0 && audiences.length === 0) return undefined
    return { user: userOf(status.user), audiences }
  }

  #remember(key: string, answer: Answer): void {
    this.#answers.delete(key)
    if (this.#answers.size >= (this.#deps.remembered ?? 10_000)) this.#answers.delete(this.#answers.keys().next().value as string)
    this.#answers.set(key, answer)
  }
}

function userOf({ username, uid, groups, extra }: JsonObject): UserInfo {
  const more = isObject(extra) ? Object.entries(extra).map(([key, values]) => [key, texts(values)] as const) : []
  return {
    name: typeof username === 'string' ? username : '',
    uid: typeof uid === 'string' ? uid : '',
    groups: texts(groups),
    extra: Object.fromEntries(more),
  }
}

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
