import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseDuration } from '../../machinery/duration.ts'
import { goQuote } from '../../machinery/go-text.ts'
import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'
import { yamlToJsonStrict } from '../../machinery/yaml.ts'
import { validateConfiguration } from './validate.ts'

/** EncryptionConfiguration (apiserver.config.k8s.io/v1), with its defaults. */
export interface EncryptionConfiguration {
  readonly resources: readonly ResourceConfiguration[]
}

export interface ResourceConfiguration {
  /** Such as `secrets`, `deployments.apps`, `*.`, `*.apps`, `*.*`. */
  readonly resources: readonly string[]
  readonly providers: readonly ProviderConfiguration[]
}

/** One of them is set in a valid configuration. */
export interface ProviderConfiguration {
  readonly aesgcm?: Keys
  readonly aescbc?: Keys
  readonly secretbox?: Keys
  readonly identity?: object
  readonly kms?: KmsConfiguration
}

export interface Keys {
  readonly keys: readonly Key[]
}

export interface Key {
  readonly name: string
  /** In base64. */
  readonly secret: string
}

export interface KmsConfiguration {
  readonly apiVersion: string
  readonly name: string
  readonly cachesize?: number
  readonly endpoint: string
  /** Milliseconds for one call. */
  readonly timeout: number
}

export interface LoadedConfiguration {
  readonly config: EncryptionConfiguration
  /** Of the file's bytes: what tells that it changed. */
  readonly hash: string
}

const defaultTimeout = '3s'

/**
 * Reads and checks the file of `--encryption-provider-config`.
 *
 * @param reload whether it is followed, for which some more names must be unique
 * @throws Error with one line
 */
