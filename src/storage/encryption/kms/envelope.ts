import { createHash } from 'node:crypto'
import { AesGcm, ExtendedNonceGcm } from '../aes.ts'
import type { Opened, Transformer } from '../transformer.ts'
import { type EncryptedObject, encryptedObject, sourceType } from './messages.ts'

const maxAnnotations = 32 * 1024
const maxKeyId = 1024
const maxSource = 1024
/** Data keys that are kept, the least used go first. There is one for each start of each server and each key of the plugin. */
const maxKeys = 10_000
const maxFailures = 1000

/** What writes use now: a seed of our own, and how it is stored with each value that it encrypted. */
export interface WriteKey {
  readonly transformer: ExtendedNonceGcm
  /** Without its data. */
  readonly head: Omit<EncryptedObject, 'encryptedData'>
}

export interface EnvelopeDeps {
  /** What writes use. @throws Error when there is none, or it is too old to be used */
  writeKey(): WriteKey
  /** The plugin's key, as last heard of; values with another one are stale. */
  currentKeyId(): string | undefined
  /** Asks the plugin for the plaintext of an encrypted seed or key. */
  decrypt(object: EncryptedObject): Promise<Buffer>
  /** A key had to be fetched. */
  missed(): void
  /** Told of the plugin's key that a value was read or written with. */
  used(direction: 'from_storage' | 'to_storage', keyId: string): void
}

/**
 * Envelope encryption of the KMS API v2 (KEP-3299): values are encrypted with keys derived from a seed, which itself is stored beside each
 * value, encrypted by the plugin. The plugin is thus asked once for each seed, not for each value.
 */
export class EnvelopeTransformer implements Transformer {
  readonly #deps: EnvelopeDeps
  readonly #keys = new Map<string, Transformer>()
  readonly #fetching = new Map<string, Promise<void>>()
  /** Why keys couldn't be had when they were last asked for. */
  readonly #failures = new Map<string, Error>()

  constructor(deps: EnvelopeDeps) {
    this.#deps = deps
  }

  toStorage(value: Buffer, key: string): Buffer {
    const { transformer, head } = this.#deps.writeKey()
    const stored = encryptedObject.encode({ ...head, encryptedData: transformer.toStorage(value, key) })
    this.#deps.used('to_storage', head.keyId)
    return stored
  }

  fromStorage(stored: Buffer, key: string): Opened {
    const object = decodeObject(stored)
    const id = keyOf(object)
    const transformer = this.#keys.get(id)
    if (!transformer) throw this.#failures.get(id) ?? new Error('failed to decrypt DEK, error: it was not fetched')
    const { value } = transformer.fromStorage(object.encryptedData, key)
    this.#deps.used('from_storage', object.keyId)
    return { value, stale: object.keyId !== this.#deps.currentKeyId() || object.sourceType !== sourceType.seed }
  }

  prepare(stored: Buffer): Promise<void> | undefined {
    let object: EncryptedObject
    try {
      object = decodeObject(stored)
    } catch {
      return undefined
    }
    const id = keyOf(object)
    const known = this.#keys.get(id)
    if (known) {
      this.#keep(id, known)
      return undefined
    }
    let fetching = this.#fetching.get(id)
    if (!fetching) {
      fetching = this.#fetch(id, object).finally(() => this.#fetching.delete(id))
      this.#fetching.set(id, fetching)
    }
    return fetching
  }

  /** Spares the plugin the question for what we write ourselves. */
  remember(head: WriteKey['head'], transformer: Transformer): void {
    this.#keep(keyOf(head), transformer)
  }

  async #fetch(id: string, object: EncryptedObject): Promise<void> {
    this.#deps.missed()
    try {
      const plain = Buffer.from(await this.#deps.decrypt(object))
      this.#keep(id, object.sourceType === sourceType.seed ? new ExtendedNonceGcm(plain) : new AesGcm(aesKey(plain)))
      this.#failures.delete(id)
    } catch (error) {
      if (this.#failures.size >= maxFailures) this.#failures.clear()
      this.#failures.set(id, new Error(`failed to decrypt DEK, error: ${(error as Error).message}`, { cause: error }))
    }
  }

  #keep(id: string, transformer: Transformer): void {
    this.#keys.delete(id)
    this.#keys.set(id, transformer)
    if (this.#keys.size > maxKeys) for (const oldest of this.#keys.keys()) return void this.#keys.delete(oldest)
  }
}

function aesKey(key: Buffer): Buffer {
  if (![16, 24, 32].includes(key.length)) throw new Error(`crypto/aes: invalid key size ${key.length}`)
  return key
}

/** @throws Error when it isn't such an object, or breaks the API's limits */
function decodeObject(stored: Buffer): EncryptedObject {
  const object = encryptedObject.decode(stored)
  if (object.encryptedData.length === 0) throw new Error('encrypted data is empty')
  checkHead(object)
  return object
}

/** @throws Error when it breaks the API's limits */
export function checkHead({ keyId, encryptedDekSource, annotations, sourceType: type }: WriteKey['head']): void {
  if (type !== sourceType.key && type !== sourceType.seed) throw new Error(`unknown encryptedDEKSourceType: ${type}`)
  const source = encryptedDekSource.length
  if (source === 0) throw new Error('failed to validate encrypted DEK source: encrypted DEK source is empty')
  if (source > maxSource) {
    throw new Error(
      `failed to validate encrypted DEK source: encrypted DEK source is ${source} bytes, which exceeds the max size of ${maxSource}`,
    )
  }
  const wrong = keyIdError(keyId)
  if (wrong) throw new Error(`failed to validate key id: ${wrong.message}`)
  let size = 0
  for (const { key, value } of annotations) {
    if (!DOMAIN.test(key)) {
      throw new Error(
        `failed to validate annotations: annotations: Invalid value: ${JSON.stringify(key)}: should be a domain with at least two segments separated by dots`,
      )
    }
    size += Buffer.byteLength(key) + value.length
  }
  if (size > maxAnnotations) {
    throw new Error(
      `failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${maxAnnotations}`,
    )
  }
}

const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/

/** What is wrong with the plugin's key id; undefined if nothing is. `code` is what metrics call it. */
export function keyIdError(keyId: string): { message: string; code: 'empty' | 'too_long' } | undefined {
  const length = Buffer.byteLength(keyId)
  if (length === 0) return { message: 'keyID is empty', code: 'empty' }
  if (length > maxKeyId)
    return { message: `keyID is ${length} bytes, which exceeds the max size of ${maxKeyId}`, code: 'too_long' }
  return undefined
}

/** Key ids are only shown as hashes. */
export const hashOf = (keyId: string): string => (keyId ? `sha256:${createHash('sha256').update(keyId).digest('hex')}` : '')

/** What tells a seed or key from all others. */
function keyOf({ sourceType: type, encryptedDekSource, keyId, annotations }: WriteKey['head']): string {
  const parts = [String(type), encryptedDekSource.toString('base64'), Buffer.from(keyId).toString('base64')]
  if (annotations.length > 0) {
    const sorted = [...annotations].sort((a, b) => (a.key < b.key ? -1 : 1))
    for (const { key, value } of sorted) parts.push(key, value.toString('base64'))
  }
  return parts.join(' ')
}
