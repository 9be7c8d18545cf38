import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AuthenticationMetrics } from '../authentication/metrics.ts'
import { WebhookTokens } from '../authentication/webhook.ts'
import { clientConfig } from '../machinery/client-config.ts'
import type { Json } from '../machinery/json.ts'
import { yamlToJson } from '../machinery/yaml.ts'
import type { Options } from '../options/table.ts'
import { HttpsStatusError, httpsRequest } from '../util/https-request.ts'
import { read } from './config.ts'

const TIMEOUT = 30_000
const LIMIT = 3 << 20
/** Waits between tries, in ms, as long as the server can't be reached or says that it is unwell. */
const RETRIES = [500, 750, 1125, 1687]

/** The token webhook that the flags describe. @throws Error with one line when its kubeconfig can't be used */
export function tokenWebhook(options: Options, clock: () => number, metrics: AuthenticationMetrics): WebhookTokens {
  const file = options.authenticationTokenWebhookConfigFile
  const { url, peer } = config(file)
  const target = new URL(url)
  target.searchParams.set('timeout', `${TIMEOUT / 1000}s`)
  const limits = { timeoutMs: TIMEOUT, bytes: LIMIT }
  return new WebhookTokens({
    review: async (review) => parsed(await retried(() => httpsRequest(target.href, peer, limits, review))),
    version: options.authenticationTokenWebhookVersion,
    audiences: options.apiAudiences,
    ttl: options.authenticationTokenWebhookCacheTtl,
    clock,
    metrics,
  })
}

function config(file: string) {
  try {
    return clientConfig(yamlToJson(Buffer.from(read(file))), (name) => read(path.resolve(path.dirname(file), name)))
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
  }
}

/** What a parser says of bad JSON quotes it, and so perhaps a token. */
function parsed(answer: string): Json {
  try {
    return JSON.parse(answer) as Json
  } catch {
    throw new Error('the token webhook did not answer with JSON')
  }
}

async function retried(ask: () => Promise<string>): Promise<string> {
  for (const wait of RETRIES) {
    try {
      return await ask()
    } catch (error) {
      if (!worthTryingAgain(error)) throw error
    }
    await pause(wait)
  }
  return await ask()
}

/** Not what took its time already, and not an answer that won't be another the next time. */
function worthTryingAgain(error: unknown): boolean {
  if (error instanceof HttpsStatusError) return error.code === 429 || error.code >= 500
  return error instanceof Error && error.name !== 'TimeoutError'
}
