interface Waiter {
  readonly revision: number
  readonly resolve: () => void
}

/** Those who wait until a revision is reached. */
export class RevisionWaiters {
  #waiting: Waiter[] = []

  /**
   * Resolves with whether the revision was reached in time.
   * @param within milliseconds
   */
  wait(revision: number, within: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        resolve: () => {
          clearTimeout(timer)
          resolve(true)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter)
        resolve(false)
      }, within)
      this.#waiting.push(waiter)
    })
  }

  reached(revision: number): void {
    if (this.#waiting.length === 0) return
    const done = this.#waiting.filter((waiter) => waiter.revision <= revision)
    if (done.length === 0) return
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > revision)
    for (const { resolve } of done) resolve()
  }
}
