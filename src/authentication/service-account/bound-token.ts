import type { JsonObject } from '../../machinery/json.ts'
import { CREDENTIAL_ID, type UserInfo } from '../../machinery/user.ts'
import type { VerifiedToken } from '../jwt.ts'
import type { AuthenticationMetrics } from '../metrics.ts'
import { common, type PresentedToken, type TokenIdentity } from '../token.ts'
import { type Binding, type BoundObjects, checkBindings } from './bound-objects.ts'
import { checkTimes, type ObjectReference, object, type PublicClaims, publicClaims, text, time } from './claims.ts'
import { accountGroups, accountUser } from './names.ts'

export interface BoundTokenDeps {
  readonly objects: BoundObjects
  /** The server's own audiences. */
  readonly audiences: readonly string[]
  /** ms since the epoch. */
  readonly clock: () => number
  readonly metrics: AuthenticationMetrics
}

const EXTRA = 'authentication.kubernetes.io/'
const STALE_TOKEN = 'authentication.k8s.io/stale-token'
/** Of tokens without audiences, which are of the old kind. */
export const LEGACY_TOKEN = 'authentication.k8s.io/legacy-token'
const INVALIDATED = 'service account token has been invalidated'

/**
 * A token that the TokenRequest API issued: good while it hasn't expired, and the service account and what it is bound to
 * are the ones that they were.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
export class BoundToken implements VerifiedToken {
  readonly #deps: BoundTokenDeps
  readonly #claims: PublicClaims
  readonly #user: UserInfo
  readonly #bindings: readonly Binding[]
  readonly #warnAfter: number | undefined
  /** What every request gets: the audiences are always the server's own. */
  #own: TokenIdentity | undefined

  /** @param payload verified @throws Error when a claim is malformed */
  constructor(payload: JsonObject, deps: BoundTokenDeps) {
    this.#deps = deps
    this.#claims = publicClaims(payload)
    const own = object(payload, 'kubernetes.io') ?? {}
    const namespace = text(own, 'namespace')
    const account = reference(own, 'serviceaccount') ?? { name: '', uid: '' }
    const [secret, pod, node] = [reference(own, 'secret'), reference(own, 'pod'), reference(own, 'node')]
    this.#warnAfter = time(own, 'warnafter')
    this.#user = {
      name: accountUser(namespace, account.name),
      uid: account.uid,
      groups: accountGroups(namespace),
      extra: extraOf(pod, node, this.#claims.jti),
    }
    this.#bindings = bindingsOf(deps.objects, namespace, account, { secret, pod, node })
  }

  identify(token: PresentedToken): TokenIdentity | Promise<TokenIdentity> {
    const { audiences } = token
    if (this.#claims.aud.length === 0) token.annotate?.(LEGACY_TOKEN, this.#claims.sub)
    const identity = audiences === undefined ? (this.#own ??= this.#for(this.#deps.audiences)) : this.#for(audiences)
    const now = this.#deps.clock()
    checkTimes(this.#claims, now)
    const pending = checkBindings(this.#bindings, now)
    if (pending) return pending.then(() => this.#used(identity, now, token))
    return this.#used(identity, now, token)
  }

  #for(wanted: readonly string[]): TokenIdentity {
    const { metrics } = this.#deps
    const { aud } = this.#claims
    // Tokens without audiences are of the old kind: they are for the server alone.
    if (aud.length === 0) metrics.count('serviceaccount_legacy_tokens_total')
    const audiences = common(aud.length === 0 ? this.#deps.audiences : aud, wanted)
    if (audiences.length === 0 && this.#deps.audiences.length > 0) throw wrongAudience(aud, wanted)
    return { user: this.#user, audiences }
  }

  #used(identity: TokenIdentity, now: number, token: PresentedToken): TokenIdentity {
    if (!this.#warnAfter) return identity
    const isStale = now > this.#warnAfter * 1000
    this.#deps.metrics.count(isStale ? 'serviceaccount_stale_tokens_total' : 'serviceaccount_valid_tokens_total')
    if (isStale) {
      const late = Math.floor(now / 1000) - this.#warnAfter
      token.annotate?.(STALE_TOKEN, `subject: ${this.#claims.sub}, seconds after warning threshold: ${late}`)
    }
    return identity
  }
}

/** In the words that TokenReviews show. */
export const wrongAudience = (audiences: readonly string[], wanted: readonly string[]): Error =>
  new Error(`token audiences ${quoted(audiences)} is invalid for the target audiences ${quoted(wanted)}`)

const quoted = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(' ')}]`

function reference(own: JsonObject, name: string): ObjectReference | undefined {
  const value = object(own, name)
  return value && { name: text(value, 'name'), uid: text(value, 'uid') }
}

function extraOf(
  pod: ObjectReference | undefined,
  node: ObjectReference | undefined,
  jti: string,
): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  if (pod?.name && pod.uid) {
    extra[`${EXTRA}pod-name`] = [pod.name]
    extra[`${EXTRA}pod-uid`] = [pod.uid]
  }
  if (node?.name) {
    extra[`${EXTRA}node-name`] = [node.name]
    // A pod can name a node that doesn't exist.
    if (node.uid) extra[`${EXTRA}node-uid`] = [node.uid]
  }
  if (jti) extra[CREDENTIAL_ID] = [`JTI=${jti}`]
  return extra
}

function bindingsOf(
  objects: BoundObjects,
  namespace: string,
  account: ObjectReference,
  to: { secret: ObjectReference | undefined; pod: ObjectReference | undefined; node: ObjectReference | undefined },
): Binding[] {
  const bindings: Binding[] = [
    {
      objects: objects.serviceAccounts,
      namespace,
      ...account,
      missing: `serviceaccounts "${account.name}" not found`,
      deleted: `service account ${namespace}/${account.name} has been deleted`,
      replaced: (uid) => `service account UID (${uid}) does not match claim (${account.uid})`,
    },
  ]
  const bind = (kind: string, kept: BoundObjects['pods'], place: string, target: ObjectReference): void => {
    bindings.push({
      objects: kept,
      namespace: place,
      ...target,
      missing: INVALIDATED,
      deleted: INVALIDATED,
      replaced: (uid) => `${kind} UID (${uid}) does not match service account ${kind.toLowerCase()} ref claim (${target.uid})`,
    })
  }
  if (to.secret) bind('secret', objects.secrets, namespace, to.secret)
  if (to.pod) bind('pod', objects.pods, namespace, to.pod)
  // The node of a pod's token is told, not depended on: the pod is.
  else if (to.node) bind('node', objects.nodes, '', to.node)
  return bindings
}
