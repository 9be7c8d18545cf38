import type { EtcdClient } from './client.ts'
import { leaseGrant } from './messages.ts'

export interface LeasesDeps {
  readonly client: EtcdClient
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Seconds that a key may outlive its time so that it can share a lease; never more than 5 % of its time. */
  readonly reuseSeconds: number
}

/** Ending a lease deletes all its keys in one change, which must stay of a size that etcd can take. */
const maxKeys = 1000
const maxExtra = 0.05

/**
 * etcd's leases, by which keys expire. A lease costs etcd more than a key does, so that keys that expire at about the same time share one.
 */
export class Leases {
  readonly #deps: LeasesDeps
  #lease: Promise<bigint> | undefined
  #expiresAt = 0
  #keys = 0

  constructor(deps: LeasesDeps) {
    this.#deps = deps
  }

  /** A lease that a key with this many seconds to live can be attached to. @throws RpcError */
  async take(ttlSeconds: number): Promise<bigint> {
    const now = this.#deps.clock()
    const end = now + ttlSeconds * 1000
    const extra = Math.floor(Math.min(ttlSeconds * maxExtra, this.#deps.reuseSeconds))
    const fits = end < this.#expiresAt && end + extra * 1000 >= this.#expiresAt
    if (!this.#lease || !fits || this.#keys >= maxKeys) {
      this.#keys = 0
      this.#expiresAt = end + extra * 1000
      this.#lease = this.#grant(ttlSeconds + extra)
    }
    this.#keys++
    const lease = this.#lease
    try {
      return await lease
    } catch (error) {
      if (this.#lease === lease) this.forget()
      throw error
    }
  }

  /** Takes no more keys into the present lease: it is gone from etcd. */
  forget(): void {
    this.#lease = undefined
  }

  async #grant(seconds: number): Promise<bigint> {
    // One that is granted twice expires unused.
    const { id } = await this.#deps.client.call(leaseGrant, { ttl: seconds }, { repeatable: true })
    return id
  }
}
