import { setTimeout as sleep } from 'node:timers/promises'
import { CompactedError, StorageUnavailableError } from '../storage.ts'
import { backoff, type EtcdClient } from './client.ts'

import { code, type RpcError } from './errors.ts'
import { type EtcdEvent, type WatchAnswer, watch } from './messages.ts'

export interface FeedDeps {
  readonly client: EtcdClient
  /** Changes after this revision are told. */
  readonly after: number
  /** Whether that is the newest revision: then nothing after it is compacted, and etcd can begin at once. */
  readonly newest?: boolean
  /** The changes of one or more whole revisions, in order; `revision` is the last one. */
  readonly onEvents: (events: readonly EtcdEvent[], revision: number) => void
  /** The feed can't go on: `CompactedError`, or etcd doesn't let us watch. */
  readonly onEnd: (error: Error) => void
  readonly log: (message: string, fields?: object) => void
}

/** The range of all keys, as etcd writes it. */
const everything = { key: '\0', rangeEnd: '\0' }

/**
 * All changes of the whole etcd in order, exactly once, over any number of lost connections.
 *
 * It takes the keys of others, too, since then every revision there is shows in it: whoever knows a revision knows from the feed alone
 * whether everything up to it has come. Asking a watch for its progress answers the same, later, and wrongly before etcd 3.4.25.
 */
export class Feed {
  /** Resolves when etcd has begun the watch for the first time; rejects when it never will. */
  readonly begun: Promise<void>
  readonly #deps: FeedDeps
  readonly #begun = Promise.withResolvers<void>()
  #position: number
  #stream: { close(): void } | undefined
  /** Parts of a large answer, until its last one. */
  #parts: EtcdEvent[] = []
  #tries = 0
  #opened = false
  #closed = false

  constructor(deps: FeedDeps) {
    this.#deps = deps
    this.#position = deps.after
    this.begun = this.#begun.promise
    this.begun.catch(() => {})
    void this.#run()
  }

  close(): void {
    this.#closed = true
    this.#stream?.close()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const { promise, resolve } = Promise.withResolvers<void>()
      try {
        this.#parts = []
        const stream = await this.#deps.client.stream(watch, {
          onMessage: (answer) => this.#take(answer),
          onEnd: (error) => {
            this.#failed(error)
            resolve()
          },
        })
        if (this.#closed) stream.close()
        else {
          this.#stream = stream
          const from = this.#deps.newest && !this.#opened ? this.#position + 1 : this.#position
          // Mostly from the last one known, so that etcd refuses when anything after it may be gone.
          stream.send({ create: { ...everything, startRevision: Math.max(1, from), previous: true, fragment: true } })
        }
      } catch (error) {
        this.#failed(error as RpcError)
        resolve()
      }
      await promise
      await sleep(backoff(this.#tries++))
    }
  }

  #failed(error: RpcError): void {
    if (this.#closed) return
    if (error.code === code.permissionDenied || error.code === code.unauthenticated)
      this.#end(new StorageUnavailableError(error.message))
    else if (this.#tries === 0) this.#deps.log('the watch of etcd was interrupted', { error: error.message })
  }

  #take(answer: WatchAnswer): void {
    if (answer.canceled) {
      const { compactRevision, cancelReason } = answer
      if (compactRevision > 0) this.#end(new CompactedError(this.#position, compactRevision))
      else this.#end(new StorageUnavailableError(`etcd ended the watch: ${cancelReason}`))
      return
    }
    this.#tries = 0
    this.#opened = true
    this.#begun.resolve()
    if (answer.events.length === 0) return
    const events = this.#parts.length > 0 ? [...this.#parts, ...answer.events] : answer.events
    if (answer.fragment) {
      this.#parts = events as EtcdEvent[]
      return
    }
    this.#parts = []
    const after = this.#position
    const revision = events.at(-1)!.current!.modRevision
    if (revision <= after) return
    this.#position = revision
    this.#deps.onEvents(
      events[0]!.current!.modRevision > after ? events : events.filter(({ current }) => current!.modRevision > after),
      revision,
    )
  }

  #end(error: Error): void {
    this.close()
    this.#begun.reject(error)
    this.#deps.onEnd(error)
  }
}
