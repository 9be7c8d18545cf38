import type { EtcdClient } from './client.ts'
import { range } from './messages.ts'

/**
 * Asks etcd for its newest revision, which its leader confirms. One question answers all who ask while the one before is on its way: so
 * that consistent reads cost etcd nearly nothing, however many there are.
 */
export class RevisionReader {
  readonly #client: EtcdClient
  readonly #key: string
  #running: Promise<number> | undefined
  #next: Promise<number> | undefined

  /** @param key any key that may be read */
  constructor(client: EtcdClient, key: string) {
    this.#client = client
    this.#key = key
  }

  /** A revision that holds every write that was acknowledged before the call. @throws RpcError */
  read(): Promise<number> {
    if (!this.#running) return this.#start()
    // The running question may have been answered before a write that the caller knows of. If it fails, so would the next one.
    this.#next ??= this.#running
      .finally(() => {
        this.#next = undefined
      })
      .then(() => this.#start())
    return this.#next
  }

  #start(): Promise<number> {
    const running = this.#ask().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #ask(): Promise<number> {
    const { header } = await this.#client.call(range, { key: this.#key, countOnly: true }, { repeatable: true })
    return header!.revision
  }
}
