import type { WebhookTransport } from '../admission/webhooks/call.ts'
import type { AdmissionregistrationV1WebhookClientConfig } from '../generated/types.ts'
import { type WebhookClient, webhookClient } from '../http/webhook-client.ts'
import { RecentMap } from '../util/recent-map.ts'
import type { ServiceAddresses } from './service-addresses.ts'
import type { WebhookUsers } from './webhook-users.ts'

/** As many as the reference keeps connections to. */
const MAX_CLIENTS = 200
const TIMEOUT_MS = 30_000
const USER_AGENT = 'kube-apiserver-admission'

export interface WebhookTransportDeps {
  readonly services: ServiceAddresses
  readonly users: WebhookUsers
}

/** Reaches webhooks by their URLs or as services of the cluster, over connections that are kept for each. */
export function webhookTransport({ services, users }: WebhookTransportDeps): WebhookTransport {
  const clients = new RecentMap<WebhookClient>(MAX_CLIENTS)
  return {
    async post(target, body, timeoutMs, signal) {
      const key = JSON.stringify(target)
      let client = clients.find(key)
      if (!client) {
        client = clientFor(target, services, users)
        // Those that aren't used any more lose their connections by and by.
        clients.keep(key, client)
      }
      return await client.post(body, { timeoutMs, query: `timeout=${timeoutMs / 1000}s`, signal })
    },
  }
}

function clientFor(
  { url, service, caBundle }: AdmissionregistrationV1WebhookClientConfig,
  services: ServiceAddresses,
  users: WebhookUsers,
): WebhookClient {
  const common = {
    timeoutMs: TIMEOUT_MS,
    userAgent: USER_AGENT,
    ...(caBundle ? { ca: Buffer.from(caBundle, 'base64').toString() } : {}),
  }
  if (service) {
    const { namespace = '', name = '', port = 443, path = '' } = service
    const serverName = `${name}.${namespace}.svc`
    return webhookClient({
      ...common,
      ...users.for(`${serverName}:${port}`),
      url: `https://${serverName}:${port}${path || '/'}`,
      serverName,
      address: () => services.resolve(namespace, name, port),
    })
  }
  const { host, port, pathname } = new URL(url ?? '')
  const whole = pathname === '/' && !url?.endsWith('/') ? `${url}/` : (url ?? '')
  return webhookClient({ ...common, ...users.for(port ? host : `${host}:443`), url: whole })
}
