import type { UserInfo } from '../../machinery/user.ts'
import type { Attributes } from '../attributes.ts'
import { type Authorizer, type Decision, NO_OPINION, NO_RULES, type RulesFor } from '../authorizer.ts'
import { conditionsHold, type MatchCondition } from './match-conditions.ts'
import { decisionOf, type ReviewVersion, review, reviewSpec } from './review.ts'

export interface WebhookAuthorizerDeps {
  /** Sends a body and resolves with the answer's code and body. Rejects when there is none. */
  post(body: string): Promise<{ code: number; body: string }>
  version: ReviewVersion
  /** How long a permission, and a refusal, is remembered, in ms. */
  allowedTtl: number
  refusedTtl: number
  /** ms since the epoch. */
  clock(): number
  sleep(ms: number): Promise<void>
  /** Called with what a request failed with. */
  onError(error: unknown): void
  /** What is decided without an answer; no opinion when unset. */
  onFailure?: 'no opinion' | 'deny'
  /** The webhook is asked only where all of them hold. */
  conditions?: readonly MatchCondition[]
}

const TRIES = 5
const FIRST_PAUSE_MS = 500
const PAUSE_FACTOR = 1.5
const MAX_REMEMBERED = 8192
/** Questions longer than this aren't remembered: so much memory nobody may take. */
const MAX_KEY = 10_000

/** `--authorization-mode=Webhook`: another server decides, whose answers are remembered for a while. */
export class WebhookAuthorizer implements Authorizer {
  readonly name = 'Webhook'
  readonly #deps: WebhookAuthorizerDeps
  /** The one that wasn't asked for the longest comes first. */
  readonly #remembered = new Map<string, { decision: Decision; until: number }>()

  constructor(deps: WebhookAuthorizerDeps) {
    this.#deps = deps
  }

  authorize(user: UserInfo, attributes: Attributes): Decision | Promise<Decision> {
    const { conditions } = this.#deps
    if (conditions?.length) {
      try {
        if (!conditionsHold(conditions, user, attributes)) return NO_OPINION
      } catch (error) {
        return this.#failed(error)
      }
    }
    const spec = reviewSpec(user, attributes, this.#deps.version)
    const key = JSON.stringify(spec)
    return this.#recall(key) ?? this.#ask(key, JSON.stringify(review(spec, this.#deps.version)))
  }

  rulesFor(): RulesFor {
    return { ...NO_RULES, incomplete: true, errors: ['webhook authorizer does not support user rule resolution'] }
  }

  #recall(key: string): Decision | undefined {
    const known = this.#remembered.get(key)
    if (!known) return undefined
    this.#remembered.delete(key)
    if (known.until <= this.#deps.clock()) return undefined
    this.#remembered.set(key, known)
    return known.decision
  }

  async #ask(key: string, body: string): Promise<Decision> {
    const { allowedTtl, refusedTtl, clock, onError } = this.#deps
    try {
      const decision = decisionOf(JSON.parse(await this.#post(body)))
      const ttl = decision.verdict === 'allow' ? allowedTtl : refusedTtl
      if (ttl > 0 && key.length <= MAX_KEY) this.#remember(key, { decision, until: clock() + ttl })
      return decision
    } catch (error) {
      onError(error)
      return this.#failed(error)
    }
  }

  #failed(error: unknown): Decision {
    return { verdict: this.#deps.onFailure ?? 'no opinion', reason: '', error: (error as Error).message }
  }

  #remember(key: string, entry: { decision: Decision; until: number }): void {
    this.#remembered.set(key, entry)
    if (this.#remembered.size <= MAX_REMEMBERED) return
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest)
      return
    }
  }

  /** Tries again, later and later, when the server can't be reached or is in trouble. */
  async #post(body: string): Promise<string> {
    let pause = FIRST_PAUSE_MS
    for (let tries = 1; ; tries++, pause *= PAUSE_FACTOR) {
      let failure: unknown
      try {
        const answer = await this.#deps.post(body)
        if (answer.code >= 200 && answer.code < 300) return answer.body
        failure = new Error(`the authorization webhook answered with ${answer.code}`)
        if (answer.code !== 429 && answer.code < 500) throw failure
      } catch (error) {
        if (error === failure) throw error
        failure = error
      }
      if (tries === TRIES) throw failure
      await this.#deps.sleep(pause)
    }
  }
}
