import { RE2JS } from 're2js'
import type { Schema } from './schema.ts'

/** Compiling takes long, and a list's items have all the same pattern. By schema, so that they go with it. */
const compiled = new WeakMap<Schema, RE2JS>()

/**
 * Whether a text has a part that fits a schema's pattern. RE2 takes time in proportion to the text, where JavaScript's own engine takes
 * for ever with patterns such as `(a+)+b`.
 * @throws Error when it is no pattern
 */
export function fitsPattern(pattern: string, schema: Schema, text: string): boolean {
  let matcher = compiled.get(schema)
  if (!matcher) {
    matcher = RE2JS.compile(pattern)
    compiled.set(schema, matcher)
  }
  return matcher.matcher(text).find()
}
