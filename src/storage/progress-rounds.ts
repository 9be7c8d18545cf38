/** Milliseconds after which watches without events are told how far they are. */
const ROUND = 100

/** Tells watches of progress without events in rounds: there are many of them, and every write anywhere is progress to all. */
export class ProgressRounds {
  readonly #tell: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(tell: () => void) {
    this.#tell = tell
  }

  /** There is progress to be told. */
  due(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#tell()
    }, ROUND).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
