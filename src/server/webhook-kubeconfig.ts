import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { WebhookClientOptions } from '../http/webhook-client.ts'
import { isObject, type JsonObject } from '../machinery/json.ts'
import { yamlToJson } from '../machinery/yaml.ts'

/**
 * How to reach the server of a kubeconfig's current context. Files that it names are relative to its own folder.
 * @throws Error that names what is missing or can't be read
 */
export async function readWebhookKubeconfig(file: string, timeoutMs: number): Promise<WebhookClientOptions> {
  const config = yamlToJson(await readFile(file))
  if (!isObject(config)) throw new Error(`${file} is no kubeconfig`)
  const context = named(config, 'contexts', 'context', text(config['current-context']))
  const cluster = context && named(config, 'clusters', 'cluster', text(context.cluster))
  const server = text(cluster?.server)
  if (!cluster || !server) throw new Error(`${file}: the current context has no cluster with a server`)
  const user = named(config, 'users', 'user', text(context.user)) ?? {}
  const folder = path.dirname(path.resolve(file))
  const [ca, credentials] = await Promise.all([loadData(cluster, 'certificate-authority', folder), readWebhookUser(user, folder)])
  return {
    url: server,
    timeoutMs,
    ...(ca ? { ca } : {}),
    ...credentials,
    ...(text(cluster['tls-server-name']) ? { serverName: text(cluster['tls-server-name']) } : {}),
    ...(cluster['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
  }
}

/**
 * How a user of a kubeconfig shows who they are.
 *
 * @param folder of the kubeconfig, which its files are relative to
 * @throws Error (rejects) for files that can't be read
 */
export async function readWebhookUser(
  user: JsonObject,
  folder: string,
): Promise<Pick<WebhookClientOptions, 'cert' | 'key' | 'authorization'>> {
  const [cert, key] = await Promise.all([loadData(user, 'client-certificate', folder), loadData(user, 'client-key', folder)])
  const authorization = credentials(user, folder)
  return { ...(cert && key ? { cert, key } : {}), ...(authorization ? { authorization } : {}) }
}

/** What is given as it is (in base64), or in a file. */
async function loadData(source: JsonObject, field: string, folder: string): Promise<string | undefined> {
  const data = text(source[`${field}-data`])
  if (data) return Buffer.from(data, 'base64').toString()
  const file = text(source[field])
  return file ? await readFile(path.resolve(folder, file), 'utf8') : undefined
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The entry of a list in a kubeconfig, such as that of `clusters` with a name. */
function named(config: JsonObject, list: string, field: string, name: string): JsonObject | undefined {
  const entries = Array.isArray(config[list]) ? config[list] : []
  const found = entries.find((entry) => isObject(entry) && text(entry.name) === name)
  const value = isObject(found) ? found[field] : undefined
  return isObject(value) ? value : undefined
}

function credentials(user: JsonObject, folder: string): (() => string | Promise<string>) | undefined {
  const { token, tokenFile, username, password } = user
  if (text(tokenFile)) return async () => `Bearer ${(await readFile(path.resolve(folder, text(tokenFile)), 'utf8')).trim()}`
  if (text(token)) return () => `Bearer ${text(token)}`
  if (text(username)) return () => `Basic ${Buffer.from(`${text(username)}:${text(password)}`).toString('base64')}`
  return undefined
}
