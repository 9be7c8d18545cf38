import { StorageError, StorageFullError, StorageUnavailableError } from '../storage.ts'

/** The codes of gRPC that the engine tells apart. */
export const code = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** A call that failed, by etcd's answer or for lack of one. */
export class RpcError extends Error {
  override name = 'RpcError'
  /** gRPC's status code. */
  readonly code: number
  /** Whether etcd may have carried the call out all the same, or may yet do so. */
  readonly inDoubt: boolean

  constructor(grpcCode: number, message: string, inDoubt: boolean) {
    super(message)
    this.code = grpcCode
    this.inDoubt = inDoubt
  }
}

/** etcd's own words, which are part of its API. */
const compacted = 'etcdserver: mvcc: required revision has been compacted'
const future = 'etcdserver: mvcc: required revision is a future revision'
const noSpace = 'etcdserver: mvcc: database space exceeded'
const tooLarge = /^etcdserver: request is too large$|received message larger than max/
const noLease = 'etcdserver: requested lease not found'

export const isCompacted = (error: unknown): boolean => error instanceof RpcError && error.message === compacted
export const isFuture = (error: unknown): boolean => error instanceof RpcError && error.message === future
export const isNoLease = (error: unknown): boolean => error instanceof RpcError && error.message === noLease

/** etcd refuses with these before it proposes anything, or finds when it applies a change that it must not. */
const refusals: ReadonlySet<number> = new Set([
  code.invalidArgument,
  code.permissionDenied,
  code.resourceExhausted,
  code.failedPrecondition,
  code.outOfRange,
  code.unimplemented,
  code.unauthenticated,
])

/** An answer with a status other than OK. */
export function answeredError(grpcCode: number, message: string): RpcError {
  return new RpcError(grpcCode, message, !refusals.has(grpcCode) && message !== noLease)
}

/** Whether another attempt, perhaps at another member, may go better. */
export function isPassing({ code: grpcCode, message }: RpcError): boolean {
  if (grpcCode === code.unavailable || grpcCode === code.deadlineExceeded || grpcCode === code.cancelled) return true
  return grpcCode === code.resourceExhausted && message === 'etcdserver: too many requests'
}

/** What a failed call means to users of the storage. */
export function storageError(error: unknown): Error {
  if (!(error instanceof RpcError)) return error as Error
  const { message } = error
  if (message === noSpace) return new StorageFullError(message, { cause: error })
  if (tooLarge.test(message) || error.code === code.outOfRange) return new StorageError(message, { cause: error })
  return new StorageUnavailableError(message, { cause: error })
}
