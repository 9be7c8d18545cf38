import { quote } from './field-errors.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import {
  type Container,
  copyOf,
  type FieldValidation,
  getOwn,
  jsonKind,
  patchDoesNotApply,
  patchUnsupported,
  printPatched,
  put,
} from './patch-values.ts'
import { badRequest, requestEntityTooLarge } from './status.ts'

const MAX_OPERATIONS = 10_000

/** What all copy operations of one patch may add, in bytes of JSON. */
const MAX_COPIED_BYTES = 3 * 1024 * 1024

const OPERATION_FIELDS = new Set(['op', 'path', 'from', 'value'])

/** Why an operation can't be applied. A PATCH doesn't tell it; an admission webhook's patch does. */
export class JsonPatchError extends Error {
  override name = 'JsonPatchError'
  /** Whether it was a `test` that found another value, while all else could be done. */
  readonly testFailed: boolean

  constructor(message: string, testFailed = false) {
    super(message)
    this.testFailed = testFailed
  }
}

export interface JsonPatch {
  /** A null is no operation: the patch then doesn't apply. */
  operations: readonly (JsonObject | null)[]
  /** What strict field validation refuses and `Warn` warns of. Duplicate fields are the parser's to find. */
  strictErrors: string[]
}

/**
 * Checks that a parsed body is a list of operations (RFC 6902).
 *
 * @throws StatusError 400 for another shape, 413 for more than 10,000 operations
 */
