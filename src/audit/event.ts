import { stringifyJson } from '../machinery/go-json.ts'
import { goQuote } from '../machinery/go-text.ts'
import type { StatusDetails } from '../machinery/status.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { Level, Stage } from './policy.ts'

/** What a request is about; members in the API's order. */
export interface ObjectReference {
  readonly resource?: string
  readonly namespace?: string
  readonly name?: string
  readonly uid?: string
  readonly apiGroup?: string
  readonly apiVersion?: string
  readonly resourceVersion?: string
  readonly subresource?: string
}

/** The answer, as far as it is short. */
export interface ResponseStatus {
  readonly status?: string
  readonly message?: string
  readonly reason?: string
  readonly details?: StatusDetails
  readonly code: number
}

/** What stays the same from one stage of a request to the next. */
export interface RequestFacts {
  readonly level: Level
  readonly auditId: string
  /** Path and query, as sent. */
  readonly requestUri: string
  readonly verb: string
  /** Undefined for who could not be told. */
  readonly user: UserInfo | undefined
  readonly sourceIps: readonly string[]
  readonly userAgent: string
  /** RFC 3339 with microseconds. */
  readonly received: string
}

export interface EventInit {
  readonly request: RequestFacts
  readonly stage: Stage
  readonly impersonatedUser: UserInfo | undefined
  /** The verb of constrained impersonation; empty for none. */
  readonly constraint: string
  readonly objectRef: ObjectReference | undefined
  readonly responseStatus: ResponseStatus | undefined
  /** JSON. */
  readonly requestObject: string | undefined
  readonly responseObject: string | undefined
  readonly stageTimestamp: string
  readonly annotations: Readonly<Record<string, string>> | undefined
}

export const EVENT_HEAD = '{"kind":"Event","apiVersion":"audit.k8s.io/v1",'
const TRUNCATED = 'audit.k8s.io/truncated'
const BODYLESS: readonly Level[] = ['None', 'Metadata']

/** Clients come again and again: their part of the events is made once. */
const users = new WeakMap<UserInfo, string>()

/**
 * What is written of one stage of a request, which doesn't change any more.
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
 */
export class AuditEvent {
  readonly #init: EventInit
  #json: string | undefined

  constructor(init: EventInit) {
    this.#init = init
  }

  get stage(): Stage {
    return this.#init.stage
  }

  /** The event as it stands in a list: without kind and version. */
  get json(): string {
    this.#json ??= encode(this.#init)
    return this.#json
  }

  /** The event on its own. */
  get wholeJson(): string {
    return EVENT_HEAD + this.json.slice(1)
  }

  /** Of the JSON, in characters: bytes, but for what isn't ASCII. */
  get size(): number {
    return this.json.length
  }

  /** The same without the objects, where there could be any. */
  truncated(): AuditEvent {
    if (BODYLESS.includes(this.#init.request.level)) return this
    return new AuditEvent({
      ...this.#init,
      requestObject: undefined,
      responseObject: undefined,
      annotations: { ...this.#init.annotations, [TRUNCATED]: 'true' },
    })
  }

  /** One line of text for people, as `--audit-log-format=legacy` has it. */
  legacy(): string {
    const { request, stage, impersonatedUser, objectRef, responseStatus } = this.#init
    const list = (groups: readonly string[]): string => groups.map(goQuote).join(',')
    const { user } = request
    const fields = {
      id: request.auditId,
      stage,
      ip: request.sourceIps[0] ?? '<unknown>',
      method: request.verb,
      user: user?.name || '<none>',
      groups: user?.name && user.groups.length ? list(user.groups) : '<none>',
      as: impersonatedUser?.name ?? '<self>',
      asgroups: impersonatedUser ? list(impersonatedUser.groups) : '<lookup>',
      'user-agent': request.userAgent,
      namespace: objectRef?.namespace || '<none>',
      uri: request.requestUri,
    }
    const text = Object.entries(fields).map(([name, value]) => ` ${name}=${goQuote(value)}`)
    return `${request.received} AUDIT:${text.join('')} response="${responseStatus?.code ?? '<deferred>'}"`
  }
}

function encode(init: EventInit): string {
  const { request, impersonatedUser, objectRef, responseStatus, annotations } = init
  let text = `{"level":"${request.level}","auditID":${stringifyJson(request.auditId)},"stage":"${init.stage}"`
  text += `,"requestURI":${stringifyJson(request.requestUri)},"verb":${stringifyJson(request.verb)},"user":${userJson(request.user)}`
  if (impersonatedUser) text += `,"impersonatedUser":${userJson(impersonatedUser)}`
  if (init.constraint) text += `,"authenticationMetadata":{"impersonationConstraint":"${init.constraint}"}`
  if (request.sourceIps.length) text += `,"sourceIPs":${stringifyJson(request.sourceIps)}`
  if (request.userAgent) text += `,"userAgent":${stringifyJson(request.userAgent)}`
  if (objectRef) text += `,"objectRef":${stringifyJson(objectRef)}`
  if (responseStatus) text += `,"responseStatus":${statusJson(responseStatus)}`
  if (init.requestObject !== undefined) text += `,"requestObject":${init.requestObject}`
  if (init.responseObject !== undefined) text += `,"responseObject":${init.responseObject}`
  text += `,"requestReceivedTimestamp":"${request.received}","stageTimestamp":"${init.stageTimestamp}"`
  if (annotations) text += `,"annotations":${stringifyJson(sorted(annotations))}`
  return `${text}}`
}

function userJson(user: UserInfo | undefined): string {
  if (!user) return '{}'
  const known = users.get(user)
  if (known) return known
  const { name, uid, groups, extra } = user
  const json = stringifyJson({
    ...(name ? { username: name } : {}),
    ...(uid ? { uid } : {}),
    ...(groups.length ? { groups } : {}),
    ...(Object.keys(extra).length ? { extra: sorted(extra) } : {}),
  })
  users.set(user, json)
  return json
}

const statusJson = ({ status, message, reason, details, code }: ResponseStatus): string =>
  status === undefined && message === undefined
    ? `{"metadata":{},"code":${code}}`
    : stringifyJson({ metadata: {}, status, message, reason, details, code })

function sorted<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.keys(map)
      .sort()
      .map((key) => [key, map[key] as T]),
  )
}
