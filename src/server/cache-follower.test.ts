import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namespace } from '../kinds/core/namespace.ts'
import { KindStore } from '../registry/store.ts'
import { MemoryStorage } from '../storage/memory.ts'
import type { WatchHandler } from '../storage/storage.ts'
import { CacheFollower } from './cache-follower.ts'

/** A store whose watches can be made to break. */
class BreakingStorage extends MemoryStorage {
  readonly #handlers: WatchHandler[] = []

  override async watch(...[prefix, after, handler]: Parameters<MemoryStorage['watch']>): ReturnType<MemoryStorage['watch']> {
    this.#handlers.push(handler)
    return await super.watch(prefix, after, handler)
  }

  breakWatches(): void {
    for (const handler of this.#handlers.splice(0)) handler.onError(new Error('gone'))
  }
}

test('a follower is told of all, then of changes, and after a break of what it missed', async () => {
  const storage = new BreakingStorage()
  const store = new KindStore(namespace, { storage, rootPrefix: '/registry', onError: () => {} })
  const make = async (name: string) => await store.create({ metadata: { name } }, { dryRun: false })
  const remove = async (name: string) => {
    await store.change('', name, { dryRun: false }, async (current) => ({ remove: current! }))
  }
  const told: string[] = []
  const follower = new CacheFollower(
    store,
    {
      put: (entry) => void told.push(`+${entry.key.split('/').pop()}`),
      remove: (within, name, _key, last) => void told.push(`-${within}/${name}${last ? '' : ' unseen'}`),
      caughtUp: () => void told.push('caught up'),
    },
    (error) => assert.fail(String(error)),
  )
  await make('a')
  await make('b')
  await follower.start()
  assert.deepEqual(told.splice(0), ['+a', '+b'])
  await make('c')
  await remove('b')
  assert.deepEqual(told.splice(0), ['+c', '-/b'])

  storage.breakWatches()
  await store.cache.ready()
  await make('d')
  await remove('a')
  for (let i = 0; told.length < 3 && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(told.pop(), 'caught up')
  assert.deepEqual(told.splice(0).sort(), ['+d', '-/a unseen'])
  await make('e')
  assert.deepEqual(told, ['+e'])

  follower.close()
  await make('f')
  assert.deepEqual(told, ['+e'])
  store.cache.close(new Error('done'))
  await storage.close()
})
