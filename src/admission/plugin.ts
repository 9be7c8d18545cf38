import type { UserInfo } from '../authentication/user.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'

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

/** The enabled plugins in the reference's order. */
export class AdmissionChain {
  readonly #admit: Record<Operation, AdmissionPlugin[]>
  readonly #validate: Record<Operation, AdmissionPlugin[]>

  constructor(plugins: readonly AdmissionPlugin[]) {
    const by = (has: (plugin: AdmissionPlugin) => unknown): Record<Operation, AdmissionPlugin[]> => {
      const of = (operation: Operation) => plugins.filter((p) => has(p) && p.operations.includes(operation))
      return { CREATE: of('CREATE'), UPDATE: of('UPDATE'), DELETE: of('DELETE'), CONNECT: of('CONNECT') }
    }
    this.#admit = by((p) => p.admit)
    this.#validate = by((p) => p.validate)
  }

  async admit(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#admit[attributes.operation]) {
      const pending = plugin.admit?.(attributes)
      if (pending) await pending
    }
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#validate[attributes.operation]) {
      const pending = plugin.validate?.(attributes)
      if (pending) await pending
    }
  }
}
