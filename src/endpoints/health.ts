import type { Exchange } from '../machinery/exchange.ts'

/** Resolves when all is well; rejects or throws with the reason otherwise. The reason is logged, and shown only by the check's own path. */
export type HealthCheck = () => Promise<void> | void

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz'

const ENDPOINTS: readonly HealthEndpoint[] = ['healthz', 'livez', 'readyz']

export interface HealthDeps {
  /** Told of failing checks with their reasons, which the answers keep to themselves. */
  failed(endpoint: HealthEndpoint, failures: { name: string; error: unknown }[]): void
}

/**
 * `/healthz`, `/livez` and `/readyz`: whether the server works, lives, and takes requests. Each is a list of named checks, which are also
 * asked one by one at `/readyz/<name>`.
 */
export class Health {
  readonly #deps: HealthDeps
  readonly #checks: Record<HealthEndpoint, Map<string, HealthCheck>> = {
    healthz: new Map(),
    livez: new Map(),
    readyz: new Map(),
  }

  constructor(deps: HealthDeps) {
    this.#deps = deps
    this.add('ping', () => {})
    this.add('log', () => {})
  }

  /** Adds a check; checks are run and shown in the order in which they were added. */
  add(name: string, check: HealthCheck, endpoints: readonly HealthEndpoint[] = ENDPOINTS): void {
    for (const endpoint of endpoints) this.#checks[endpoint].set(name, check)
  }

  /** Every path served, for the list at `/`. */
  paths(): string[] {
    return ENDPOINTS.flatMap((endpoint) => [
      `/${endpoint}`,
      ...[...this.#checks[endpoint].keys()].map((name) => `/${endpoint}/${name}`),
    ])
  }

  /** @returns false when the path is no health check's; any method is fine */
  handle(exchange: Exchange): boolean | Promise<boolean> {
    const { path } = exchange
    const endpoint = ENDPOINTS.find((e) => path === `/${e}` || path.startsWith(`/${e}/`))
    if (!endpoint) return false
    if (path.length === endpoint.length + 1) return this.#all(exchange, endpoint)
    const check = this.#checks[endpoint].get(path.slice(endpoint.length + 2))
    return check ? this.#one(exchange, check) : false
  }

  async #one(exchange: Exchange, check: HealthCheck): Promise<boolean> {
    try {
      await check()
    } catch (error) {
      answer(exchange, 500, `internal server error: ${error instanceof Error ? error.message : String(error)}\n`)
      return true
    }
    answer(exchange, 200, 'ok')
    return true
  }

  async #all(exchange: Exchange, endpoint: HealthEndpoint): Promise<boolean> {
    const excluded = new Set(exchange.query.getAll('exclude'))
    const failures: { name: string; error: unknown }[] = []
    let lines = ''
    for (const [name, check] of this.#checks[endpoint]) {
      if (excluded.delete(name)) {
        lines += `[+]${name} excluded: ok\n`
        continue
      }
      try {
        await check()
        lines += `[+]${name} ok\n`
      } catch (error) {
        failures.push({ name, error })
        // The endpoint is public: whoever may know more asks the check itself.
        lines += `[-]${name} failed: reason withheld\n`
      }
    }
    if (excluded.size > 0) {
      const names = [...excluded].sort().map((name) => JSON.stringify(name))
      lines += `warn: some health checks cannot be excluded: no matches for ${names.join(', ')}\n`
    }
    if (failures.length > 0) {
      this.#deps.failed(endpoint, failures)
      answer(exchange, 500, `${lines}${endpoint} check failed\n`)
    } else {
      answer(exchange, 200, exchange.query.has('verbose') ? `${lines}${endpoint} check passed\n` : 'ok')
    }
    return true
  }
}

function answer(exchange: Exchange, code: number, text: string): void {
  exchange.respond(code, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' })
}