export async function loadConfiguration(file: string, reload: boolean): Promise<LoadedConfiguration> {
  const { data, hash } = await readConfiguration(file).catch((error: Error) => {
    throw new Error(`error while parsing file: error while loading file: ${error.message}`)
  })
  let config: EncryptionConfiguration
  try {
    config = decode(data)
  } catch (error) {
    const { message } = error as Error
    throw new Error(
      `error while parsing file: error decoding encryption provider configuration file ${goQuote(file)}: ${message.replaceAll(/\s*\n\s*/g, ' ')}`,
    )
  }
  const errors = validateConfiguration(config, reload)
  if (errors.length > 0) {
    const lines = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
    throw new Error(`error while parsing file: ${lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`}`)
  }
  return { config, hash }
}

/** @throws Error when there is nothing to read */
export async function readConfiguration(file: string): Promise<{ data: Buffer; hash: string }> {
  let data: Buffer
  try {
    data = await readFile(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `open ${file}: no such file or directory` : message
    throw new Error(`error reading encryption provider configuration file ${goQuote(file)}: ${why}`)
  }
  if (data.length === 0) throw new Error(`encryption provider configuration file ${goQuote(file)} is empty`)
  return { data, hash: `sha256:${createHash('sha256').update(data).digest('hex')}` }
}

/** @throws Error */
function decode(data: Buffer): EncryptionConfiguration {
  const { value, duplicates } = yamlToJsonStrict(data)
  if (!isObject(value)) throw new Error("couldn't get version/kind; json parse error: the file has no object")
  const { kind, apiVersion } = value
  if (typeof kind !== 'string' || kind === '') throw new Error("Object 'Kind' is missing in the file")
  if (typeof apiVersion !== 'string' || apiVersion === '') throw new Error("Object 'apiVersion' is missing in the file")
  const known = kind === 'EncryptionConfiguration' && apiVersion === 'apiserver.config.k8s.io/v1'
  if (!known && !(kind === 'EncryptionConfig' && apiVersion === 'v1')) {
    throw new Error(`no kind ${goQuote(kind)} is registered for version ${goQuote(apiVersion)}`)
  }
  const reader = new Reader()
  const config = {
    resources: reader.objects(value, 'resources', '').map(([item, at]) => readResource(reader, item, at)),
  }
  reader.only(value, '', ['kind', 'apiVersion', 'resources'])
  const wrong = [...(duplicates ? [duplicates] : []), ...reader.unknown]
  if (wrong.length > 0) throw new Error(`strict decoding error: ${wrong.join(', ')}`)
  return config
}

function readResource(reader: Reader, item: JsonObject, at: string): ResourceConfiguration {
  reader.only(item, at, ['resources', 'providers'])
  return {
    resources: reader.texts(item, 'resources', at),
    providers: reader.objects(item, 'providers', at).map(([provider, place]) => readProvider(reader, provider, place)),
  }
}

function readProvider(reader: Reader, item: JsonObject, at: string): ProviderConfiguration {
  reader.only(item, at, ['aesgcm', 'aescbc', 'secretbox', 'identity', 'kms'])
  const out: { -readonly [K in keyof ProviderConfiguration]: ProviderConfiguration[K] } = {}
  for (const name of ['aesgcm', 'aescbc', 'secretbox'] as const) {
    const provider = reader.object(item, name, at)
    if (!provider) continue
    const place = `${at}.${name}`
    reader.only(provider, place, ['keys'])
    const keys = reader.objects(provider, 'keys', place).map(([key, keyAt]) => {
      reader.only(key, keyAt, ['name', 'secret'])
      return { name: reader.text(key, 'name', keyAt), secret: reader.text(key, 'secret', keyAt) }
    })
    out[name] = { keys }
  }
  const identity = reader.object(item, 'identity', at)
  if (identity) {
    reader.only(identity, `${at}.identity`, [])
    out.identity = {}
  }
  const kms = reader.object(item, 'kms', at)
  if (kms) out.kms = readKms(reader, kms, `${at}.kms`)
  return out
}

function readKms(reader: Reader, item: JsonObject, at: string): KmsConfiguration {
  reader.only(item, at, ['apiVersion', 'name', 'cachesize', 'endpoint', 'timeout'])
  const { cachesize } = item
  if (cachesize !== undefined && cachesize !== null && !Number.isInteger(cachesize))
    throw wrongType(cachesize, `${at}.cachesize`, 'int32')
  return {
    apiVersion: reader.text(item, 'apiVersion', at) || 'v1',
    name: reader.text(item, 'name', at),
    endpoint: reader.text(item, 'endpoint', at),
    timeout: Number(parseDuration(reader.text(item, 'timeout', at) || defaultTimeout)) / 1e6,
    ...(typeof cachesize === 'number' ? { cachesize } : {}),
  }
}

/** Takes typed fields out of decoded objects, and notes those that nobody knows. */
class Reader {
  readonly unknown: string[] = []

  only(item: JsonObject, at: string, known: readonly string[]): void {
    for (const name of Object.keys(item)) {
      if (!known.includes(name)) this.unknown.push(`unknown field ${goQuote(at ? `${at}.${name}` : name)}`)
    }
  }

  text(item: JsonObject, name: string, at: string): string {
    const value = item[name] ?? ''
    if (typeof value !== 'string') throw wrongType(value, `${at}.${name}`, 'string')
    return value
  }

  texts(item: JsonObject, name: string, at: string): string[] {
    return this.#list(item, name, at, '[]string').map((value) => {
      if (typeof value !== 'string') throw wrongType(value, `${at}.${name}`, 'string')
      return value
    })
  }

  object(item: JsonObject, name: string, at: string): JsonObject | undefined {
    const value = item[name] ?? undefined
    if (value !== undefined && !isObject(value)) throw wrongType(value, `${at}.${name}`, 'object')
    return value
  }

  objects(item: JsonObject, name: string, at: string): [item: JsonObject, at: string][] {
    const place = at ? `${at}.${name}` : name
    return this.#list(item, name, at, '[]object').map((value, index) => {
      if (value !== null && !isObject(value)) throw wrongType(value, place, 'object')
      return [value ?? {}, `${place}[${index}]`]
    })
  }

  #list(item: JsonObject, name: string, at: string, type: string): Json[] {
    const value = item[name] ?? []
    if (!Array.isArray(value)) throw wrongType(value, at ? `${at}.${name}` : name, type)
    return value
  }
}

function wrongType(value: Json, at: string, type: string): Error {
  const is = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const field = at.replaceAll(/\[\d+\]/g, '')
  return new Error(`json: cannot unmarshal ${is} into Go struct field EncryptionConfiguration.${field} of type ${type}`)
}
