import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { Reinvocation } from './reinvocation.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

/** What admission plugins decide about. */
export interface AdmissionAttributes {
  readonly operation: Operation
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string }
  readonly subresource: string
  readonly namespace: string
  /** Empty on create with generateName. */
  readonly name: string
  /** The object as it would be stored: mutating plugins change it in place. Unset on delete and connect. */
  readonly object: KubeObject | undefined
  /** What is stored now, on update and delete. Not to be changed. */
  readonly oldObject: KubeObject | undefined
  readonly options: JsonObject
  readonly dryRun: boolean
  readonly user: UserInfo
  /** What ends with the request, for those that wait for others: its signal is made when it is asked for. Unset for the server's own writes. */
  readonly request: { readonly signal: AbortSignal } | undefined
  warn(text: string): void
  /** Whether annotations go anywhere: for those that cost something to make. */
  readonly audited: boolean
  /**
   * Adds an annotation to the request's audit events; of several of one key the first stays.
   * @param level for what belongs only into events that tell of the request's body, too
   */
  annotate(key: string, value: string, level?: 'Request'): void
  /** Set by what changes objects on behalf of clients, so that everything that mutates is asked once more. */
  reinvocation?: Reinvocation | undefined
}

/**
 * Whether the server creates something for itself. No policy or webhook of a client is asked about that: a bad one could keep the server
 * from starting, and so from being rid of it.
 */
export const isOwnCreation = ({ request, operation }: AdmissionAttributes): boolean =>
  request === undefined && operation === 'CREATE'

/**
 * One admission plugin. `admit` may change the object; `validate` runs after all mutation and after the kind's own validation. Both refuse
 * by throwing a StatusError. Returning a promise only where there is something to wait for keeps the common path synchronous.
 */
export interface AdmissionPlugin {
  readonly name: string
  readonly operations: readonly Operation[]
  admit?(attributes: AdmissionAttributes): void | Promise<void>
  validate?(attributes: AdmissionAttributes): void | Promise<void>
}

type ByOperation = Record<Operation, readonly AdmissionPlugin[]>

/** The enabled plugins in the reference's order. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[]
  #admit: ByOperation | undefined
  #validate: ByOperation | undefined

  /**
   * @param plugins may be filled until the first request comes: plugins read objects through the registry, which has to have its chain
   * before
   */
  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins
  }

  /**
   * Lets the plugins that mutate change the object: a second time when policies or webhooks changed it, so that the others see what
   * they did. @throws StatusError of the first that refuses
   */
  async admit(attributes: AdmissionAttributes): Promise<void> {
    this.#admit ??= this.#by((plugin) => plugin.admit)
    const plugins = this.#admit[attributes.operation]
    for (const plugin of plugins) {
      const pending = plugin.admit?.(attributes)
      if (pending) await pending
    }
    if (!attributes.reinvocation) return
    if (attributes.reinvocation.startAgain()) for (const plugin of plugins) await plugin.admit?.(attributes)
    attributes.reinvocation.checkResult(attributes)
  }

  /** Asks the plugins that validate. @throws StatusError of the first that refuses */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    this.#validate ??= this.#by((plugin) => plugin.validate)
    for (const plugin of this.#validate[attributes.operation]) {
      const pending = plugin.validate?.(attributes)
      if (pending) await pending
    }
  }

  #by(takesPart: (plugin: AdmissionPlugin) => unknown): ByOperation {
    const of = (operation: Operation) => this.#plugins.filter((p) => takesPart(p) && p.operations.includes(operation))
    return { CREATE: of('CREATE'), UPDATE: of('UPDATE'), DELETE: of('DELETE'), CONNECT: of('CONNECT') }
  }
}
