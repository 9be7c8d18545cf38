import type { AdmissionAttributes, Operation } from '../admission/plugin.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { KindEnvironment, WriteContext } from './context.ts'
import { apiVersionOf, type KindDefinition } from './kind.ts'

export interface RequestContextInit {
  now: number
  user: UserInfo
  namespace: string
  name: string
  subresource?: string
  operation: WriteContext['operation']
  dryRun?: boolean
  env: KindEnvironment
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions, for admission. */
  options?: JsonObject
  /** The name that admission sees, where it isn't the object's: none for one of many that are deleted together. */
  admissionName?: string
  /** The version that the request spoke; the storage version when unset. */
  version?: { group: string; version: string }
  /** Who the managed fields are recorded for; `unknown` when empty. */
  fieldManager?: string
  warn?: (text: string) => void
  /** What ends with the request; unset for the server's own writes. */
  request?: { readonly signal: AbortSignal }
  /** Set where the request is audited. */
  annotate?: ((key: string, value: string, level?: 'Request') => void) | undefined
}

/** One write on its way through strategy and admission. */
export class RequestContext implements WriteContext {
  readonly now: number
  readonly user: UserInfo
  readonly namespace: string
  readonly name: string
  readonly subresource: string
  operation: WriteContext['operation']
  readonly dryRun: boolean
  readonly env: KindEnvironment
  readonly options: JsonObject
  readonly fieldManager: string
  readonly apiVersion: string
  readonly #version: { group: string; version: string } | undefined
  readonly #warn: ((text: string) => void) | undefined
  readonly #annotate: ((key: string, value: string, level?: 'Request') => void) | undefined
  readonly #request: { readonly signal: AbortSignal } | undefined
  readonly #warned = new Set<string>()
  #admissionName: string | undefined

  constructor(init: RequestContextInit) {
    this.now = init.now
    this.user = init.user
    this.namespace = init.namespace
    this.name = init.name
    this.subresource = init.subresource ?? ''
    this.operation = init.operation
    this.dryRun = init.dryRun ?? false
    this.env = init.env
    this.options = init.options ?? {}
    this.fieldManager = init.fieldManager ?? ''
    this.#version = init.version
    this.apiVersion = init.version ? apiVersionOf(init.version) : ''
    this.#warn = init.warn
    this.#request = init.request
    this.#annotate = init.annotate
    this.#admissionName = init.admissionName
  }

  /** The same text is said once per request. */
  warn(text: string): void {
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#warn?.(text)
  }

  annotate(key: string, value: string): void {
    this.#annotate?.(key, value)
  }

  attributes(
    kind: KindDefinition,
    operation: Operation,
    object: KubeObject | undefined,
    oldObject: KubeObject | undefined,
    bodyKind?: { group: string; version: string; kind: string },
  ): AdmissionAttributes {
    const { group, version } = this.#version ?? kind
    // A name that is made up on the way is none to those who are asked before and after.
    this.#admissionName ??= this.name || (object?.metadata?.name ?? '')
    return {
      operation,
      kind: bodyKind ?? { group, version, kind: kind.kind },
      resource: { group, version, resource: kind.resource },
      subresource: this.subresource,
      namespace: this.namespace,
      name: this.#admissionName,
      object,
      oldObject,
      options: this.options,
      dryRun: this.dryRun,
      user: this.user,
      request: this.#request,
      warn: (text) => this.warn(text),
      audited: this.#annotate !== undefined,
      annotate: this.#annotate ?? ignore,
      reinvocation: undefined,
    }
  }
}

const ignore = (): void => {}
