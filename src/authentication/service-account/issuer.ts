import { compactVerify, decodeProtectedHeader, errors } from 'jose'
import type { JsonObject } from '../../machinery/json.ts'
import type { JwtIssuer, VerifiedToken } from '../jwt.ts'
import type { PresentedToken } from '../token.ts'
import type { VerificationKey } from './keys.ts'

const ALGORITHMS = new Set(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'])

/** Verifies tokens that this cluster signed, by any of its keys. */
export class ServiceAccountIssuer implements JwtIssuer {
  readonly #keys: readonly VerificationKey[]
  readonly #tokenOf: (payload: JsonObject) => VerifiedToken

  /** @param tokenOf reads what a verified token claims, and throws when that makes no sense */
  constructor(keys: readonly VerificationKey[], tokenOf: (payload: JsonObject) => VerifiedToken) {
    this.#keys = keys
    this.#tokenOf = tokenOf
  }

  async verify(token: PresentedToken): Promise<VerifiedToken | undefined> {
    const header = headerOf(token.text)
    // `none` and shared secrets are nothing that a public key could answer for.
    if (!header || !ALGORITHMS.has(header.algorithm)) return undefined
    const keys = header.key ? this.#keys.filter(({ id }) => id === header.key) : this.#keys
    if (keys.length === 0) throw new Error('invalid signature, no keys found')
    let refused: unknown
    for (const { key, algorithms } of keys) {
      try {
        const { payload } = await compactVerify(token.text, key, { algorithms: [...algorithms] })
        return this.#tokenOf(JSON.parse(Buffer.from(payload).toString()) as JsonObject)
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error
        refused = error
      }
    }
    throw new Error('go-jose/go-jose: error in cryptographic primitive', { cause: refused })
  }
}

function headerOf(text: string): { algorithm: string; key: string } | undefined {
  try {
    const { alg = '', kid = '' } = decodeProtectedHeader(text)
    return { algorithm: alg, key: kid }
  } catch {
    return undefined
  }
}
