import assert from 'node:assert/strict'
import type { Options } from '../../src/options/table.ts'
import { startTestServer } from '../../src/testing/start-test-server.ts'
import { WebhookServer } from './webhook-server.ts'

export const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1'
export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
export const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }

type Kind = 'mutating' | 'validating'

export interface Answer {
  status: number
  body: { message?: string; reason?: string; data?: Record<string, string>; metadata?: { labels?: Record<string, string> } }
  warning: string
}

/** Allows with a JSON patch. */
export const patch = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

/** A server, and another with webhooks that can be configured in it. @param dnsNames of the webhooks' certificate */
export async function startWithWebhooks(flags: Partial<Options> = {}, dnsNames?: readonly string[]) {
  const hooks = await WebhookServer.start(dnsNames)
  const server = await startTestServer({ flags: { controllers: [], ...flags } })
  const send = async (method: string, url: string, body?: object, type?: string): Promise<Answer> => {
    const headers: Record<string, string> = type ? { 'content-type': type } : {}
    const answer = await server.request(url, { method, headers, ...(body ? { body } : {}) })
    const text = await answer.text()
    return { status: answer.status, body: JSON.parse(text) as Answer['body'], warning: answer.headers.get('warning') ?? '' }
  }
  const configure = async (kind: Kind, name: string, ...webhooks: object[]): Promise<void> => {
    const common = { rules: [RULE], sideEffects: 'None', admissionReviewVersions: ['v1'] }
    const all = webhooks.map((webhook, i) => ({ name: `${name}-${i}.example.com`, ...common, ...webhook }))
    const url = `${CONFIGURATIONS}/${kind}webhookconfigurations`
    const { status, body } = await send('POST', url, { metadata: { name }, webhooks: all })
    assert.equal(status, 201, String(body.message))
  }
  const create = (name: string, data?: object, query = '') =>
    send('POST', `${CONFIG_MAPS}${query}`, { metadata: { name }, ...(data ? { data } : {}) })
  return {
    hooks,
    server,
    send,
    configure,
    create,
    async [Symbol.asyncDispose]() {
      await server.close()
      await hooks[Symbol.asyncDispose]()
    },
  }
}
