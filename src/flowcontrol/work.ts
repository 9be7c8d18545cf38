/** What a request takes of a priority level. */
export interface Work {
  /** Seats while it is served. */
  readonly initial: number
  /** Seats for what it leaves to be done afterwards, such as telling watchers. */
  readonly final: number
  /** How long that takes, in ms. */
  readonly linger: number
}

export const ONE_SEAT: Work = Object.freeze({ initial: 1, final: 0, linger: 0 })

/** The seats that are set aside for a request all the time. */
export const seatsOf = ({ initial, final }: Work): number => (initial > final ? initial : final)
