import type { HttpsPeer } from '../util/https-request.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** A server that a kubeconfig describes, and how we show it who we are. */
export interface ClientConfig {
  readonly url: string
  readonly peer: HttpsPeer
}

/**
 * Reads the current context of a kubeconfig: what webhooks are configured by.
 *
 * @param document parsed YAML
 * @param read gives a file's content; relative names are relative to the kubeconfig
 * @throws Error with one line for what is missing, or can't be used here
 */
export function clientConfig(document: Json, read: (file: string) => string): ClientConfig {
  if (!isObject(document)) throw new Error('it holds no configuration')
  const current = text(document, 'current-context')
  const context = named(document, 'contexts', current, 'context')
  const cluster = named(document, 'clusters', text(context, 'cluster'), 'cluster')
  const user = text(context, 'user') === '' ? {} : named(document, 'users', text(context, 'user'), 'user')
  const url = text(cluster, 'server')
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') throw new Error(`server ${JSON.stringify(url)} is no https URL`)
  for (const unsupported of ['exec', 'auth-provider'])
    if (user[unsupported] !== undefined) throw new Error(`${unsupported} can't be used here`)
  if (text(cluster, 'proxy-url') !== '') throw new Error("proxy-url can't be used here")
  const content = (from: JsonObject, name: string): string | undefined => {
    const data = text(from, `${name}-data`)
    if (data !== '') return Buffer.from(data, 'base64').toString()
    const file = text(from, name)
    return file === '' ? undefined : read(file)
  }
  const authorization = authorizationOf(user, read)
  return {
    url,
    peer: {
      ca: content(cluster, 'certificate-authority'),
      cert: content(user, 'client-certificate'),
      key: content(user, 'client-key'),
      servername: text(cluster, 'tls-server-name') || undefined,
      rejectUnauthorized: cluster['insecure-skip-tls-verify'] === true ? false : undefined,
      headers: authorization ? { authorization } : undefined,
    },
  }
}

function authorizationOf(user: JsonObject, read: (file: string) => string): string | undefined {
  const file = text(user, 'tokenFile')
  const token = file === '' ? text(user, 'token') : read(file).trim()
  if (token !== '') return `Bearer ${token}`
  const name = text(user, 'username')
  return name === '' ? undefined : `Basic ${Buffer.from(`${name}:${text(user, 'password')}`).toString('base64')}`
}

function named(document: JsonObject, list: string, name: string, member: string): JsonObject {
  const items = document[list]
  const found = Array.isArray(items) ? items.find((item) => isObject(item) && item.name === name) : undefined
  const value = isObject(found) ? found[member] : undefined
  if (!isObject(value)) throw new Error(`there is no ${member} ${JSON.stringify(name)}`)
  return value
}

function text(object: JsonObject, name: string): string {
  const value = object[name] ?? ''
  if (typeof value !== 'string') throw new Error(`${name} is no string`)
  return value
}
