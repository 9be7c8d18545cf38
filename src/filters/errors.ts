import type { Exchange } from '../machinery/exchange.ts'
import { internalError, StatusError, serviceUnavailable, timeout } from '../machinery/status.ts'
import { StorageFullError, StorageUnavailableError } from '../storage/storage.ts'
import { UnreadableError } from '../storage/unreadable.ts'
import type { Stage } from './stage.ts'

export interface ErrorsDeps {
  /** Sends a Status. */
  answer(exchange: Exchange, error: StatusError): void
  /** Told of everything that becomes a 500. */
  log(message: string, fields: object): void
  /** Told of what nobody expected, before it is answered. */
  unexpected?(exchange: Exchange, error: unknown): void
}

/** Turns whatever a later stage throws into an answer. The outermost stage: nothing leaves the server past it. */
export function errors(deps: ErrorsDeps): Stage {
  const answer = (exchange: Exchange, error: unknown): void => {
    if (exchange.answeredCode) {
      // Too late for a Status: the client must see that the answer isn't whole.
      if (!isClientGone(error)) deps.log('a request failed after its answer had begun', { path: exchange.path, error })
      exchange.transport.destroy()
      return
    }
    if (isClientGone(error)) {
      exchange.transport.destroy()
      return
    }
    const status = toStatusError(error)
    if (!(error instanceof StatusError)) {
      deps.log('a request failed', { method: exchange.method, path: exchange.path, error })
      if (status.message === UNEXPECTED) deps.unexpected?.(exchange, error)
    }
    try {
      deps.answer(exchange, status)
    } catch (second) {
      deps.log('an error could not be answered', { path: exchange.path, error: second })
      exchange.transport.destroy()
    }
  }
  return (next) => (exchange) => {
    try {
      const pending = next(exchange)
      if (pending) return pending.catch((error: unknown) => answer(exchange, error))
    } catch (error) {
      answer(exchange, error)
    }
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && error.name === 'ClientGoneError'
}

const UNEXPECTED = 'Internal error occurred: an unexpected error; the server log says more'

/** The one place that decides what an unexpected error looks like from outside. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  if (error instanceof StorageFullError)
    return new StatusError(500, 'InternalError', 'Internal error occurred: the store is full', {
      causes: [{ message: 'the store is full' }],
    })
  if (error instanceof UnreadableError) {
    // The one error of the store that the client is told: only it says which key or provider is missing.
    return error.step === 'transform' ? internalError(error.message) : new StatusError(500, '', error.message)
  }
  if (error instanceof StorageUnavailableError) return serviceUnavailable('the store is unavailable')
  if (error instanceof Error && error.name === 'TimeoutError')
    return timeout('request did not complete within the allotted timeout')
  return new StatusError(500, 'InternalError', UNEXPECTED, {
    causes: [{ message: 'an unexpected error; the server log says more' }],
  })
}
