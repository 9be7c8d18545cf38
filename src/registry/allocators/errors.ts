/** An address or port that can't be had; the message is part of what clients see. */
export class AllocationError extends Error {
  override name = 'AllocationError'
}

export const RANGE_FULL = 'range is full'
