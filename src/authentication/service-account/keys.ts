import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** A key that service account tokens may be signed with. */
export interface VerificationKey {
  /** Derived from the key, so that it says nothing about it. */
  readonly id: string
  readonly key: KeyObject
  /** What a signature by this key may use: a key is good for its own kind of signature only. */
  readonly algorithms: readonly string[]
}

/** The key that tokens are signed with. */
export interface SigningKey {
  readonly id: string
  readonly key: KeyObject
  readonly algorithm: string
}

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g

/**
 * Reads the keys of a `--service-account-key-file`: RSA and ECDSA, public or private or in certificates, any number of
 * them. Other blocks are skipped.
 *
 * @param name of the file, for errors
 * @throws Error when there is no key
 */
export function verificationKeys(pem: string, name: string): VerificationKey[] {
  const keys: VerificationKey[] = []
  for (const [block, label] of pem.matchAll(BLOCK)) {
    if (!/(PUBLIC KEY|PRIVATE KEY|CERTIFICATE)$/.test(label!)) continue
    const key = parsed(name, () => createPublicKey(block))
    keys.push({ id: keyId(key), key, algorithms: algorithmsOf(key, name) })
  }
  if (keys.length === 0) throw new Error(`${name} holds neither RSA nor ECDSA keys in PEM form`)
  return keys
}

/** Reads a `--service-account-signing-key-file`. @throws Error when it holds no private RSA or ECDSA key */
export function signingKey(pem: string, name: string): SigningKey {
  const key = parsed(name, () => createPrivateKey(pem))
  const publicKey = createPublicKey(key)
  // An RSA key could use others, too; the reference signs with this one alone.
  return { id: keyId(publicKey), key, algorithm: algorithmsOf(publicKey, name)[0]! }
}

function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
}

function algorithmsOf(key: KeyObject, name: string): readonly string[] {
  if (key.asymmetricKeyType === 'rsa') return RSA
  const algorithm = key.asymmetricKeyType === 'ec' ? CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''] : undefined
  if (!algorithm) throw new Error(`${name} holds a key that is neither RSA nor ECDSA on the curves P-256, P-384 and P-521`)
  return [algorithm]
}

function parsed(name: string, parse: () => KeyObject): KeyObject {
  try {
    return parse()
  } catch (error) {
    throw new Error(`${name} holds a key that can't be read: ${(error as Error).message}`, { cause: error })
  }
}
