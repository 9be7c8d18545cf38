import type { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../../observability/metrics.ts'
import type { Observe } from './transformer.ts'

/** Upper bounds that double from `first` on. */
const doubling = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first * 2 ** i)

/** Key ids that metrics tell apart for each provider; the oldest one goes. */
const maxKeyIds = 10

/** What encryption counts, under the reference's names. */
export class EncryptionMetrics {
  readonly #reloads: Counter
  readonly #lastReload: Gauge
  readonly #configInfo: Gauge
  readonly #operations: Counter
  readonly #durations: Histogram
  readonly #misses: Counter
  readonly #keysMade: Histogram
  readonly #calls: Histogram
  readonly #keyUses: Counter
  readonly #keyTimes: Gauge
  readonly #statusTimes: Gauge
  readonly #badKeyIds: Counter
  readonly #clock: () => number
  readonly #usedKeyIds = new Set<string>()
  readonly #seenKeyIds = new Set<string>()

  /** @param clock ms since the epoch */
  constructor(metrics: Metrics, clock: () => number) {
    this.#clock = clock
    const reload = (name: string) => `apiserver_encryption_config_controller_${name}`
    this.#reloads = metrics.counter(reload('automatic_reloads_total'), 'Reloads of the encryption configuration.', ['status'])
    this.#lastReload = metrics.gauge(
      reload('automatic_reload_last_timestamp_seconds'),
      'When the encryption configuration was last reloaded.',
      ['status'],
    )
    this.#configInfo = metrics.gauge(reload('last_config_info'), 'The encryption configuration in use, by its hash.', ['hash'])
    const transformed = ['transformation_type', 'transformer_prefix'] as const
    this.#operations = metrics.counter('apiserver_storage_transformation_operations_total', 'Transformations of values.', [
      ...transformed,
      'status',
    ])
    this.#durations = metrics.histogram(
      'apiserver_storage_transformation_duration_seconds',
      'How long transformations of values took.',
      transformed,
      doubling(5e-6, 25),
    )
    this.#misses = metrics.counter(
      'apiserver_storage_envelope_transformation_cache_misses_total',
      'Data keys that a KMS plugin was asked for.',
    )
    this.#keysMade = metrics.histogram(
      'apiserver_storage_data_key_generation_duration_seconds',
      'How long making data keys took.',
      [],
      doubling(5e-6, 14),
    )
    const envelope = (name: string) => `apiserver_envelope_encryption_${name}`
    const keyLabels = ['transformation_type', 'provider_name', 'key_id_hash'] as const
    this.#calls = metrics.histogram(
      envelope('kms_operations_latency_seconds'),
      'How long calls to KMS plugins took.',
      ['provider_name', 'method_name', 'grpc_status_code'],
      doubling(0.0001, 20),
    )
    this.#keyUses = metrics.counter(envelope('key_id_hash_total'), 'Uses of keys of KMS plugins.', keyLabels)
    this.#keyTimes = metrics.gauge(
      envelope('key_id_hash_last_timestamp_seconds'),
      'When a key of a KMS plugin was last used.',
      keyLabels,
    )
    this.#statusTimes = metrics.gauge(
      envelope('key_id_hash_status_last_timestamp_seconds'),
      'When a KMS plugin last said that it has this key.',
      ['provider_name', 'key_id_hash'],
    )
    this.#badKeyIds = metrics.counter(envelope('invalid_key_id_from_status_total'), 'Key ids of KMS plugins that are none.', [
      'provider_name',
      'error',
    ])
  }

  readonly transformed: Observe = (direction, prefix, started, error) => {
    const labels = { transformation_type: direction, transformer_prefix: prefix }
    this.#operations.inc({ ...labels, status: error === undefined ? 'OK' : codeOf(error) })
    if (error === undefined) this.#durations.observe(labels, since(started))
  }

  /** @param hash of the configuration that is in use since; unset when it couldn't be used */
  reloaded(hash: string | undefined): void {
    const status = hash === undefined ? 'failure' : 'success'
    this.#reloads.inc({ status })
    this.#lastReload.set({ status }, this.#clock() / 1000)
    if (hash !== undefined) this.inUse(hash)
  }

  inUse(hash: string): void {
    this.#configInfo.reset()
    this.#configInfo.set({ hash }, 1)
  }

  missed(): void {
    this.#misses.inc()
  }

  keyMade(started: number): void {
    this.#keysMade.observe(since(started))
  }

  called(provider: string, method: string, started: number, code: string): void {
    this.#calls.observe({ provider_name: provider, method_name: method, grpc_status_code: code }, since(started))
  }

  keyUsed(direction: 'from_storage' | 'to_storage', provider: string, hash: string): void {
    this.#bound(this.#usedKeyIds, [direction, provider, hash], (transformation_type, provider_name, key_id_hash) => {
      this.#keyUses.remove({ transformation_type, provider_name, key_id_hash })
      this.#keyTimes.remove({ transformation_type, provider_name, key_id_hash })
    })
    const labels = { transformation_type: direction, provider_name: provider, key_id_hash: hash }
    this.#keyUses.inc(labels)
    this.#keyTimes.set(labels, this.#clock() / 1000)
  }

  keySeen(provider: string, hash: string): void {
    this.#bound(this.#seenKeyIds, [provider, hash], (provider_name, key_id_hash) =>
      this.#statusTimes.remove({ provider_name, key_id_hash }),
    )
    this.#statusTimes.set({ provider_name: provider, key_id_hash: hash }, this.#clock() / 1000)
  }

  badKeyId(provider: string, error: string): void {
    this.#badKeyIds.inc({ provider_name: provider, error })
  }

  /** Keeps the labels that were used last, so that a plugin that rotates often doesn't fill the memory. */
  #bound(known: Set<string>, labels: readonly string[], drop: (...labels: string[]) => void): void {
    const name = labels.join('\n')
    known.delete(name)
    known.add(name)
    if (known.size <= maxKeyIds) return
    const [oldest] = known
    known.delete(oldest!)
    drop(...oldest!.split('\n'))
  }
}

const since = (started: number): number => (performance.now() - started) / 1000

/** gRPC's name for what a plugin answered; everything else failed on this side. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && at.name === 'KmsError') return String(at.code)
  }
  return 'unknown-non-grpc'
}
