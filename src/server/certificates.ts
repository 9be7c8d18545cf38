import { Authorities } from '../authentication/authorities.ts'
import type { TlsMaterial } from '../http/tls.ts'
import type { Logger } from '../observability/logger.ts'
import { curves, opensslCiphers, tlsVersions } from '../options/secure-serving.ts'
import type { Options } from '../options/table.ts'
import { type Credentials, credentials } from './config.ts'

export interface CertificatesDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
}

/** How often the files are looked at. They are few and small, and no kind of notice works on every volume. */
const LOOK_EVERY = 10_000

/**
 * The server's certificates and whom it trusts, which follow their files: what an administrator replaces is used without a
 * restart, and our own certificates are issued anew before they expire.
 */
export class Certificates {
  readonly #deps: CertificatesDeps
  #current: Credentials
  #clients: Authorities | undefined
  #proxies: Authorities | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #use: ((now: Credentials, before: Credentials) => void | Promise<void>) | undefined

  private constructor(deps: CertificatesDeps, current: Credentials) {
    this.#deps = deps
    this.#current = current
    this.#clients = this.#authorities(current.clientCa)
    this.#proxies = this.#authorities(current.requestHeaderCa)
  }

  /** @throws Error with one line that names the file, when one can't be used */
  static async load(deps: CertificatesDeps): Promise<Certificates> {
    const loaded = await credentials(deps.options, deps.clock)
    for (const { file, reason } of loaded.issued) deps.logger.info('wrote a certificate', { file, reason })
    return new Certificates(deps, loaded)
  }

  get current(): Credentials {
    return this.#current
  }

  /** Those of client certificates; another object once they changed. */
  get clients(): Authorities | undefined {
    return this.#clients
  }

  /** Those of proxies that name users in headers. */
  get proxies(): Authorities | undefined {
    return this.#proxies
  }

  /** What the TLS layer is to use. */
  get material(): TlsMaterial {
    return material(this.#deps.options, this.#current)
  }

  /**
   * Looks for changes from now on.
   *
   * @param use puts new ones into use; when it throws, the old ones stay
   */
  follow(use: (now: Credentials, before: Credentials) => void | Promise<void>): void {
    this.#use = use
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY).unref()
  }

  /** Looks once. Never rejects: what can't be used is logged, and the old ones stay. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { options, clock, logger } = this.#deps
    const before = this.#current
    try {
      const now = await credentials(options, clock)
      if (same(now, before)) return
      const clients = now.clientCa === before.clientCa ? this.#clients : this.#authorities(now.clientCa)
      const proxies = now.requestHeaderCa === before.requestHeaderCa ? this.#proxies : this.#authorities(now.requestHeaderCa)
      this.#current = now
      await this.#use?.(now, before)
      this.#clients = clients
      this.#proxies = proxies
      for (const { file, reason } of now.issued) logger.info('wrote a certificate', { file, reason })
      logger.info('certificates changed, and are in use')
    } catch (error) {
      this.#current = before
      logger.warn('certificates can not be used, the old ones stay', { error })
    }
  }

  #authorities(pem: string | undefined): Authorities | undefined {
    return pem === undefined ? undefined : new Authorities(pem, this.#deps.clock)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function same(a: Credentials, b: Credentials): boolean {
  const content = ({ serving, clientCa, requestHeaderCa, sni, admin }: Credentials): string =>
    JSON.stringify([serving, clientCa, requestHeaderCa, sni, admin])
  return content(a) === content(b)
}

function material(options: Options, { serving, clientCa, requestHeaderCa, sni }: Credentials): TlsMaterial {
  const authorities = [clientCa, requestHeaderCa].filter((pem) => pem !== undefined)
  return {
    key: serving.key,
    cert: serving.cert,
    sni,
    ...(authorities.length > 0 ? { clientCa: authorities.join('\n') } : {}),
    ...(options.tlsMinVersion ? { minVersion: tlsVersions[options.tlsMinVersion as keyof typeof tlsVersions] } : {}),
    ...(options.tlsCipherSuites.length ? { cipherSuites: opensslCiphers(options.tlsCipherSuites) } : {}),
    curves: options.tlsCurvePreferences.map((id) => curves[id] as string),
  }
}
