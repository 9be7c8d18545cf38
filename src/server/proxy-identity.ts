import { createSecureContext } from 'node:tls'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import { read } from './config.ts'

export interface Identity {
  readonly cert: string
  readonly key: string
}

/** How often the files are looked at, in ms, as for other certificates. */
const LOOK_EVERY = 10_000

/** The client certificate by which servers behind this one know it; it follows its files. */
export class ProxyIdentity {
  readonly #options: Options
  readonly #logger: Logger
  readonly #timer: NodeJS.Timeout | undefined
  #current: Identity | undefined

  /** @throws Error with one line that names the file, when one can't be used */
  constructor(options: Options, logger: Logger) {
    this.#options = options
    this.#logger = logger
    if (!options.proxyClientCertFile || !options.proxyClientKeyFile) return
    this.#current = load(options)
    this.#timer = setInterval(() => this.look(), LOOK_EVERY).unref()
  }

  /** Undefined when the flags name none. */
  get current(): Identity | undefined {
    return this.#current
  }

  /** Looks for changes once. What can't be used is logged, and the old one stays. */
  look(): void {
    const before = this.#current
    if (!before) return
    try {
      const now = load(this.#options)
      if (now.cert === before.cert && now.key === before.key) return
      this.#current = now
      this.#logger.info('the proxy client certificate changed, and is in use')
    } catch (error) {
      this.#logger.warn('the proxy client certificate can not be used, the old one stays', { error })
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function load({ proxyClientCertFile, proxyClientKeyFile }: Options): Identity {
  const identity = { cert: read(proxyClientCertFile), key: read(proxyClientKeyFile) }
  try {
    createSecureContext(identity)
  } catch (error) {
    throw new Error(`can't use ${proxyClientCertFile} with ${proxyClientKeyFile}: ${(error as Error).message}`)
  }
  return identity
}
