/** A value as it was before it went to the store. */
export interface Opened {
  readonly value: Buffer
  /** Whether a write would store the same value in another way now: with another key or provider. */
  readonly stale: boolean
}

/** One way of keeping values in the store, and of getting them back. */
export interface Transformer {
  /**
   * What to store for a value.
   * @param key where it is stored, to which a provider may bind it
   */
  toStorage(value: Buffer, key: string): Buffer

  /**
   * The value that something stored stands for.
   * @throws Error when it isn't of this transformer's making, was made with another key, or was tampered with
   */
  fromStorage(stored: Buffer, key: string): Opened

  /** Fetches what opening this value takes, if that isn't here. Never rejects: what couldn't be had makes `fromStorage` throw. */
  prepare?(stored: Buffer): Promise<void> | undefined
}

/** What all encrypted values begin with. */
export const ENCRYPTED = Buffer.from('k8s:enc:')

export const startsWith = (data: Buffer, prefix: Buffer): boolean =>
  data.length >= prefix.length && data.compare(prefix, 0, prefix.length, 0, prefix.length) === 0

/** Leaves values as they are. What another provider encrypted is no value. */
export const identity: Transformer = {
  toStorage: (value) => value,
  fromStorage(stored) {
    if (startsWith(stored, ENCRYPTED)) throw new Error('identity transformer tried to read encrypted data')
    return { value: stored, stale: false }
  },
}

/** Told of every transformation. */
export type Observe = (
  direction: 'from_storage' | 'to_storage',
  prefix: string,
  /** As `performance.now()` gives it. */
  started: number,
  error: unknown,
) => void

export interface Prefixed {
  /** What its values begin with; empty for the one that stores values as they are. */
  readonly prefix: string
  readonly transformer: Transformer
}

/**
 * Several ways of keeping values, told apart by what a stored value begins with. The first one writes, all read; what another than the
 * first one wrote is stale.
 */
export class PrefixTransformers implements Transformer {
  readonly #choices: readonly { readonly name: string; readonly prefix: Buffer; readonly transformer: Transformer }[]
  readonly #noMatch: string
  readonly #observe: Observe
  readonly prepare?: (stored: Buffer) => Promise<void> | undefined

  /** @param noMatch the error for a value that begins like none of them */
  constructor(noMatch: string, choices: readonly Prefixed[], observe: Observe) {
    this.#noMatch = noMatch
    this.#choices = choices.map(({ prefix, transformer }) => ({ name: prefix, prefix: Buffer.from(prefix), transformer }))
    this.#observe = observe
    if (choices.some(({ transformer }) => transformer.prepare)) this.prepare = (stored) => this.#prepare(stored)
  }

  toStorage(value: Buffer, key: string): Buffer {
    const { name, prefix, transformer } = this.#choices[0]!
    const started = performance.now()
    let stored: Buffer
    try {
      stored = transformer.toStorage(value, key)
    } catch (error) {
      this.#observe('to_storage', name, started, error)
      throw error
    }
    this.#observe('to_storage', name, started, undefined)
    return prefix.length === 0 ? stored : Buffer.concat([prefix, stored])
  }

  fromStorage(stored: Buffer, key: string): Opened {
    const started = performance.now()
    const failures = new Set<string>()
    let cause: unknown
    for (let i = 0; i < this.#choices.length; i++) {
      const { name, prefix, transformer } = this.#choices[i]!
      if (!startsWith(stored, prefix)) continue
      try {
        const opened = transformer.fromStorage(stored.subarray(prefix.length), key)
        this.#observe('from_storage', name || 'identity', started, undefined)
        return i === 0 || opened.stale ? opened : { value: opened.value, stale: true }
      } catch (error) {
        // While values are rotated, two providers may share a prefix, so one that fails doesn't end the search. That the one without
        // a prefix can't read what is encrypted goes without saying.
        if (prefix.length === 0) continue
        this.#observe('from_storage', name, started, error)
        failures.add((error as Error).message)
        cause = error
      }
    }
    if (failures.size === 1) throw cause
    if (failures.size > 1) throw new Error(`[${[...failures].join(', ')}]`, { cause })
    const error = new Error(this.#noMatch)
    this.#observe('from_storage', 'unknown', started, error)
    throw error
  }

  #prepare(stored: Buffer): Promise<void> | undefined {
    for (const { prefix, transformer } of this.#choices) {
      if (transformer.prepare && startsWith(stored, prefix)) return transformer.prepare(stored.subarray(prefix.length))
    }
    return undefined
  }
}
