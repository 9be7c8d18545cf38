import { setTimeout as sleep } from 'node:timers/promises'
import type { StorageLabels } from '../metered.ts'
import type { Storage } from '../storage.ts'
import { loadConfiguration, readConfiguration } from './config.ts'
import { Providers, type ProvidersDeps } from './providers.ts'
import type { Transformer } from './transformer.ts'
import { TransformingStorage } from './transforming-storage.ts'

export interface EncryptionDeps extends ProvidersDeps {
  /** `--encryption-provider-config` */
  readonly file: string
  /** Whether to follow the file. */
  readonly reload: boolean
  /** Milliseconds between two looks at the file. */
  readonly lookEvery?: number
}

/** The file is small, and no kind of notice works on every volume. */
const defaultLookEvery = 10_000
/** Plugins of a new configuration must be well within this time, or the old one stays. Milliseconds. */
const minHealthyWithin = 10_000
const retryHealth = 100

/** Encryption at rest as one file configures it. */
export class Encryption {
  readonly #deps: EncryptionDeps
  #providers: Providers
  #hash: string
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #closed = false
  /** Replaced ones, which calls may still use for a while. */
  readonly #retired = new Map<Providers, NodeJS.Timeout>()

  private constructor(deps: EncryptionDeps, providers: Providers, hash: string) {
    this.#deps = deps
    this.#providers = providers
    this.#hash = hash
    deps.metrics.inUse(hash)
    if (deps.reload) this.#timer = setInterval(() => void this.look(), deps.lookEvery ?? defaultLookEvery).unref()
  }

  /** @throws Error with one line when the file can't be used */
  static async load(deps: EncryptionDeps): Promise<Encryption> {
    const { config, hash } = await loadConfiguration(deps.file, deps.reload)
    return new Encryption(deps, await Providers.create(config, deps), hash)
  }

  /** A resource's view of a store: the store itself when nothing is, or can come to be, configured for the resource. */
  storageFor({ group, resource }: StorageLabels, storage: Storage): Storage {
    const current = (): Transformer | undefined => this.#providers.find(group, resource)
    return this.#deps.reload || current() ? new TransformingStorage(storage, current) : storage
  }

  /** Whether there is, or can come to be, a plugin whose health matters. */
  get checks(): boolean {
    return this.#deps.reload || this.#providers.kms.length > 0
  }

  /** @throws Error that names each KMS plugin that isn't well */
  check(): Promise<void> {
    return this.#providers.check()
  }

  /** Looks once whether the file has changed, and uses it if so. Never rejects: what can't be used is logged, and the old one stays. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { file, metrics, log } = this.#deps
    let next: Providers | undefined
    try {
      if ((await readConfiguration(file)).hash === this.#hash) return
      const { config, hash } = await loadConfiguration(file, true)
      if (hash === this.#hash) return
      next = await Providers.create(config, this.#deps)
      await healthy(next)
      if (this.#closed) return next.close()
      this.#retire(this.#providers)
      this.#providers = next
      this.#hash = hash
      metrics.reloaded(hash)
      log('the encryption configuration changed, and is in use', { file })
    } catch (error) {
      next?.close()
      metrics.reloaded(undefined)
      log('the encryption configuration can not be used, the old one stays', { file, error: (error as Error).message })
    }
  }

  #retire(providers: Providers): void {
    if (providers.kms.length === 0) return
    const timer = setTimeout(() => {
      this.#retired.delete(providers)
      providers.close()
    }, 2 * providers.timeout).unref()
    this.#retired.set(providers, timer)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#providers.close()
    for (const [providers, timer] of this.#retired) {
      clearTimeout(timer)
      providers.close()
    }
  }
}

/** @throws Error when a plugin isn't well in time */
async function healthy(providers: Providers): Promise<void> {
  const until = performance.now() + Math.max(minHealthyWithin, 2 * providers.timeout)
  for (;;) {
    try {
      await providers.check()
      return
    } catch (error) {
      if (performance.now() > until) throw new Error(`health check for new transformers failed, ${(error as Error).message}`)
      await sleep(retryHealth)
    }
  }
}
