import { StatusError } from '../machinery/status.ts'

/** A resource version in a body. @throws StatusError 500, which is how the reference answers a bad one */
export function parseVersion(version: string | undefined): number {
  if (!version) return 0
  if (!/^\d{1,20}$/.test(version)) {
    throw internalPlain(
      `resourceVersion: Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`,
    )
  }
  return Number(version)
}

/** A 500 that carries its message as it is, without a reason. */
export function internalPlain(message: string): StatusError {
  return new StatusError(500, '', message)
}
