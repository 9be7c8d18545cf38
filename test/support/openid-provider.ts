import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { CompactSign, exportJWK } from 'jose'
import { type Authority, authority, serving } from './certificates.ts'

type Algorithm = 'RS256' | 'ES256' | 'PS384'

interface Key {
  id: string
  algorithm: Algorithm
  privateKey: KeyObject
  publicKey: KeyObject
}

/** An OpenID provider: its configuration, its keys, and a way to get tokens without a browser. */
export class OpenIdProvider implements AsyncDisposable {
  readonly ca: string
  readonly #server: Server
  #port = 0
  #keys: Key[] = []
  /** Requests for the keys. */
  keyRequests = 0
  /** What it calls itself, when that isn't where it is. */
  name: string | undefined

  private constructor(server: Server, ca: string) {
    this.#server = server
    this.ca = ca
    this.rotate('RS256')
    server.on('request', (request, response) => {
      void this.#answer(request.url ?? '').then((body) => {
        response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(body)
      })
    })
  }

  static async start(port = 0, ca: Authority = authority('openid-ca')): Promise<OpenIdProvider> {
    const provider = new OpenIdProvider(createServer(serving(ca)), ca.certificatePem)
    provider.#server.listen(port, '127.0.0.1')
    await once(provider.#server, 'listening')
    provider.#port = (provider.#server.address() as AddressInfo).port
    return provider
  }

  get port(): number {
    return this.#port
  }

  get issuer(): string {
    return this.name ?? `https://localhost:${this.#port}`
  }

  /** Signs with a new key from now on. @param keep whether the old ones are still told */
  rotate(algorithm: Algorithm, keep = false): void {
    const { privateKey, publicKey } =
      algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = { id: randomUUID(), algorithm, privateKey, publicKey }
    this.#keys = keep ? [key, ...this.#keys] : [key]
  }

  /** A token of somebody who logged in. @param withId whether its header names the key */
  async login(claims: object, withId = true): Promise<string> {
    const { id, algorithm, privateKey } = this.#keys[0]!
    const now = Math.floor(Date.now() / 1000)
    const all = { iss: this.issuer, aud: 'kubernetes', iat: now, exp: now + 3600, ...claims }
    return await new CompactSign(Buffer.from(JSON.stringify(all)))
      .setProtectedHeader({ alg: algorithm, ...(withId ? { kid: id } : {}) })
      .sign(privateKey)
  }

  async #answer(url: string): Promise<string | undefined> {
    const keys = `https://localhost:${this.#port}/keys`
    if (url.endsWith('/openid-configuration')) return JSON.stringify({ issuer: this.issuer, jwks_uri: keys })
    if (url !== '/keys') return undefined
    this.keyRequests++
    const jwks = this.#keys.map(async (key) => ({
      ...(await exportJWK(key.publicKey)),
      kid: key.id,
      alg: key.algorithm,
      use: 'sig',
    }))
    return JSON.stringify({ keys: await Promise.all(jwks) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
