import type { JsonObject } from '../../machinery/json.ts'
import { LEEWAY } from './bound-objects.ts'

export interface ObjectReference {
  readonly name: string
  readonly uid: string
}

/** The claims of every token that Kubernetes issues. Times are in seconds since the epoch. */
export interface PublicClaims {
  readonly sub: string
  /** Empty when there are none. */
  readonly aud: readonly string[]
  readonly exp: number | undefined
  readonly nbf: number | undefined
  readonly iat: number | undefined
  readonly jti: string
}

/**
 * Reads the registered claims of a verified token.
 *
 * @throws Error when one has another type than it must have
 */
export function publicClaims(payload: JsonObject): PublicClaims {
  const { aud } = payload
  const audiences = typeof aud === 'string' ? [aud] : (aud ?? [])
  if (!Array.isArray(audiences) || !audiences.every((item) => typeof item === 'string')) throw malformed('aud')
  return {
    sub: text(payload, 'sub'),
    aud: audiences,
    exp: time(payload, 'exp'),
    nbf: time(payload, 'nbf'),
    iat: time(payload, 'iat'),
    jti: text(payload, 'jti'),
  }
}

/** @param now Unix time in ms @throws Error outside of the token's life */
export function checkTimes({ exp, nbf, iat }: PublicClaims, now: number): void {
  if (nbf !== undefined && now + LEEWAY < nbf * 1000) throw new Error('service account token is not valid yet')
  if (exp !== undefined && now - LEEWAY > exp * 1000) throw new Error('service account token has expired')
  if (iat !== undefined && now + LEEWAY < iat * 1000) throw new Error('service account token is issued in the future')
}

/** A string claim; empty when it isn't there. @throws Error when it is something else */
export function text(payload: JsonObject, name: string): string {
  const value = payload[name] ?? ''
  if (typeof value !== 'string') throw malformed(name)
  return value
}

/** A time in seconds; undefined when it isn't there. @throws Error when it is something else */
export function time(payload: JsonObject, name: string): number | undefined {
  const value = payload[name] ?? undefined
  if (value !== undefined && typeof value !== 'number') throw malformed(name)
  return value
}

/** A claim with members of its own; undefined when it isn't there. @throws Error when it is something else */
export function object(payload: JsonObject, name: string): JsonObject | undefined {
  const value = payload[name] ?? undefined
  if (value !== undefined && (typeof value !== 'object' || Array.isArray(value))) throw malformed(name)
  return value as JsonObject | undefined
}

const malformed = (name: string): Error => new Error(`the claim ${name} is malformed`)
