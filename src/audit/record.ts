import { formatDuration } from '../machinery/duration.ts'
import type { AuditRecord, BodyStream, Exchange } from '../machinery/exchange.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isLongRunning } from '../machinery/request-info.ts'
import type { Status } from '../machinery/status.ts'
import { formatMicroTime } from '../machinery/time.ts'
import type { UserInfo } from '../machinery/user.ts'
import { AuditEvent, type ObjectReference, type RequestFacts, type ResponseStatus } from './event.ts'
import { compactJson, patchAsJson, printed, yamlAsJson } from './objects.ts'
import type { Decision, Stage } from './policy.ts'
import { sourceIps } from './source-ips.ts'
import { TeeStream } from './tee-stream.ts'

export interface RecordDeps {
  /** Takes an event to where it is kept. @returns whether it is; never rejects */
  send(event: AuditEvent): boolean | Promise<boolean>
  /** The JSON of an answer in another form; undefined when it can't be had. */
  toJson(contentType: string, body: Buffer): JsonObject | undefined
  /** Bytes that all requests' answers in pieces may take together until they are written. */
  budget: { left: number }
  /** Told of bodies that could not be read. */
  onError(error: unknown): void
}

const SLOW_MS = 500
const MAX_USER_AGENT = 1024
const UNTOLD: ResponseStatus = { status: 'Success', message: 'Connection closed early', code: 200 }

/** The audit events of one request, from its policy's decision on. */
export class RequestRecord implements AuditRecord {
  readonly #deps: RecordDeps
  readonly #exchange: Exchange
  readonly #decision: Decision
  readonly #facts: RequestFacts
  readonly #started = performance.now()
  readonly #isLong: boolean
  #objectRef: ObjectReference | undefined
  #status: ResponseStatus | undefined
  #requestObject: string | undefined
  #responseObject: string | undefined
  #tee: TeeStream | undefined
  #hasStarted = false
  #isDone = false

