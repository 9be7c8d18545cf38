import { CompactSign } from 'jose'
import type { JsonObject } from '../../machinery/json.ts'
import { canonical } from './canonical.ts'
import type { SigningKey } from './keys.ts'

/** Signs tokens in the name of an issuer. */
export class TokenSigner {
  readonly #key: SigningKey
  readonly #issuer: string

  /** @param issuer what tokens name as theirs: the first `--service-account-issuer` */
  constructor(key: SigningKey, issuer: string) {
    this.#key = key
    this.#issuer = issuer
  }

  async sign(claims: JsonObject): Promise<string> {
    const payload = Buffer.from(canonical({ ...claims, iss: this.#issuer }))
    return await new CompactSign(payload).setProtectedHeader({ alg: this.#key.algorithm, kid: this.#key.id }).sign(this.#key.key)
  }
}
