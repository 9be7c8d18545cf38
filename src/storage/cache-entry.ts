import { parseJson } from '../machinery/go-json.ts'
import { atRevision } from './object-bytes.ts'

/** What selectors need of an object. */
export interface Selectable {
  labels: Readonly<Record<string, string>> | undefined
  /** The value of a selectable field; '' when absent. */
  field(name: string): string
}

/** One stored object as readers see it: its bytes, and what was derived from them. */
export class CacheEntry {
  readonly key: string
  /** Encoded JSON of the storage version, with the resource version in place. */
  readonly body: Buffer
  readonly revision: number
  readonly #describe: Describe
  #selectable: Selectable | undefined
  /** Those of `#selectable`, a look into memory nearer: lists with a selector go through all entries. */
  #labels: Selectable['labels']
  /** The same object in other forms (another version, YAML, …), by the form's name. */
  #forms: Map<string, Buffer> | undefined

  constructor(key: string, body: Buffer, revision: number, describe: Describe, selectable?: Selectable) {
    this.key = key
    this.body = body
    this.revision = revision
    this.#describe = describe
    this.#selectable = selectable
    this.#labels = selectable?.labels
  }

  get selectable(): Selectable {
    if (!this.#selectable) {
      this.#selectable = this.#describe(this.object())
      this.#labels = this.#selectable.labels
    }
    return this.#selectable
  }

  get labels(): Selectable['labels'] {
    return this.#selectable ? this.#labels : this.selectable.labels
  }

  /** A fresh decoded copy: the caller's to change. */
  object<T>(): T {
    return parseJson(this.body) as T
  }

  /** Forgets what was made of it. */
  dropForms(): void {
    this.#forms = undefined
  }

  hasForm(name: string): boolean {
    return this.#forms?.has(name) ?? false
  }

  /** The object in another form, made once. */
  form(name: string, make: (entry: CacheEntry) => Buffer): Buffer {
    let form = this.#forms?.get(name)
    if (!form) {
      form = make(this)
      this.#forms ??= new Map()
      this.#forms.set(name, form)
    }
    return form
  }

  /** The same object at a later revision: how deletions are told. */
  at(revision: number): CacheEntry {
    return new CacheEntry(this.key, atRevision(this.body, revision), revision, this.#describe, this.#selectable)
  }
}

export type Describe = (object: unknown) => Selectable
