import fs from 'node:fs'
import path from 'node:path'

/**
 * One field of a message.
 *
 * The name is that of the JSON form. The type is a protobuf scalar (string, bool, int32, int64, double, bytes), one of schema.ts's
 * scalars for messages with a JSON form of their own (quantity, time, raw, …), `#` and a type's name (without its package when that is
 * the same), or `{` and the type of a map's values (keys are strings). The mode is `r` for lists, `v` for Go values, which are written
 * even when they are zero, `e` for a struct whose fields JSON shows among its parent's, and nothing for pointers, maps and bytes.
 */
export type WireField = [name: string, number: number, type: string, mode?: 'r' | 'v' | 'e']

/** Short type name → fields in the order of the Go struct, for one Go package. */
export type WirePackage = Record<string, WireField[]>

/** Looks messages up by the full names of their types, reading a package's file when it is first asked for. */
export class WireFacts {
  readonly #dir: string
  readonly #packages = new Map<string, WirePackage>()

  /** @param dir holds `<package>.json` files */
  constructor(dir: string = path.join(import.meta.dirname, '../../generated/wire')) {
    this.#dir = dir
  }

  /** @param name such as `io.k8s.api.core.v1.Pod`; undefined when it isn't a message */
  message(name: string): WireField[] | undefined {
    const dot = name.lastIndexOf('.')
    return this.#package(name.slice(0, dot))[name.slice(dot + 1)]
  }

  #package(name: string): WirePackage {
    let found = this.#packages.get(name)
    if (!found) {
      const file = path.join(this.#dir, `${name}.json`)
      found = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as WirePackage) : {}
      this.#packages.set(name, found)
    }
    return found
  }
}
