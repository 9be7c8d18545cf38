import type { KubeObject } from '../../machinery/object.ts'
import { StatusError } from '../../machinery/status.ts'
import type { Facts } from '../objects.ts'
import { type Charge, charged } from './charge.ts'
import { type Quota, quotaOf, withUsed } from './quota.ts'

export interface QuotaStore {
  /**
   * Stores what `change` makes of a quota, if nobody else stored it in between: otherwise asks again. Nothing when that is undefined.
   * @throws StatusError 404
   */
  updateStatus(namespace: string, name: string, change: (quota: KubeObject) => KubeObject | undefined): Promise<unknown>
}

interface Waiting {
  charge: Charge
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Raises the usage in the status of quotas before what uses them is written. What comes in while a namespace's quotas are being written
 * is written together afterwards, so that many creations at a time are few writes.
 */
export class Ledger {
  readonly #quotas: Facts<Quota>
  readonly #store: QuotaStore
  /** Of the namespaces that are being worked on, what comes next. */
  readonly #next = new Map<string, Waiting[]>()

  constructor(quotas: Facts<Quota>, store: QuotaStore) {
    this.#quotas = quotas
    this.#store = store
  }

  /** @throws StatusError 403 if some quota doesn't have that much left */
  enter(charge: Charge): Promise<void> {
    const { namespace } = charge.attributes
    return new Promise((resolve, reject) => {
      const waiting = { charge, resolve, reject }
      const next = this.#next.get(namespace)
      if (next) next.push(waiting)
      else {
        this.#next.set(namespace, [waiting])
        void this.#work(namespace)
      }
    })
  }

  async #work(namespace: string): Promise<void> {
    for (let batch = this.#next.get(namespace); batch?.length; batch = this.#next.get(namespace)) {
      this.#next.set(namespace, [])
      try {
        await this.#enterAll(namespace, batch)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#next.delete(namespace)
  }

  /** Nothing is taken from a quota for what another one refuses. */
  async #enterAll(namespace: string, batch: readonly Waiting[]): Promise<void> {
    const before = await this.#quotas.inNamespace(namespace)
    let quotas = before
    let waiting: Waiting[] = []
    for (const one of batch) {
      try {
        const after = charged(quotas, one.charge)
        if (after === quotas) one.resolve()
        else waiting.push(one)
        quotas = after
      } catch (error) {
        one.reject(error)
      }
    }
    for (const [i, { name }] of quotas.entries())
      if (quotas[i] !== before[i] && waiting.length) waiting = await this.#raise(namespace, name, waiting)
    for (const { resolve } of waiting) resolve()
  }

  /** Checked again against the quota as it is stored then. @returns those that it has room for */
  async #raise(namespace: string, name: string, waiting: readonly Waiting[]): Promise<Waiting[]> {
    let refused = new Map<Waiting, unknown>()
    try {
      await this.#store.updateStatus(namespace, name, (object) => {
        refused = new Map()
        const before = [quotaOf(object)]
        let quotas: readonly Quota[] = before
        for (const one of waiting) {
          try {
            quotas = charged(quotas, one.charge)
          } catch (error) {
            refused.set(one, error)
          }
        }
        return quotas === before ? undefined : withUsed(object, quotas[0]!.used)
      })
    } catch (error) {
      // A quota that is gone limits nothing.
      if (error instanceof StatusError && error.code === 404) return [...waiting]
      throw error
    }
    for (const [{ reject }, error] of refused) reject(error)
    return waiting.filter((one) => !refused.has(one))
  }
}
