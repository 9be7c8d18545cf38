import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { UserInfo } from '../machinery/user.ts'

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
  warn(text: string): void
}

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

  /** Lets the plugins that mutate change the object. @throws StatusError of the first that refuses */
  async admit(attributes: AdmissionAttributes): Promise<void> {
    this.#admit ??= this.#by((plugin) => plugin.admit)
    for (const plugin of this.#admit[attributes.operation]) {
      const pending = plugin.admit?.(attributes)
      if (pending) await pending
    }
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
