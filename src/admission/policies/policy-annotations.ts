import type { AdmissionAttributes } from '../plugin.ts'
import type { Annotation } from './validating-evaluation.ts'

const MAX_VALUE = 10 * 1024

/** The audit annotations that one policy makes for a request: those of all its bindings and parameters under one key for each. */
export class PolicyAnnotations {
  readonly #policy: string
  readonly #values = new Map<string, string[]>()

  /** @param policy its name, which comes before each key */
  constructor(policy: string) {
    this.#policy = policy
  }

  add(annotations: readonly Annotation[]): void {
    for (const { key, value } of annotations) {
      const values = this.#values.get(key) ?? []
      this.#values.set(key, values)
      const short = value.slice(0, MAX_VALUE)
      if (!values.includes(short)) values.push(short)
    }
  }

  publish(attributes: Pick<AdmissionAttributes, 'annotate'>): void {
    for (const [key, values] of this.#values) attributes.annotate(`${this.#policy}/${key}`, values.join(', '))
  }
}
