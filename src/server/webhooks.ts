import { randomUUID } from 'node:crypto'
import type { ObjectReader } from '../admission/objects.ts'
import type { MutatingPolicyDeps } from '../admission/policies/mutating.ts'
import type { WebhookTransport } from '../admission/webhooks/call.ts'
import type { WebhookDeps, WebhookMetrics } from '../admission/webhooks/stored-hooks.ts'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import type { AdmissionConfigs } from './admission-config.ts'
import { ServiceAddresses } from './service-addresses.ts'
import { webhookTransport } from './webhook-transport.ts'
import { WebhookUsers } from './webhook-users.ts'

const PLUGINS = ['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook'] as const
type Plugin = (typeof PLUGINS)[number]

/** What the webhook plugins need of the server, besides what policies need. */
export interface WebhookParts {
  readonly users: Readonly<Record<Plugin, WebhookUsers>>
  readonly metrics: WebhookMetrics
  readonly logger: Logger
}

/** @throws Error (rejects) with one line */
export async function readWebhookUsers(configs: AdmissionConfigs): Promise<WebhookParts['users']> {
  const [mutating, validating] = await Promise.all(PLUGINS.map((name) => readUsers(name, configs)))
  return {
    MutatingAdmissionWebhook: mutating as WebhookUsers,
    ValidatingAdmissionWebhook: validating as WebhookUsers,
  }
}

async function readUsers(name: Plugin, configs: AdmissionConfigs): Promise<WebhookUsers> {
  try {
    return await WebhookUsers.read(configs.get(name))
  } catch (error) {
    throw new Error(`the configuration of admission plugin ${name}: ${(error as Error).message}`)
  }
}

/** How the webhooks are reached that convert custom resources; nobody says who we are to them. */
export function conversionTransport(objects: ObjectReader, options: Options, random: (max: number) => number): WebhookTransport {
  const services = new ServiceAddresses({ objects, toEndpoints: options.enableAggregatorRouting, random })
  return webhookTransport({ services, users: new WebhookUsers() })
}

export function webhookDeps(
  { users, metrics, logger }: WebhookParts,
  plugin: Plugin,
  { objects, equivalents, forms, authorize }: MutatingPolicyDeps,
  { options, random }: { options: Options; random: (max: number) => number },
): WebhookDeps {
  const services = new ServiceAddresses({ objects, toEndpoints: options.enableAggregatorRouting, random })
  return {
    objects,
    equivalents,
    forms,
    authorize,
    metrics,
    transport: webhookTransport({ services, users: users[plugin] }),
    uuid: randomUUID,
    onFailure: (webhook, error, ignored) =>
      logger.warn('an admission webhook failed', { webhook, ignored, error: error.message }),
  }
}
