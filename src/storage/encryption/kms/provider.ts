import { randomBytes, randomUUID } from 'node:crypto'
import { ExtendedNonceGcm } from '../aes.ts'
import type { EncryptionMetrics } from '../metrics.ts'
import { KmsClient } from './client.ts'
import { checkHead, EnvelopeTransformer, hashOf, keyIdError, type WriteKey } from './envelope.ts'
import { decrypt, encrypt, type KmsStatus, sourceType, status } from './messages.ts'

/** The plugin is asked for its state this often, and more often while something is wrong. Milliseconds, as all times here. */
const healthyInterval = 60_000
const unhealthyInterval = 10_000
/** How long writes go on with a seed after the plugin was last found well. */
const maxWriteAge = 180_000
/** How long the outcome of a check stands. */
const goodCheck = 20_000
const badCheck = 3_000

export interface KmsProviderDeps {
  readonly name: string
  readonly socket: string
  /** Of one call. */
  readonly timeout: number
  /** ms since the epoch. */
  readonly clock: () => number
  readonly metrics: EncryptionMetrics
  readonly log: (message: string, fields: object) => void
}

interface State extends WriteKey {
  /** Writes may use it until then. */
  readonly expires: number
}

/** One KMS plugin: the key that it has now, the seed that writes use, and whether it is well. */
export class KmsProvider {
  readonly transformer: EnvelopeTransformer
  readonly #deps: KmsProviderDeps
  readonly #client: KmsClient
  #state: State | undefined
  #version = ''
  #last: { error: Error | undefined; until: number } | undefined
  #checking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(deps: KmsProviderDeps) {
    this.#deps = deps
    const { name, socket, timeout, metrics } = deps
    this.#client = new KmsClient({
      socket,
      timeout,
      observe: (method, started, code) => metrics.called(name, method, started, code),
    })
    this.transformer = new EnvelopeTransformer({
      writeKey: () => this.#writeKey(),
      currentKeyId: () => this.#state?.head.keyId,
      decrypt: async ({ encryptedDekSource, keyId, annotations }) => {
        const { plaintext } = await this.#client.call(decrypt, {
          ciphertext: encryptedDekSource,
          uid: randomUUID(),
          keyId,
          annotations,
        })
        return plaintext
      },
      missed: () => metrics.missed(),
      used: (direction, keyId) => metrics.keyUsed(direction, name, hashOf(keyId)),
    })
  }

  /** Asks the plugin for the first time, and keeps asking. A plugin that isn't there yet doesn't hold the server up for good. */
  async start(): Promise<void> {
    await this.#probe()
  }

  /** @throws Error when the plugin isn't well; at times it is the outcome of some seconds ago */
  async check(): Promise<void> {
    if (this.#last && this.#deps.clock() < this.#last.until) {
      if (this.#last.error) throw this.#last.error
      return
    }
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    await this.#checking
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#client.close()
  }

  async #probe(): Promise<void> {
    let wait = healthyInterval
    try {
      await this.check()
    } catch (error) {
      wait = unhealthyInterval
      if (!this.#closed) this.#deps.log('a KMS plugin is not well', { name: this.#deps.name, error: (error as Error).message })
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#probe(), wait).unref()
  }

  async #check(): Promise<void> {
    const { name, clock } = this.#deps
    try {
      const answer = await this.#client.call(status, {}).catch((error: Error) => {
        throw new Error(`failed to perform status section of the healthz check for KMS Provider ${name}, error: ${error.message}`)
      })
      await this.#take(answer)
      this.#last = { error: undefined, until: clock() + goodCheck }
    } catch (error) {
      this.#last = { error: error as Error, until: clock() + badCheck }
      throw error
    }
  }

  /** @throws Error with all that is wrong */
  async #take({ healthz, version, keyId }: KmsStatus): Promise<void> {
    const { name, metrics } = this.#deps
    const errors: string[] = []
    if (healthz !== 'ok') errors.push(`got unexpected healthz status: ${healthz}`)
    if (version !== 'v2' && version !== 'v2beta1') errors.push(`expected KMSv2 API version v2, got ${version}`)
    else {
      this.#version ||= version
      if (this.#version !== version) {
        errors.push(
          `KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`,
        )
      }
    }
    const wrong = keyIdError(keyId)
    if (wrong) {
      metrics.badKeyId(name, wrong.code)
      errors.push(`got invalid KMSv2 KeyID hash ${JSON.stringify(hashOf(keyId))}: ${wrong.message}`)
    } else {
      metrics.keySeen(name, hashOf(keyId))
      const failed = await this.#rotate(keyId)
      if (failed) errors.push(failed)
    }
    if (errors.length === 0) return
    const all = errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`
    throw new Error(`kmsv2 Provider ${name} is not healthy, error: ${all}`)
  }

  /**
   * Makes a new seed when the plugin has another key than the present seed was encrypted with; otherwise the present one is good for some
   * more time. Where a new one can't be had, the present one stays until its time is over.
   *
   * @returns what went wrong
   */
  async #rotate(keyId: string): Promise<string | undefined> {
    const { clock, metrics } = this.#deps
    const before = this.#state
    // Before the call, so that the time is an upper bound whatever the call takes.
    const expires = clock() + maxWriteAge
    if (before?.head.keyId === keyId) {
      this.#state = { ...before, expires }
      return undefined
    }
    const uid = randomUUID()
    let encryptKeyId = ''
    let cause = '<nil>'
    try {
      const started = performance.now()
      const seed = randomBytes(32)
      metrics.keyMade(started)
      const answer = await this.#client.call(encrypt, { plaintext: seed, uid }).catch((error: Error) => {
        throw new Error(`failed to encrypt DEK, error: ${error.message}`)
      })
      encryptKeyId = answer.keyId
      const head = {
        keyId: answer.keyId,
        // What was received is a part of a larger buffer.
        encryptedDekSource: Buffer.from(answer.ciphertext),
        annotations: answer.annotations.map(({ key, value }) => ({ key, value: Buffer.from(value) })),
        sourceType: sourceType.seed,
      }
      checkHead(head)
      if (head.keyId === keyId) {
        const transformer = new ExtendedNonceGcm(seed)
        this.transformer.remember(head, transformer)
        this.#state = { transformer, head, expires }
        return undefined
      }
    } catch (error) {
      cause = (error as Error).message
    }
    const quoted = (id: string | undefined) => JSON.stringify(hashOf(id ?? ''))
    const until = before ? time(before.expires) : '0001-01-01T00:00:00Z'
    return `failed to rotate DEK uid=${JSON.stringify(uid)}, useSeed=true, errState=${before ? '<nil>' : 'got unexpected nil transformer'}, errGen=${cause}, statusKeyIDHash=${quoted(keyId)}, encryptKeyIDHash=${quoted(encryptKeyId)}, stateKeyIDHash=${quoted(before?.head.keyId)}, expirationTimestamp=${until}`
  }

  #writeKey(): WriteKey {
    const state = this.#state
    if (!state) throw new Error('got unexpected nil transformer')
    const now = this.#deps.clock()
    if (now > state.expires) {
      throw new Error(
        `encryptedDEKSource with keyID hash ${JSON.stringify(hashOf(state.head.keyId))} expired at ${time(state.expires)} (current time is ${time(now)})`,
      )
    }
    return state
  }
}

const time = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
