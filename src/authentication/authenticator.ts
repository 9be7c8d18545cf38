import type { X509Certificate } from 'node:crypto'
import type { UserInfo } from '../machinery/user.ts'

/** What authentication needs to know of a request; the exchange itself can be one. */
export interface Credentials {
  /** The Authorization header as Node gives it. Of several, the first counts. */
  readonly authorization: string | readonly string[] | undefined
  /** Decoded, without the query. */
  readonly path: string
  /** The connection's TLS socket; undefined when the request came another way. */
  readonly tls: TlsPeer | undefined
  /** All headers under lower-case names; of a repeated one the values are joined or dropped, see `rawHeaders`. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[]
  /** Adds a Warning header (code 299) to the answer. */
  warn(text: string): void
  /** Adds an annotation to the request's audit events; unset where there are none. */
  readonly annotate?: ((key: string, value: string) => void) | undefined
}

/** The part of a TLSSocket that says who is at the other end. */
export interface TlsPeer {
  /** Whether the handshake verified a certificate; true as well for a resumed session that has none. */
  readonly authorized: boolean
  readonly authorizationError?: unknown
  getPeerX509Certificate(): X509Certificate | undefined
}

/**
 * What an authenticator found: a user, or undefined when the credentials are none of its kind. A promise only where it
 * has to wait for something, so that the common ways in stay synchronous.
 */
export type Outcome<Found = UserInfo> = Found | undefined | Promise<Found | undefined>

/**
 * One way to tell who somebody is, from a request or from a token.
 *
 * It throws (or rejects with) an Error when it recognises credentials that are no good. The others are still asked then,
 * and the reason is for logs: it never reaches the client and must not hold a secret.
 */
export interface Authenticator<Input, Found = UserInfo> {
  readonly name: string
  authenticate(input: Input): Outcome<Found>
}

/** Asks authenticators in order and takes the first user found; throws when there is none and one of them threw. */
export class Union<Input, Found = UserInfo> implements Authenticator<Input, Found> {
  readonly name: string
  readonly #members: readonly Authenticator<Input, Found>[]

  constructor(name: string, members: readonly Authenticator<Input, Found>[]) {
    this.name = name
    this.#members = members
  }

  authenticate(input: Input): Outcome<Found> {
    return this.#ask(0, input, undefined)
  }

  #ask(first: number, input: Input, failures: unknown[] | undefined): Outcome<Found> {
    let reasons = failures
    for (let i = first; i < this.#members.length; i++) {
      try {
        const outcome = this.#members[i]!.authenticate(input)
        if (outcome instanceof Promise) return this.#wait(outcome, i + 1, input, reasons)
        if (outcome) return outcome
      } catch (error) {
        if (reasons) reasons.push(error)
        else reasons = [error]
      }
    }
    if (reasons) throw reasons.length === 1 ? reasons[0] : new AggregateError(reasons, messages(reasons))
    return undefined
  }

  async #wait(
    outcome: Promise<Found | undefined>,
    next: number,
    input: Input,
    failures: unknown[] | undefined,
  ): Promise<Found | undefined> {
    let reasons = failures
    try {
      const found = await outcome
      if (found) return found
    } catch (error) {
      reasons = [...(failures ?? []), error]
    }
    return this.#ask(next, input, reasons)
  }
}

/** As the reference joins several errors: `[a, b]`, each said once. */
const messages = (errors: readonly unknown[]): string => {
  const distinct = new Set(errors.flatMap(messagesOf))
  return distinct.size === 1 ? [...distinct][0]! : `[${[...distinct].join(', ')}]`
}

const messagesOf = (error: unknown): string[] =>
  error instanceof AggregateError ? error.errors.flatMap(messagesOf) : [error instanceof Error ? error.message : String(error)]
