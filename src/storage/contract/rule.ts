import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Storage, StorageEvent } from '../storage.ts'

/** One thing that every engine does. */
export interface Rule {
  readonly title: string
  /** Needs an engine that keeps its data. */
  readonly restarts?: boolean
  run(given: Given): Promise<void>
}

export interface Given {
  storage: Storage
  /** Ends in `/`; nobody else uses it. */
  readonly prefix: string
  /** Collects a prefix's events from now or from a revision on. */
  collect(afterRevision?: number, prefix?: string): Promise<Collector>
  /** Goes on with the store as after a restart. */
  restart(): Promise<void>
}

export interface Collector {
  readonly events: StorageEvent[]
  readonly errors: Error[]
  progress: number
  close(): void
  /** Waits until this many events came, or fails. */
  count(expected: number): Promise<void>
}

export const bytes = (text: string) => Buffer.from(text)

export const ignoreEvents = { onEvents() {}, onError() {} }

/** Watches a prefix and keeps all that comes. */
export async function collectEvents(storage: Storage, prefix: string, afterRevision: number): Promise<Collector> {
  const collector: Collector = {
    events: [],
    errors: [],
    progress: 0,
    close() {},
    count: (expected) => reach(() => collector.events.length, expected),
  }
  const subscription = await storage.watch(prefix, afterRevision, {
    onEvents: (events) => {
      assert.ok(events.length > 0, 'events never come empty')
      collector.events.push(...events)
    },
    onProgress: (revision) => {
      collector.progress = revision
    },
    onError: (error) => collector.errors.push(error),
  })
  collector.close = () => subscription.close()
  return collector
}

/** Waits until `current` is as expected, or fails. */
export async function reach(current: () => number, expected: number, seconds = 10): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (current() < expected && performance.now() < end) await sleep(5)
  assert.equal(current(), expected)
}

/** Types, key suffixes and values of events, which is mostly all that matters. */
export function brief(events: readonly StorageEvent[], prefix: string): string[] {
  return events.map(({ type, key, value }) => `${type} ${key.slice(prefix.length)}=${value}`)
}

export function assertAscending(events: readonly StorageEvent[]): void {
  for (const [index, { revision }] of events.entries()) {
    if (index === 0) continue
    assert.ok(revision > events[index - 1]!.revision, `revision ${revision} came after ${events[index - 1]!.revision}`)
  }
}
