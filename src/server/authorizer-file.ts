import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Authorizer } from '../authorization/authorizer.ts'
import { type AuthorizerConfig, type AuthorizerType, authorizationConfig, type WebhookConfig } from '../authorization/config.ts'
import { WebhookAuthorizer } from '../authorization/webhook/webhook.ts'
import { type WebhookClient, webhookClient } from '../http/webhook-client.ts'
import { yamlToJson } from '../machinery/yaml.ts'
import type { Logger } from '../observability/logger.ts'
import { readWebhookKubeconfig } from './webhook-kubeconfig.ts'

export interface AuthorizerFileDeps {
  file: string
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
}

/** How often the file is looked at. */
const LOOK_EVERY = 10_000
/** How long webhooks that are no longer configured may take to answer what they were asked before. */
const LAST_ANSWERS = 35_000
/** What can't be switched on while the server runs, since what it decides by was not read. */
const FIXED: readonly string[] = ['Node', 'RBAC', 'ABAC']

/** The chain of authorizers that `--authorization-config` describes. The file may change while the server runs. */
export class AuthorizerFile {
  readonly #deps: AuthorizerFileDeps
  readonly #initial: ReadonlySet<AuthorizerType>
  #text: string
  #current: Chain
  #timer: NodeJS.Timeout | undefined
  #changed: (() => void) | undefined

  private constructor(deps: AuthorizerFileDeps, text: string, current: Chain) {
    this.#deps = deps
    this.#text = text
    this.#current = current
    this.#initial = new Set(current.configs.map(({ type }) => type))
  }

  /** @throws Error (rejects) with one line when the file, or one that it names, can't be used */
  static async read(deps: AuthorizerFileDeps): Promise<AuthorizerFile> {
    const text = await readFile(deps.file, 'utf8')
    return new AuthorizerFile(deps, text, await chainOf(deps, text))
  }

  has(type: AuthorizerType): boolean {
    return this.#initial.has(type)
  }

  /** @param own gives the authorizer of a type that decides by what this server knows */
  members(own: (type: AuthorizerType) => Authorizer): Authorizer[] {
    const { configs, webhooks } = this.#current
    return configs.map(({ type }, i) => webhooks[i]?.authorizer ?? own(type))
  }

  /** Looks for changes of the file from now on. @param changed called when there are other members */
  follow(changed: () => void): void {
    this.#changed = changed
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY).unref()
  }

  /** Looks once. What can't be used is logged, and the old chain stays. */
  async look(): Promise<void> {
    const { file, logger } = this.#deps
    try {
      const text = await readFile(file, 'utf8')
      if (text === this.#text) return
      this.#text = text
      const next = await chainOf(this.#deps, text)
      const unknown = next.configs.find(({ type }) => FIXED.includes(type) && !this.#initial.has(type))
      if (unknown)
        throw new Error(`authorizer type ${unknown.type} is not allowed if it was not enabled at initial server startup`)
      const before = this.#current
      this.#current = next
      this.#changed?.()
      setTimeout(() => before.close(), LAST_ANSWERS).unref()
      logger.info('the authorization configuration changed, and is in use', { file })
    } catch (error) {
      logger.warn('the authorization configuration can not be used, the old one stays', { file, error })
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#current.close()
  }
}

interface Chain {
  readonly configs: readonly AuthorizerConfig[]
  /** At the places of the configurations that have one. */
  readonly webhooks: readonly ({ authorizer: WebhookAuthorizer; client: WebhookClient } | undefined)[]
  close(): void
}

async function chainOf(deps: AuthorizerFileDeps, text: string): Promise<Chain> {
  try {
    const configs = await authorizationConfig(yamlToJson(Buffer.from(text)))
    const webhooks = await Promise.all(configs.map(({ webhook }) => webhook && webhookOf(deps, webhook)))
    return {
      configs,
      webhooks,
      close: () => {
        for (const webhook of webhooks) webhook?.client.close()
      },
    }
  } catch (error) {
    throw new Error(`${deps.file}: ${(error as Error).message}`, { cause: error })
  }
}

async function webhookOf({ clock, logger }: AuthorizerFileDeps, config: WebhookConfig) {
  const client = webhookClient(await readWebhookKubeconfig(config.kubeconfig, config.timeout))
  const authorizer = new WebhookAuthorizer({
    post: (body) => client.post(body),
    version: config.version,
    allowedTtl: config.authorizedTtl,
    refusedTtl: config.unauthorizedTtl,
    onFailure: config.onFailure,
    conditions: config.conditions,
    clock,
    sleep: (ms) => sleep(ms, undefined, { ref: false }),
    onError: (error) => logger.warn('an authorization webhook failed', { kubeconfig: config.kubeconfig, error }),
  })
  return { authorizer, client }
}
