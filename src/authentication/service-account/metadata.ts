import { exportJWK } from 'jose'
import type { VerificationKey } from './keys.ts'

/** Where the keys are told. */
export const JWKS_PATH = '/openid/v1/jwks'

/** What others need to verify our tokens by themselves, each as JSON. */
export interface OpenIdMetadata {
  readonly configuration: string
  readonly keys: string
}

/**
 * The documents of an OpenID provider for service account tokens.
 *
 * @param jwksUri where clients find the keys
 * @returns undefined for an issuer that can't have any, by the rules of OpenID Connect Discovery
 */
export async function openIdMetadata(
  issuer: string,
  jwksUri: string,
  keys: readonly VerificationKey[],
): Promise<OpenIdMetadata | undefined> {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (url?.protocol !== 'https:' || url.search || url.hash) return undefined
  const algorithm = (key: VerificationKey): string => key.algorithms[0]!
  const jwks = await Promise.all(
    keys.map(async (key) => {
      const { kty, crv, x, y, n, e } = await exportJWK(key.key)
      const own =
        kty === 'EC' ? { kty, kid: key.id, crv, alg: algorithm(key), x, y } : { kty, kid: key.id, alg: algorithm(key), n, e }
      return { use: 'sig', ...own }
    }),
  )
  const configuration = {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map(algorithm))].sort(),
  }
  return { configuration: JSON.stringify(configuration), keys: JSON.stringify({ keys: jwks }) }
}
