import { randomBytes } from 'node:crypto'
import type { Opened, Transformer } from './transformer.ts'

const nonceSize = 24
const tagSize = 16

type Cipher = (
  key: Uint8Array,
  nonce: Uint8Array,
) => { encrypt(value: Uint8Array): Uint8Array; decrypt(sealed: Uint8Array): Uint8Array }

/** NaCl's secretbox, XSalsa20 with Poly1305, with a random nonce before the rest. Not bound to where the value is stored. */
export class Secretbox implements Transformer {
  readonly #key: Buffer
  readonly #cipher: Cipher

  private constructor(key: Buffer, cipher: Cipher) {
    this.#key = key
    this.#cipher = cipher
  }

  /**
   * OpenSSL has no Salsa20, so a library brings it, which is loaded for those who use it only.
   * @param key of 32 bytes
   */
  static async create(key: Buffer): Promise<Secretbox> {
    const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js')
    return new Secretbox(key, xsalsa20poly1305)
  }

  toStorage(value: Buffer): Buffer {
    const nonce = randomBytes(nonceSize)
    return Buffer.concat([nonce, this.#cipher(this.#key, nonce).encrypt(value)])
  }

  fromStorage(stored: Buffer): Opened {
    if (stored.length < nonceSize + tagSize) throw new Error('the stored data was shorter than the required size')
    let value: Uint8Array
    try {
      value = this.#cipher(this.#key, stored.subarray(0, nonceSize)).decrypt(stored.subarray(nonceSize))
    } catch {
      // The reference's words, whatever they mean: the tag doesn't match.
      throw new Error('output array was not large enough for encryption')
    }
    return { value: Buffer.from(value.buffer, value.byteOffset, value.byteLength), stale: false }
  }
}
