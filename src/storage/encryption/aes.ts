import { type CipherGCMTypes, createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type { Opened, Transformer } from './transformer.ts'

const TOO_SHORT = 'the stored data was shorter than the required size'
const nonceSize = 12
const tagSize = 16
const blockSize = 16
/** Bytes of the random part from which the extended nonce's key is derived. */
const infoSize = 32

const opened = (value: Buffer): Opened => ({ value, stale: false })

/** @throws Error when it isn't what this key made for this place */
function openGcm(cipherKey: Buffer, stored: Buffer, place: string): Buffer {
  if (stored.length < nonceSize + tagSize) throw new Error(TOO_SHORT)
  const cipher = createDecipheriv(gcmOf(cipherKey), cipherKey, stored.subarray(0, nonceSize))
  cipher.setAAD(Buffer.from(place))
  cipher.setAuthTag(stored.subarray(-tagSize))
  const value = cipher.update(stored.subarray(nonceSize, -tagSize))
  try {
    cipher.final()
  } catch {
    throw new Error('cipher: message authentication failed')
  }
  return value
}

/** Nonce, ciphertext and tag, after `head`. */
function sealGcm(cipherKey: Buffer, value: Buffer, place: string, head?: Buffer): Buffer {
  const nonce = randomBytes(nonceSize)
  const cipher = createCipheriv(gcmOf(cipherKey), cipherKey, nonce)
  cipher.setAAD(Buffer.from(place))
  const sealed = cipher.update(value)
  const last = cipher.final()
  const tag = cipher.getAuthTag()
  return Buffer.concat(head ? [head, nonce, sealed, last, tag] : [nonce, sealed, last, tag])
}

const gcmOf = (cipherKey: Buffer): CipherGCMTypes => `aes-${(cipherKey.length * 8) as 128 | 192 | 256}-gcm`

/** AES-GCM with a random nonce, bound to where the value is stored. A key is good for about 2^32 writes. */
export class AesGcm implements Transformer {
  readonly #key: Buffer

  /** @param key of 16, 24 or 32 bytes */
  constructor(key: Buffer) {
    this.#key = key
  }

  toStorage(value: Buffer, key: string): Buffer {
    return sealGcm(this.#key, value, key)
  }

  fromStorage(stored: Buffer, key: string): Opened {
    return opened(openGcm(this.#key, stored, key))
  }
}

/**
 * AES-GCM with a key of its own for every value, derived from a seed by HKDF with SHA-256 (its expansion alone: the seed is random), so
 * that a seed doesn't wear out. 32 random bytes, from which the key is derived, come before the nonce. See KEP-3299.
 */
export class ExtendedNonceGcm implements Transformer {
  readonly #seed: Buffer

  /** @param seed at least 32 random bytes */
  constructor(seed: Buffer) {
    if (seed.length < 32) throw new Error(`invalid seed length ${seed.length} used for key generation`)
    this.#seed = seed
  }

  toStorage(value: Buffer, key: string): Buffer {
    const info = randomBytes(infoSize)
    return sealGcm(this.#derive(info), value, key, info)
  }

  fromStorage(stored: Buffer, key: string): Opened {
    if (stored.length < infoSize) throw new Error(TOO_SHORT)
    return opened(openGcm(this.#derive(stored.subarray(0, infoSize)), stored.subarray(infoSize), key))
  }

  /** The first block of HKDF's expansion (RFC 5869), which is all the 32 bytes that are needed. */
  #derive(info: Buffer): Buffer {
    return createHmac('sha256', this.#seed)
      .update(info)
      .update(Buffer.from([1]))
      .digest()
  }
}

/** AES-CBC with a random IV and PKCS #7 padding. Nothing tells whether a value was tampered with but, at times, its padding. */
export class AesCbc implements Transformer {
  readonly #key: Buffer
  readonly #algorithm: string

  /** @param key of 16, 24 or 32 bytes */
  constructor(key: Buffer) {
    this.#key = key
    this.#algorithm = `aes-${key.length * 8}-cbc`
  }

  toStorage(value: Buffer): Buffer {
    const iv = randomBytes(blockSize)
    const cipher = createCipheriv(this.#algorithm, this.#key, iv)
    return Buffer.concat([iv, cipher.update(value), cipher.final()])
  }

  fromStorage(stored: Buffer): Opened {
    if (stored.length < blockSize) throw new Error(TOO_SHORT)
    if (stored.length % blockSize !== 0) throw new Error('the stored data is not a multiple of the block size')
    const cipher = createDecipheriv(this.#algorithm, this.#key, stored.subarray(0, blockSize)).setAutoPadding(false)
    const padded = Buffer.concat([cipher.update(stored.subarray(blockSize)), cipher.final()])
    const padding = padded.at(-1) ?? 0
    if (padding === 0 || padding > padded.length) throw new Error('invalid PKCS7 data (empty or not padded)')
    const end = padded.length - padding
    for (let i = end; i < padded.length; i++) if (padded[i] !== padding) throw new Error('invalid padding on input')
    return opened(padded.subarray(0, end))
  }
}
