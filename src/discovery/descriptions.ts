import fs from 'node:fs'
import path from 'node:path'

type PackageDescriptions = Record<string, Record<string, string>>

const NONE: PackageDescriptions = Object.freeze({})

/**
 * The API's descriptions, which `scripts/descriptions.mjs` puts into build/descriptions/. Files are read when first asked for, and what
 * isn't there is described as ''.
 */
export class Descriptions {
  readonly #dir: string
  #packages = new Map<string, PackageDescriptions>()
  #parameters: Record<string, string> | undefined

  constructor(dir: string = path.join(import.meta.dirname, '../../build/descriptions')) {
    this.#dir = dir
  }

  /** @param field such as `io.k8s.api.core.v1.PodStatus.phase` */
  describe(field: string): string {
    const dot = field.lastIndexOf('.')
    return this.fields(field.slice(0, dot))[field.slice(dot + 1)] ?? ''
  }

  /** @param type such as `io.k8s.api.core.v1.PodStatus` */
  describeType(type: string): string {
    return this.fields(type)[''] ?? ''
  }

  /** Everything known of a type: field → text, and '' → the type's own. */
  fields(type: string): Readonly<Record<string, string>> {
    const dot = type.lastIndexOf('.')
    return this.#package(type.slice(0, dot))[type.slice(dot + 1)] ?? {}
  }

  /**
   * @param name a parameter's name
   * @param verb the first word of the operationId: patches describe some parameters in their own way
   * @param operation the operationId without its group version, for the few where the parameter means something else altogether
   */
  describeParameter(name: string, verb: string, operation: string): string {
    this.#parameters ??= this.#read<Record<string, string>>('parameters') ?? {}
    const known = this.#parameters
    return known[`${operation}.${name}`] ?? known[`${verb}.${name}`] ?? known[name] ?? ''
  }

  /** A hash of all texts; empty when there are none. */
  get stamp(): string {
    try {
      return fs.readFileSync(path.join(this.#dir, 'stamp'), 'utf8').split('\n')[1] ?? ''
    } catch {
      return ''
    }
  }

  /** Forgets what was read: texts are large and rarely needed. */
  release(): void {
    this.#packages = new Map()
    this.#parameters = undefined
  }

  #package(name: string): PackageDescriptions {
    let found = this.#packages.get(name)
    if (!found) {
      found = this.#read<PackageDescriptions>(name) ?? NONE
      this.#packages.set(name, found)
    }
    return found
  }

  #read<T>(name: string): T | undefined {
    try {
      return JSON.parse(fs.readFileSync(path.join(this.#dir, `${name}.json`), 'utf8')) as T
    } catch {
      // Not built, which only costs the texts.
      return undefined
    }
  }
}
