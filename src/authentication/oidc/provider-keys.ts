import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { isObject, type Json } from '../../machinery/json.ts'
import { httpsRequest } from '../../util/https-request.ts'

export interface ProviderKeysDeps {
  /** What the provider must call itself. */
  issuer: string
  /** Where its configuration is; below the issuer's URL when empty. */
  discoveryUrl: string
  /** In PEM; empty for the usual authorities. */
  certificateAuthority: string
  /** ms since the epoch. */
  clock: () => number
  /** Told of what went wrong, for the log. */
  onFailure(error: unknown): void
}

/** Finds the key for a token by what its header says. */
export type KeySet = ReturnType<typeof createLocalJWKSet>

const WELL_KNOWN = '/.well-known/openid-configuration'
const TIMEOUT = 30_000
const LIMIT = 1 << 20
/** How long a provider that couldn't be reached is left alone. */
const RETRY_AFTER = 10_000
/** Tokens of unknown keys make us ask again, but not more often than this, since anybody can make up such tokens. */
const ASK_AGAIN_AFTER = 5_000

/**
 * The keys of an OpenID provider. Looks for them in the background from the start, until it finds them: nobody waits for a
 * provider that is down. Rotated keys are found when the first token comes that was signed with one.
 */
export class ProviderKeys {
  readonly #deps: ProviderKeysDeps
  readonly #end = new AbortController()
  #jwksUri: string | undefined
  #keys: KeySet | undefined
  #fetched = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(deps: ProviderKeysDeps) {
    this.#deps = deps
    this.#start()
  }

  /** Undefined until the provider told its keys. */
  get current(): KeySet | undefined {
    return this.#keys
  }

  #start(): void {
    this.refresh(true).catch((error: unknown) => {
      if (this.#end.signal.aborted) return
      this.#deps.onFailure(error)
      this.#retry = setTimeout(() => this.#start(), RETRY_AFTER).unref()
    })
  }

  /**
   * Asks the provider for its keys, together with whoever else asks now; does nothing shortly after the last time.
   *
   * @throws Error (rejects) when it can't be reached, or answers with something else
   */
  async refresh(always = false): Promise<void> {
    if (this.#fetching) return await this.#fetching
    const now = this.#deps.clock()
    if (!always && now - this.#fetched < ASK_AGAIN_AFTER) return
    this.#fetched = now
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    await this.#fetching
  }

  async #fetch(): Promise<void> {
    this.#jwksUri ??= await this.#discover()
    const document = await this.#get(this.#jwksUri)
    if (!isObject(document) || !Array.isArray(document.keys)) throw new Error(`${this.#jwksUri} holds no keys`)
    this.#keys = createLocalJWKSet(document as unknown as JSONWebKeySet)
  }

  async #discover(): Promise<string> {
    const { issuer, discoveryUrl } = this.#deps
    const url = discoveryUrl || issuer.replace(/\/$/, '') + WELL_KNOWN
    const document = await this.#get(url)
    if (!isObject(document)) throw new Error(`${url} holds no OpenID configuration`)
    if (document.issuer !== issuer)
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected "${issuer}" got "${String(document.issuer)}"`,
      )
    const { jwks_uri: uri } = document
    if (typeof uri !== 'string' || !URL.canParse(uri) || new URL(uri).protocol !== 'https:')
      throw new Error(`${url} names no place for keys`)
    return uri
  }

  async #get(url: string): Promise<Json> {
    const { certificateAuthority } = this.#deps
    const limits = { timeoutMs: TIMEOUT, bytes: LIMIT, signal: this.#end.signal }
    try {
      return JSON.parse(await httpsRequest(url, { ca: certificateAuthority || undefined }, limits)) as Json
    } catch (error) {
      throw new Error(`can't read ${url}: ${(error as Error).message}`, { cause: error })
    }
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#end.abort(new Error('the issuer is no longer configured'))
  }
}