  /** @param user undefined for who could not be told */
  constructor(deps: RecordDeps, exchange: Exchange, user: UserInfo | undefined, decision: Decision) {
    this.#deps = deps
    this.#exchange = exchange
    this.#decision = decision
    this.#isLong = isLongRunning(exchange.info)
    const agent = exchange.header('user-agent') ?? ''
    this.#facts = {
      level: decision.level,
      auditId: exchange.auditId,
      requestUri: exchange.transport.url,
      verb: exchange.info.verb,
      user,
      sourceIps: sourceIps(exchange.transport),
      userAgent: agent.length > MAX_USER_AGENT ? `${agent.slice(0, MAX_USER_AGENT)}...TRUNCATED` : agent,
      received: formatMicroTime(exchange.received),
    }
    this.#objectRef = referenceOf(exchange)
  }

  get wantsObjects(): boolean {
    return this.#decision.level !== 'Metadata'
  }

  /** The request came in. @returns whether that is kept */
  received(): boolean | Promise<boolean> {
    return this.#send('RequestReceived', this.#facts.received)
  }

  identified(metadata: KubeObject['metadata']): void {
    if (!metadata) return
    const there = this.#objectRef ?? {}
    // In the API's order, whatever was known before.
    this.#objectRef = reference({
      ...there,
      namespace: there.namespace ?? metadata.namespace,
      name: there.name ?? metadata.name,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    })
  }

  requested(object: JsonObject, metadata?: KubeObject['metadata']): void {
    this.identified(metadata)
    if (this.wantsObjects) this.#requestObject = printed(object, this.#decision.omitManagedFields)
  }

  patched(body: Buffer): void {
    if (this.#decision.level === 'Metadata') return
    try {
      this.#requestObject = patchAsJson(body)
    } catch {
      // What can't be read is answered with a 400, which tells why.
    }
  }

  concluded({ status, message, reason, details, code }: Status): void {
    this.#status = { status, ...dropUndefined({ message, reason, details }), code: code ?? 0 }
  }

  responded(code: number, contentType: string, body: Buffer | string): void | Promise<void> {
    if (this.#isDone) return
    this.#status = { ...this.#status, code }
    if (this.#wantsResponse(code)) this.#responseObject = this.#asJson(contentType, body)
    return this.#end()
  }

  streamed(code: number, contentType: string, body: BodyStream): BodyStream {
    if (this.#isDone) return body
    this.#status = { ...this.#status, code }
    void this.#start()
    if (this.#isLong || !this.#wantsResponse(code)) return body
    this.#tee = new TeeStream(body, contentType, this.#deps.budget)
    return this.#tee
  }

  /** The request's handler failed with what nobody expected. */
  panicked(error: unknown): void {
    if (this.#isDone) return
    this.#isDone = true
    const message = `APIServer panic'd: ${error instanceof Error ? error.message : String(error)}`
    this.#status = { status: 'Failure', message, reason: 'InternalError', code: 500 }
    void this.#send('Panic')
  }

  /** The request's handler has ended. */
  finished(): void | Promise<void> {
    if (this.#isDone) return
    const tee = this.#tee
    if (tee) {
      const body = tee.release()
      if (body) this.#responseObject = this.#asJson(tee.contentType, body)
      else this.#exchange.annotate('audit.k8s.io/truncated', 'true')
    }
    this.#status ??= UNTOLD
    return this.#end()
  }

  /** Credentials were refused, which ends the request. @param attempted how somebody tried to show who they are */
  unauthenticated(attempted: string): boolean | Promise<boolean> {
    this.#isDone = true
    this.#status = { message: `Authentication failed, ${attempted}`, code: 401 }
    return this.#send('ResponseStarted')
  }

  #end(): void | Promise<void> {
    const started = this.#start()
    const completed = this.#complete()
    if (typeof started === 'boolean' && typeof completed === 'boolean') return
    return Promise.all([started, completed]).then(() => {})
  }

  /** The head of an answer that may take long. */
  #start(): boolean | Promise<boolean> {
    if (!this.#isLong || this.#hasStarted) return true
    this.#hasStarted = true
    return this.#send('ResponseStarted')
  }

  #complete(): boolean | Promise<boolean> {
    this.#isDone = true
    const ms = performance.now() - this.#started
    if (!this.#isLong && ms > SLOW_MS) {
      this.#exchange.annotate('apiserver.latency.k8s.io/total', formatDuration(BigInt(Math.round(ms * 1e6))))
    }
    return this.#send('ResponseComplete')
  }

  #wantsResponse(code: number): boolean {
    const { info, path } = this.#exchange
    if (this.#decision.level !== 'RequestResponse') return false
    return info.isResource || code >= 400 || /^\/apis?(\/|$)/.test(path)
  }

  #asJson(contentType: string, body: Buffer | string): string | undefined {
    const { omitManagedFields } = this.#decision
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    try {
      if (contentType.startsWith('application/json'))
        return bytes.length ? compactJson(bytes, omitManagedFields, this.#exchange.isServed) : undefined
      if (contentType.startsWith('application/yaml')) return yamlAsJson(bytes, omitManagedFields)
      const value = this.#deps.toJson(contentType, bytes)
      return value && printed(value, omitManagedFields)
    } catch (error) {
      this.#deps.onError(error)
      return undefined
    }
  }

  #send(stage: Stage, at?: string): boolean | Promise<boolean> {
    if (this.#decision.omitStages.has(stage)) return true
    const exchange = this.#exchange
    const { annotations } = exchange
    return this.#deps.send(
      new AuditEvent({
        request: this.#facts,
        stage,
        impersonatedUser: exchange.impersonator && exchange.user,
        constraint: exchange.impersonationConstraint,
        objectRef: this.#objectRef,
        responseStatus: this.#status,
        requestObject: this.#requestObject,
        responseObject: this.#responseObject,
        stageTimestamp: at ?? formatMicroTime(exchange.received + performance.now() - this.#started),
        annotations: annotations && Object.fromEntries(annotations),
      }),
    )
  }
}

function referenceOf({ info }: Exchange): ObjectReference | undefined {
  return info.isResource ? reference(info) : undefined
}

/** The members that have a value, in the API's order. */
function reference(of: { [Name in keyof ObjectReference]?: string | undefined }): ObjectReference {
  const { resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource } = of
  return {
    ...(resource ? { resource } : undefined),
    ...(namespace ? { namespace } : undefined),
    ...(name ? { name } : undefined),
    ...(uid ? { uid } : undefined),
    ...(apiGroup ? { apiGroup } : undefined),
    ...(apiVersion ? { apiVersion } : undefined),
    ...(resourceVersion ? { resourceVersion } : undefined),
    ...(subresource ? { subresource } : undefined),
  }
}

function dropUndefined<T extends object>(value: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Name in keyof T]?: NonNullable<T[Name]>
  }
}
