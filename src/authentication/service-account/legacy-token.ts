import { timingSafeEqual } from 'node:crypto'
import type { JsonObject } from '../../machinery/json.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { VerifiedToken } from '../jwt.ts'
import { common, type PresentedToken, type TokenIdentity } from '../token.ts'
import type { SecretFacts } from './bound-objects.ts'
import { LEEWAY } from './bound-objects.ts'
import { type BoundTokenDeps, LEGACY_TOKEN, wrongAudience } from './bound-token.ts'
import { publicClaims, text } from './claims.ts'
import { accountGroups, accountOf, accountUser } from './names.ts'

export interface LegacyTokenDeps extends BoundTokenDeps {
  /** Whether tokens end with the objects that they belong to (`--service-account-lookup`). */
  readonly lookup: boolean
  /** Called when a token is used for the first time on a day: sets the label on its secret. */
  markUsed(namespace: string, secret: string, label: string, date: string): void
}

/** What tokens in secrets name as their issuer. */
export const LEGACY_ISSUER = 'kubernetes/serviceaccount'

const CLAIM = 'kubernetes.io/serviceaccount/'
const LAST_USED = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
const AUTOMATIC =
  'Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.'
const DAY = 86_400_000

/** A token of the old kind, which never expires and is kept in a secret: good while the secret holds it. */
export class LegacyToken implements VerifiedToken {
  readonly #deps: LegacyTokenDeps
  readonly #namespace: string
  readonly #secret: string
  readonly #account: string
  readonly #uid: string
  readonly #audiences: readonly string[]
  readonly #user: UserInfo

  /** @param payload verified @throws Error in the reference's words when a claim is missing */
  constructor(payload: JsonObject, deps: LegacyTokenDeps) {
    const { sub, aud } = publicClaims(payload)
    if (!sub) throw new Error('sub claim is missing')
    this.#deps = deps
    this.#namespace = required(payload, 'namespace', 'namespace')
    this.#secret = required(payload, 'secret.name', 'secretName')
    this.#account = required(payload, 'service-account.name', 'serviceAccountName')
    this.#uid = required(payload, 'service-account.uid', 'serviceAccountUID')
    const subject = accountOf(sub)
    if (subject?.namespace !== this.#namespace || subject.name !== this.#account) throw new Error('sub claim is invalid')
    this.#audiences = aud.length > 0 ? aud : deps.audiences
    this.#user = {
      name: accountUser(this.#namespace, this.#account),
      uid: this.#uid,
      groups: accountGroups(this.#namespace),
      extra: {},
    }
  }

  async identify(token: PresentedToken): Promise<TokenIdentity> {
    const { metrics, audiences: own, lookup } = this.#deps
    metrics.count('serviceaccount_legacy_tokens_total')
    token.annotate?.(LEGACY_TOKEN, this.#user.name)
    const wanted = token.audiences ?? own
    const audiences = common(this.#audiences, wanted)
    if (audiences.length === 0 && own.length > 0) throw wrongAudience(this.#audiences, wanted)
    if (lookup) await this.#lookUp(token)
    return { user: this.#user, audiences }
  }

  async #lookUp(token: PresentedToken): Promise<void> {
    const { objects, clock, metrics } = this.#deps
    const now = clock()
    const ended = (deletedAt: number | undefined): boolean => deletedAt !== undefined && deletedAt < now - LEEWAY
    const secret =
      (await objects.secrets.get(this.#namespace, this.#secret)) ?? (await objects.secrets.fresh(this.#namespace, this.#secret))
    if (!secret || ended(secret.deletedAt)) throw new Error('Token has been invalidated')
    if (!holds(secret, token)) throw new Error("Token does not match server's copy")
    const account =
      (await objects.serviceAccounts.get(this.#namespace, this.#account)) ??
      (await objects.serviceAccounts.fresh(this.#namespace, this.#account))
    if (!account) throw new Error(`serviceaccounts "${this.#account}" not found`)
    if (ended(account.deletedAt)) throw new Error(`ServiceAccount ${this.#namespace}/${this.#account} has been deleted`)
    if (account.uid !== this.#uid) {
      throw new Error(`ServiceAccount UID (${account.uid}) does not match claim (${this.#uid})`)
    }
    const automatic = account.secrets.includes(this.#secret)
    this.#markUsed(secret, now)
    if (secret.labels[INVALID_SINCE]) {
      metrics.count('serviceaccount_invalid_legacy_auto_token_uses_total')
      throw new Error(
        `the token in secret ${this.#namespace}/${this.#secret} for service account ${this.#namespace}/${this.#account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`,
      )
    }
    if (automatic) token.warn?.(AUTOMATIC)
    metrics.count(automatic ? 'serviceaccount_legacy_auto_token_uses_total' : 'serviceaccount_legacy_manual_token_uses_total')
  }

  #markUsed(secret: SecretFacts, now: number): void {
    const last = secret.labels[LAST_USED]
    // Another server's clock may have passed midnight already.
    if (last === date(now) || last === date(now + DAY)) return
    this.#deps.markUsed(this.#namespace, this.#secret, LAST_USED, date(now))
  }
}

const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

function holds(secret: SecretFacts, token: PresentedToken): boolean {
  const presented = Buffer.from(token.text)
  return secret.token !== undefined && secret.token.length === presented.length && timingSafeEqual(secret.token, presented)
}

function required(payload: JsonObject, claim: string, called: string): string {
  const value = text(payload, CLAIM + claim)
  if (!value) throw new Error(`${called} claim is missing`)
  return value
}
