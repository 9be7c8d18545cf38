/** Kubernetes' Status object, the body of every error answer (and of some successes). */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  code?: number
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

/** Names a resource in messages: `pods`, or `deployments.apps`. */
export interface GroupResource {
  group: string
  resource: string
}

/** Names a kind in messages: `Pod`, or `Deployment.apps`. */
export interface GroupKind {
  group: string
  kind: string
}

/** `resource.group`, or `resource` alone in the core group, as messages print it. */
export function qualified(name: GroupResource | GroupKind): string {
  const first = 'resource' in name ? name.resource : name.kind
  return name.group ? `${first}.${name.group}` : first
}

/** The one error type that carries an answer. Everything else thrown is a 500 whose cause is logged, never sent. */
export class StatusError extends Error {
  override name = 'StatusError'
  readonly status: Status
  /** Headers that go with the answer (Retry-After, …). */
  readonly headers: Record<string, string> | undefined

  constructor(code: number, reason: string, message: string, details?: StatusDetails, headers?: Record<string, string>) {
    super(message)
    this.headers = headers
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason ? { reason } : {}),
      ...(details ? { details } : {}),
      code,
    }
  }

  get code(): number {
    return this.status.code ?? 500
  }

  get reason(): string {
    return this.status.reason ?? ''
  }
}

const detailsOf = (resource: GroupResource, name?: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(resource.group ? { group: resource.group } : {}),
  kind: resource.resource,
})

export function notFound(resource: GroupResource, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name))
}

export function alreadyExists(resource: GroupResource, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, detailsOf(resource, name))
}

/** @param cause the sentence after the colon, without the usual prefix */
export function conflict(resource: GroupResource, name: string, cause: string): StatusError {
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${cause}`,
    detailsOf(resource, name),
  )
}

export const STALE_OBJECT = 'the object has been modified; please apply your changes to the latest version and try again'

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message)
}

export function forbidden(resource: GroupResource, name: string, cause: string): StatusError {
  const what = name
    ? `${qualified(resource)} "${name}" is forbidden: ${cause}`
    : resource.resource
      ? `${qualified(resource)} is forbidden: ${cause}`
      : `forbidden: ${cause}`
  return new StatusError(403, 'Forbidden', what, detailsOf(resource, name))
}

export function unauthorized(message = 'Unauthorized'): StatusError {
  return new StatusError(401, 'Unauthorized', message)
}

export function methodNotSupported(resource: GroupResource, verb: string): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualified(resource)}"`,
    detailsOf(resource),
  )
}

/** 410 for a resource version or continue token that history no longer holds. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message)
}

export function gone(message: string): StatusError {
  return new StatusError(410, 'Gone', message)
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds }, { 'retry-after': String(retryAfterSeconds) })
}

export function requestEntityTooLarge(message: string): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', message)
}

export function timeout(message: string, retryAfterSeconds = 0): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds ? { retryAfterSeconds } : {})
}

export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

export function serviceUnavailable(message: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', message)
}

export function notAcceptable(message: string): StatusError {
  return new StatusError(406, 'NotAcceptable', message)
}

export function unsupportedMediaType(message: string): StatusError {
  return new StatusError(415, 'UnsupportedMediaType', message)
}

/** The path doesn't exist on this server. */
export function pathNotFound(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})
}
