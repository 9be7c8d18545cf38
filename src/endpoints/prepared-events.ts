import type { CustomKind } from '../registry/kind.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { CacheEvent, WatchEventType } from '../storage/cache-watch.ts'

/**
 * For events of objects that have to be brought to another version first: tells of each after those before it, as the selector sees it
 * then.
 */
export function preparing(
  prepare: NonNullable<CustomKind['prepare']>,
  matches: ((entry: CacheEntry) => boolean) | undefined,
  after: (next: Promise<() => void>) => void,
  tell: (type: WatchEventType, event: CacheEvent) => void,
  onFail: (error: unknown) => void,
): (type: WatchEventType, event: CacheEvent) => void {
  return (type, event) => {
    const { entry, previous, deleted } = event
    const told = (): void => {
      if (!matches) {
        tell(type, event)
        return
      }
      const matched = previous !== undefined && matches(previous)
      if (!deleted && matches(entry)) tell(matched ? 'MODIFIED' : 'ADDED', event)
      else if (matched) tell('DELETED', event)
    }
    const entries = matches && previous ? [entry, previous, event.shown('DELETED')] : [event.shown(type)]
    after(
      prepare(entries).then(
        () => told,
        (error: unknown) => () => onFail(error),
      ),
    )
  }
}
