import { AesCbc, AesGcm } from './aes.ts'
import type { EncryptionConfiguration, Key, KmsConfiguration, ProviderConfiguration } from './config.ts'
import { KmsProvider } from './kms/provider.ts'
import type { EncryptionMetrics } from './metrics.ts'
import { Secretbox } from './secretbox.ts'
import { identity, type Prefixed, PrefixTransformers, type Transformer } from './transformer.ts'
import { decodeBase64, groupResource, socketOf } from './validate.ts'

export interface ProvidersDeps {
  readonly metrics: EncryptionMetrics
  /** ms since the epoch. */
  readonly clock: () => number
  readonly log: (message: string, fields: object) => void
}

const KMS_V1 =
  'KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.'

/** The transformers of one configuration, by resource, and the plugins that they use. */
export class Providers {
  readonly kms: readonly KmsProvider[]
  readonly #byResource: ReadonlyMap<string, Transformer>
  /** Milliseconds that calls to all plugins may take, one after the other. */
  readonly timeout: number

  private constructor(byResource: ReadonlyMap<string, Transformer>, kms: readonly KmsProvider[], timeout: number) {
    this.#byResource = byResource
    this.kms = kms
    this.timeout = timeout
  }

  /** Asks each plugin once, so that the first write finds what it needs if all is well. @throws Error with one line */
  static async create(config: EncryptionConfiguration, deps: ProvidersDeps): Promise<Providers> {
    const building = new Building(deps)
    try {
      await building.add(config)
      await Promise.all(building.kms.map((plugin) => plugin.start()))
    } catch (error) {
      for (const plugin of building.kms) plugin.close()
      throw new Error(`error while building transformers: ${(error as Error).message}`, { cause: error })
    }
    const transformers = new Map<string, Transformer>()
    for (const [name, choices] of building.byResource) {
      transformers.set(name, new PrefixTransformers('no matching prefix found', choices, deps.metrics.transformed))
    }
    return new Providers(transformers, building.kms, building.timeout)
  }

  /** What a resource's values go through: by its own name, by its group's, or by that of all; undefined when none is configured. */
  find(group: string, resource: string): Transformer | undefined {
    return this.#byResource.get(`${resource}.${group}`) ?? this.#byResource.get(`*.${group}`) ?? this.#byResource.get('*.*')
  }

  /** @throws Error that names each plugin that isn't well */
  async check(): Promise<void> {
    const errors: string[] = []
    for (const [i, plugin] of this.kms.entries()) {
      await plugin.check().catch((error: Error) => errors.push(`kms-provider-${i}: ${error.message}`))
    }
    if (errors.length > 0) throw new Error(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`)
  }

  close(): void {
    for (const plugin of this.kms) plugin.close()
  }
}

class Building {
  readonly kms: KmsProvider[] = []
  readonly byResource = new Map<string, Prefixed[]>()
  timeout = 0
  readonly #deps: ProvidersDeps

  constructor(deps: ProvidersDeps) {
    this.#deps = deps
  }

  async add({ resources: rules }: EncryptionConfiguration): Promise<void> {
    for (const { resources, providers } of rules) {
      const choices: Prefixed[] = []
      for (const provider of providers) choices.push(await this.#provider(provider))
      for (const text of resources) {
        const { resource, group } = groupResource(text)
        for (const wider of [`*.${group}`, '*.*']) {
          if (!this.byResource.has(wider)) continue
          const name = resource === '*' && group === '' ? '*.' : text.replace(/\.$/, '')
          throw new Error(`resource ${JSON.stringify(name)} is masked by earlier rule ${JSON.stringify(wider)}`)
        }
        const name = `${resource}.${group}`
        this.byResource.set(name, [...(this.byResource.get(name) ?? []), ...choices])
      }
    }
  }

  async #provider({ aesgcm, aescbc, secretbox, kms }: ProviderConfiguration): Promise<Prefixed> {
    if (aesgcm) return this.#keyed('aesgcm', 'AES', aesgcm.keys, (key) => new AesGcm(key))
    if (aescbc) return this.#keyed('aescbc', 'AES', aescbc.keys, (key) => new AesCbc(key))
    if (secretbox) return this.#keyed('secretbox', 'Secretbox', secretbox.keys, (key) => Secretbox.create(key))
    if (kms) return this.#plugin(kms)
    return { prefix: '', transformer: identity }
  }

  async #keyed(
    name: string,
    kind: string,
    keys: readonly Key[],
    make: (key: Buffer) => Transformer | Promise<Transformer>,
  ): Promise<Prefixed> {
    const choices: Prefixed[] = []
    for (const key of keys) {
      // Its form and length have been checked.
      choices.push({ prefix: `${key.name}:`, transformer: await make(decodeBase64(key.secret) as Buffer) })
    }
    const noMatch = `no matching key was found for the provided ${kind} transformer`
    return {
      prefix: `k8s:enc:${name}:v1:`,
      transformer: new PrefixTransformers(noMatch, choices, this.#deps.metrics.transformed),
    }
  }

  #plugin({ apiVersion, name, endpoint, timeout }: KmsConfiguration): Prefixed {
    if (apiVersion === 'v1') throw new Error(KMS_V1)
    const plugin = new KmsProvider({ ...this.#deps, name, socket: socketOf(endpoint), timeout })
    this.kms.push(plugin)
    this.timeout += timeout
    return { prefix: `k8s:enc:kms:v2:${name}:`, transformer: plugin.transformer }
  }
}
