import { randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import { lifetimes } from './contract/lifetimes.ts'
import { readsAndWrites } from './contract/reads-and-writes.ts'
import { collectEvents, type Given } from './contract/rule.ts'
import { watches } from './contract/watches.ts'
import type { Storage } from './storage.ts'

/** A store under test. */
export interface OpenedStorage {
  readonly storage: Storage
  /** Closes it and opens what it left behind; unset when an engine keeps nothing. */
  readonly reopen?: () => Promise<Storage>
  /** Removes what it left behind. */
  readonly remove?: () => void
}

/**
 * Registers the tests that every storage engine passes.
 *
 * @param open opens a store, which may hold other prefixes' keys; the contract closes it
 */
export function storageContract(name: string, open: () => Promise<OpenedStorage>): void {
  suite(`${name} storage`, () => {
    for (const { title, restarts, run } of [...readsAndWrites, ...watches, ...lifetimes]) {
      test(title, async (t) => {
        const opened = await open()
        t.after(async () => {
          await given.storage.close()
          opened.remove?.()
        })
        const prefix = `/registry/contract-${randomUUID()}/`
        const given: Given = {
          storage: opened.storage,
          prefix,
          collect: async (afterRevision, under = prefix) =>
            collectEvents(given.storage, under, afterRevision ?? (await given.storage.currentRevision())),
          restart: async () => {
            given.storage = await opened.reopen!()
          },
        }
        if (restarts && !opened.reopen) t.skip('the engine keeps nothing')
        else await run(given)
      })
    }
  })
}