export function decodeJsonPatch(body: Json, validation: FieldValidation): JsonPatch {
  const strict = validation !== 'Ignore'
  const refuse = (value: Json, into: string) =>
    badRequest(`${strict ? 'error decoding patch: ' : ''}json: cannot unmarshal ${jsonKind(value)} into ${into}`)
  if (body === null) return { operations: [], strictErrors: [] }
  if (!Array.isArray(body)) throw refuse(body, `Go value of type ${strict ? '[]handlers.jsonPatchOp' : 'jsonpatch.Patch'}`)
  const strictErrors: string[] = []
  for (const [i, operation] of body.entries()) {
    if (operation === null) continue
    if (!isObject(operation))
      throw refuse(operation, `Go value of type ${strict ? 'handlers.jsonPatchOp' : 'jsonpatch.Operation'}`)
    if (!strict) continue
    for (const field of Object.keys(operation)) {
      const value = operation[field]
      if (!OPERATION_FIELDS.has(field)) strictErrors.push(`json patch unknown field "[${i}].${field}"`)
      else if (field !== 'value' && value !== null && value !== undefined && typeof value !== 'string')
        throw refuse(value, `Go struct field jsonPatchOp.${field} of type string`)
    }
  }
  if (body.length > MAX_OPERATIONS)
    throw requestEntityTooLarge(
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${body.length}`,
    )
  return { operations: body as (JsonObject | null)[], strictErrors }
}

/**
 * Applies a PATCH request's operations.
 *
 * @param document is not changed; the result shares what the patch doesn't touch
 * @param opened receives the containers that the patch went into, for {@link printPatched}
 * @throws StatusError 422 when an operation doesn't apply
 */
export function applyJsonPatch(document: Json, operations: JsonPatch['operations'], opened?: Set<object>): Json {
  try {
    return runJsonPatch(document, operations, opened)
  } catch (error) {
    throw error instanceof JsonPatchError ? patchDoesNotApply() : error
  }
}

/**
 * As {@link applyJsonPatch}, but what doesn't apply is thrown as a JsonPatchError with the reference's text.
 *
 * Differs from RFC 6902 as the reference does: `replace` of a missing member adds it, `copy` of a missing member gives
 * null, a missing value is null, negative indices count from the end, and text before the first slash is ignored.
 */
export function runJsonPatch(document: Json, operations: JsonPatch['operations'], opened: Set<object> = new Set()): Json {
  if (typeof document !== 'object' || document === null) throw new JsonPatchError('document is neither object nor array')
  const editor = new Editor(document, opened)
  for (const operation of operations) {
    const kind = operation && getOwn(operation, 'op')
    const apply = typeof kind === 'string' ? OPERATIONS.get(kind) : undefined
    if (!operation || !apply) throw new JsonPatchError(`Unexpected kind: ${typeof kind === 'string' ? kind : 'unknown'}`)
    apply(editor, operation)
  }
  return editor.root
}

const MISSING = 'missing value'

const OPERATIONS = new Map<string, (editor: Editor, operation: JsonObject) => void>([
  ['add', add],
  ['remove', remove],
  ['replace', replace],
  ['move', move],
  ['copy', copy],
  ['test', test],
])

function add(editor: Editor, operation: JsonObject): void {
  const path = pointer(operation, 'path', () => `add operation failed to decode path: ${MISSING}`)
  const place = editor.find(path)
  if (!place) throw new JsonPatchError(`add operation does not apply: doc is missing path: "${path}": ${MISSING}`)
  within(`error in add for path: '${path}'`, () => place.add(operationValue(operation)))
}

function remove(editor: Editor, operation: JsonObject): void {
  const path = pointer(operation, 'path', () => `remove operation failed to decode path: ${MISSING}`)
  const place = editor.find(path)
  if (!place) throw new JsonPatchError(`remove operation does not apply: doc is missing path: "${path}": ${MISSING}`)
  within(`error in remove for path: '${path}'`, () => place.remove())
}

function replace(editor: Editor, operation: JsonObject): void {
  const path = pointer(operation, 'path', (cause) => `replace operation failed to decode path: ${cause}`)
  if (path === '') {
    const value = getOwn(operation, 'value')
    if (value === undefined) throw patchUnsupported('a JSON patch replaces the whole document by nothing')
    if (typeof value !== 'object' || value === null)
      throw new JsonPatchError('replace operation value must be object or array: %!w(<nil>)')
    editor.open(value)
    return
  }
  const place = editor.find(path)
  if (!place) throw new JsonPatchError(`replace operation does not apply: doc is missing path: ${path}: ${MISSING}`)
  if (!place.exists()) throw new JsonPatchError(`replace operation does not apply: doc is missing key: ${path}: ${MISSING}`)
  place.set(operationValue(operation))
}

function move(editor: Editor, operation: JsonObject): void {
  const from = pointer(operation, 'from', (cause) => `move operation failed to decode from: ${cause}`)
  const source = editor.find(from)
  if (!source) throw new JsonPatchError(`move operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
  const value = within(`error in move for path: '${source.key}'`, () => {
    const found = source.get()
    source.remove()
    return found
  })
  const path = pointer(operation, 'path', (cause) => `move operation failed to decode path: ${cause}`)
  const target = editor.find(path)
  if (!target) throw new JsonPatchError(`move operation does not apply: doc is missing destination path: ${path}: ${MISSING}`)
  within(`error in move for path: '${path}'`, () => target.add(value ?? null))
}

function copy(editor: Editor, operation: JsonObject): void {
  const from = pointer(operation, 'from', (cause) => `copy operation failed to decode from: ${cause}`)
  const source = editor.find(from)
  if (!source) throw new JsonPatchError(`copy operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
  const value = within(`error in copy for from: '${from}'`, () => source.get()) ?? null
  const path = pointer(operation, 'path', () => `copy operation failed to decode path: ${MISSING}`)
  const target = editor.find(path)
  if (!target) throw new JsonPatchError(`copy operation does not apply: doc is missing destination path: ${path}: ${MISSING}`)
  editor.count(value)
  // A shared container would be changed in both places by a later operation.
  within('error while adding value during copy', () => target.add(copyOf(value)))
}

function test(editor: Editor, operation: JsonObject): void {
  const path = pointer(operation, 'path', (cause) => `test operation failed to decode path: ${cause}`)
  const expected = getOwn(operation, 'value')
  const failed = () => new JsonPatchError(`testing value ${path} failed: test failed`, true)
  if (path === '') {
    if (expected === undefined) throw patchUnsupported('a JSON patch tests the whole document against nothing')
    if (!same(editor.root, expected)) throw failed()
    return
  }
  const place = editor.find(path)
  if (!place) throw new JsonPatchError(`test operation does not apply: is missing path: ${path}: ${MISSING}`)
  const actual = within(`error in test for path: '${path}'`, () => place.get())
  if (actual === undefined || actual === null) {
    if (expected !== undefined && expected !== null) throw failed()
  } else if (expected === undefined || !same(actual, expected)) throw failed()
}

const operationValue = (operation: JsonObject): Json => getOwn(operation, 'value') ?? null

/** A member that holds a path; anything else fails with the text that `message` makes of the reason. */
function pointer(operation: JsonObject, field: 'path' | 'from', message: (cause: string) => string): string {
  const value = getOwn(operation, field)
  if (typeof value === 'string') return value
  if (value !== undefined && value !== null)
    throw new JsonPatchError(message(`json: cannot unmarshal ${jsonKind(value)} into Go value of type string`))
  throw new JsonPatchError(
    message(field === 'path' ? `operation missing path field: ${MISSING}` : `operation, missing from field: ${MISSING}`),
  )
}

function within<T>(context: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof JsonPatchError ? new JsonPatchError(`${context}: ${error.message}`) : error
  }
}

/** Equality as `test` has it. Lists with nulls can't be compared by the reference either. */
function same(a: Json, b: Json): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, i) => {
      const other = b[i] as Json
      if (item === null || other === null) throw patchUnsupported('a JSON patch tests a list that holds null')
      return same(item, other)
    })
  }
  if (!isObject(a)) return a === b
  if (!isObject(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => {
    const left = a[key] ?? null
    const right = getOwn(b, key)
    if (right === undefined) return false
    return left === null || right === null ? left === right : same(left, right)
  })
}

/** Where a path ends: a member of an object or an item of a list that may be changed in place. */
interface Place {
  readonly key: string
  exists(): boolean
  /** @throws JsonPatchError for a list index that isn't there; a missing member is undefined */
  get(): Json | undefined
  set(value: Json): void
  add(value: Json): void
  remove(): void
}

class ObjectPlace implements Place {
  readonly #object: JsonObject
  readonly key: string

  constructor(object: JsonObject, key: string) {
    this.#object = object
    this.key = key
  }

  exists(): boolean {
    return true
  }

  get(): Json | undefined {
    return getOwn(this.#object, this.key)
  }

  set(value: Json): void {
    put(this.#object, this.key, value)
  }

  add(value: Json): void {
    put(this.#object, this.key, value)
  }

  remove(): void {
    if (getOwn(this.#object, this.key) === undefined)
      throw new JsonPatchError(`Unable to remove nonexistent key: ${this.key}: ${MISSING}`)
    delete this.#object[this.key]
  }
}

class ListPlace implements Place {
  readonly #list: Json[]
  readonly key: string

  constructor(list: Json[], key: string) {
    this.#list = list
    this.key = key
  }

  exists(): boolean {
    return indexIn(this.#list, this.key) !== undefined
  }

  get(): Json {
    return this.#list[this.#index()] as Json
  }

  set(value: Json): void {
    this.#list[this.#index()] = value
  }

  add(value: Json): void {
    if (this.key === '-') {
      this.#list.push(value)
      return
    }
    const number = parseIndex(this.key)
    if (typeof number === 'string') throw new JsonPatchError(`value was not a proper array index: '${this.key}': ${number}`)
    const length = this.#list.length + 1
    if (number >= length || number < -length) throw badIndex(number)
    this.#list.splice(number < 0 ? number + length : number, 0, value)
  }

  remove(): void {
    this.#list.splice(this.#index(), 1)
  }

  #index(): number {
    const index = indexIn(this.#list, this.key)
    if (index !== undefined) return index
    const number = parseIndex(this.key)
    throw typeof number === 'string' ? new JsonPatchError(number) : badIndex(number)
  }
}

const badIndex = (index: number) => new JsonPatchError(`Unable to access invalid index: ${index}: invalid index referenced`)

/** The number, or why it is none. */
function parseIndex(key: string): number | string {
  const number = /^[+-]?[0-9]+$/.test(key) ? Number(key) : Number.NaN
  if (Number.isNaN(number)) return `strconv.Atoi: parsing ${quote(key)}: invalid syntax`
  return Number.isSafeInteger(number) ? number : `strconv.Atoi: parsing ${quote(key)}: value out of range`
}

function indexIn(list: Json[], key: string): number | undefined {
  const number = parseIndex(key)
  if (typeof number === 'string' || number >= list.length || number < -list.length) return undefined
  return number < 0 ? number + list.length : number
}

const decodePart = (part: string): string => (part.includes('~') ? part.replace(/~[01]/g, (c) => (c === '~1' ? '/' : '~')) : part)

/** The document being changed: containers are copied when they are first entered. */
class Editor {
  root: Container
  /** Containers that are ours to change. */
  readonly #owned: Set<object>
  #copiedBytes = 0

  constructor(document: Container, owned: Set<object>) {
    this.#owned = owned
    this.root = this.#own(document)
  }

  /** Makes `document` the whole document. */
  open(document: Container): void {
    this.root = this.#own(document)
  }

  /** The place a path leads to, or undefined when something on the way there is missing. */
  find(path: string): Place | undefined {
    const parts = path.split('/')
    if (parts.length < 2) return undefined
    let container = this.root
    for (let i = 1; i < parts.length - 1; i++) {
      const part = decodePart(parts[i] as string)
      const index = Array.isArray(container) ? indexIn(container, part) : undefined
      const next = Array.isArray(container) ? index !== undefined && container[index] : getOwn(container, part)
      if (typeof next !== 'object' || next === null) return undefined
      const owned = this.#own(next)
      if (owned !== next) {
        if (Array.isArray(container)) container[index as number] = owned
        else put(container, part, owned)
      }
      container = owned
    }
    const key = decodePart(parts.at(-1) as string)
    return Array.isArray(container) ? new ListPlace(container, key) : new ObjectPlace(container, key)
  }

  /** Bounds what copies add: without it a short patch could double a value again and again. */
  count(value: Json): void {
    this.#copiedBytes += value === null ? 0 : Buffer.byteLength(printPatched(value, this.#owned))
    if (this.#copiedBytes > MAX_COPIED_BYTES)
      throw new JsonPatchError(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copiedBytes}, exceeding the limit ${MAX_COPIED_BYTES}`,
      )
  }

  #own(container: Container): Container {
    if (this.#owned.has(container)) return container
    const copy = Array.isArray(container) ? container.slice() : { ...container }
    this.#owned.add(copy)
    return copy
  }
}
