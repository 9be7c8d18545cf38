import { DurationError, parseDurationMs } from './duration.ts'
import { duplicate, type FieldError, invalid } from './field-errors.ts'
import { isObject, type JsonObject } from './json.ts'

/** Reads the members of a configuration file's objects, and gathers everything that is wrong with them. */
export class ConfigReader {
  readonly errors: FieldError[] = []

  /** Reports the members that there should not be. */
  known(object: JsonObject, path: string, names: readonly string[]): void {
    for (const name of Object.keys(object)) {
      if (!names.includes(name)) this.errors.push({ reason: '', field: within(path, name), message: 'unknown field' })
    }
  }

  /** Empty when there is none. */
  text(object: JsonObject, name: string, path: string): string {
    const value = object[name] ?? ''
    if (typeof value === 'string') return value
    this.errors.push(invalid(within(path, name), value, 'must be a string'))
    return ''
  }

  texts(object: JsonObject, name: string, path: string): string[] {
    const value = object[name] ?? []
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
    this.errors.push(invalid(within(path, name), value, 'must be a list of strings'))
    return []
  }

  flag(object: JsonObject, name: string, path: string, byDefault: boolean): boolean {
    const value = object[name] ?? byDefault
    if (typeof value === 'boolean') return value
    this.errors.push(invalid(within(path, name), value, 'must be a boolean'))
    return byDefault
  }

  /** In milliseconds. */
  duration(object: JsonObject, name: string, path: string, byDefault: number): number {
    if (object[name] === undefined || object[name] === null) return byDefault
    const text = this.text(object, name, path)
    try {
      return parseDurationMs(text)
    } catch (error) {
      if (!(error instanceof DurationError)) throw error
      this.errors.push(invalid(within(path, name), text, error.message))
      return byDefault
    }
  }

  object(object: JsonObject, name: string, path: string): JsonObject {
    const value = object[name] ?? {}
    if (isObject(value)) return value
    this.errors.push(invalid(within(path, name), value, 'must be an object'))
    return {}
  }

  list(object: JsonObject, name: string, path: string): JsonObject[] {
    const value = object[name] ?? []
    if (Array.isArray(value) && value.every(isObject)) return value
    this.errors.push(invalid(within(path, name), value, 'must be a list of objects'))
    return []
  }

  /** Reports each text that stood there before; the path of each is made of its index. */
  distinct(texts: readonly string[], path: (index: number) => string): void {
    texts.forEach((text, i) => {
      if (text !== '' && texts.indexOf(text) < i) this.errors.push(duplicate(path(i), text))
    })
  }

  /** @throws Error with one line that says all that is wrong */
  finish(): void {
    if (this.errors.length === 0) return
    const lines = [...new Set(this.errors.map(({ field, message }) => `${field}: ${message}`))]
    throw new Error(lines.length > 1 ? `[${lines.join(', ')}]` : lines[0])
  }
}

const within = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)
