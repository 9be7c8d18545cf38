import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { WebhookClientOptions } from '../http/webhook-client.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { yamlToJson } from '../machinery/yaml.ts'
import { readWebhookUser } from './webhook-kubeconfig.ts'

export type WebhookUser = Pick<WebhookClientOptions, 'cert' | 'key' | 'authorization'>

const KINDS: ReadonlySet<string> = new Set([
  'apiserver.config.k8s.io/v1 WebhookAdmissionConfiguration',
  'apiserver.config.k8s.io/v1alpha1 WebhookAdmission',
])

/** How we show admission webhooks who we are, by their hosts. */
export class WebhookUsers {
  readonly #users: ReadonlyMap<string, WebhookUser>

  constructor(users: ReadonlyMap<string, WebhookUser> = new Map()) {
    this.#users = users
  }

  /**
   * Reads the configuration of a webhook plugin, with the kubeconfig that it names.
   *
   * @param document undefined for none
   * @throws Error (rejects) with one line
   * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers
   */
  static async read(document: Json | undefined): Promise<WebhookUsers> {
    if (document === undefined) return new WebhookUsers()
    if (!isObject(document) || !KINDS.has(`${document.apiVersion} ${document.kind}`))
      throw new Error('it is no WebhookAdmissionConfiguration of apiserver.config.k8s.io/v1')
    const file = document.kubeConfigFile ?? ''
    if (typeof file !== 'string') throw new Error('kubeConfigFile must be a string')
    if (file === '') return new WebhookUsers()
    if (!path.isAbsolute(file)) throw new Error(`kubeConfigFile: ${JSON.stringify(file)} must be an absolute file path`)
    const kubeconfig = yamlToJson(await readFile(file))
    if (!isObject(kubeconfig)) throw new Error(`${file} is no kubeconfig`)
    const users = new Map<string, WebhookUser>()
    const add = async (name: unknown, user: JsonObject | undefined): Promise<void> => {
      if (typeof name === 'string' && user) users.set(name, await readWebhookUser(user, path.dirname(file)))
    }
    const list = listOf(kubeconfig.users)
    for (const { name, user } of list) await add(name, isObject(user) ? user : {})
    // Whoever is named nowhere is met as the current context's user.
    const current = listOf(kubeconfig.contexts).find(({ name }) => name === kubeconfig['current-context'])?.context
    const found = isObject(current) ? list.find(({ name }) => name === current.user)?.user : undefined
    if (!users.has('*')) await add('*', isObject(found) ? found : undefined)
    return new WebhookUsers(users)
  }

  /** @param host with its port, `example.com:443` or `service.namespace.svc:443` */
  for(host: string): WebhookUser {
    const withoutPort = host.endsWith(':443') ? host.slice(0, -':443'.length) : undefined
    for (const name of [host, ...(withoutPort ? [withoutPort] : [])]) {
      const found = this.#users.get(name) ?? this.#under(name)
      if (found) return found
    }
    return this.#users.get('*') ?? {}
  }

  /** By a star for the first parts of the name: the longest rest counts. */
  #under(name: string): WebhookUser | undefined {
    const parts = name.split('.')
    for (let i = 1; i < parts.length; i++) {
      const found = this.#users.get(`*.${parts.slice(i).join('.')}`)
      if (found) return found
    }
    return undefined
  }
}

const listOf = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
