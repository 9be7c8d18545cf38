import { DecodeError } from '../machinery/decode-error.ts'
import { hasDuplicateKeys } from '../machinery/duplicate-keys.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { GoJsonError, kindOfWrongType, kindUnreadable, parseJson, unrecognizedBody } from '../machinery/go-json.ts'
import { decodeUtf8, goQuote } from '../machinery/go-text.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { type Envelope, unwrap } from '../machinery/protobuf/envelope.ts'
import { ProtobufError } from '../machinery/protobuf/reader.ts'
import type { SchemaFacts } from '../machinery/schema.ts'
import { badRequest, StatusError, unsupportedMediaType } from '../machinery/status.ts'
import { readStrictly, type StrictlyRead, sortedJson } from '../machinery/strict-json.ts'
import { yamlToJson, yamlToJsonStrict } from '../machinery/yaml.ts'
import { internalPackage, type KnownKinds } from './known-kinds.ts'

/** The largest request body, in bytes: 3 MiB, as the reference's. */
export const MAX_BODY = 3 * 1024 * 1024

const ACCEPTED = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'

/** What a body is decoded as. */
export interface BodyKind {
  group: string
  version: string
  kind: string
  /** Full name of its type: what a protobuf body is decoded by. */
  schema: string
  /** It is a custom resource, whose bodies say themselves what they are. */
  custom?: boolean
}

const gvOf = (kind: BodyKind): string => (kind.group ? `${kind.group}/${kind.version}` : kind.version)

/** The media type without parameters, in lower case: body types aren't case-sensitive. */
export function mediaType(header: string | undefined): string {
  if (!header) return ''
  const end = header.indexOf(';')
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase()
}

/** @throws StatusError 415 */
export function bodyType(exchange: Exchange): 'json' | 'yaml' | 'protobuf' {
  const header = exchange.header('content-type')
  const type = mediaType(header)
  const malformed = header?.includes(';;')
  if (!malformed && (type === '' || type === 'application/json')) return 'json'
  if (!malformed && type === 'application/yaml') return 'yaml'
  if (!malformed && type === 'application/vnd.kubernetes.protobuf') return 'protobuf'
  throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${ACCEPTED}`)
}

/** Why an object of a Go type has no protobuf form. */
export function notMarshalable(goType: string): string {
  return `object ${goType} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`
}

/** A body that could be read. */
export interface ParsedBody {
  /** With kind and apiVersion filled in. */
  readonly object: JsonObject
  /** Whether the object's members come in the order in which Go would decode them: that of JSON text, but not that of YAML. */
  readonly inOrder?: boolean
  /** Some object names a member twice. */
  readonly hasDuplicates?: boolean
  /** Reads it once more, strictly: for bodies with duplicates, or with fields that their type doesn't have. */
  readonly strictly?: (unknown: readonly string[]) => Findings
  /** Asked once it is decoded: refuses what is no object of the version in the path. @throws StatusError 400 */
  readonly checkVersion?: () => void
}

/** What is wrong with a body's fields, as errors tell it and, line by line, warnings. */
export interface Findings {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

const sameInBoth = (problems: readonly string[]): Findings => ({ errors: problems, warnings: problems })

/** Parses a body and checks that it says to be what the path is about. */
export class BodyReader {
  readonly #known: KnownKinds
  readonly #facts: SchemaFacts
  readonly #protobuf: ProtobufCodec

  constructor(known: KnownKinds, protobuf: ProtobufCodec, facts: SchemaFacts) {
    this.#known = known
    this.#facts = facts
    this.#protobuf = protobuf
  }

  /** @throws StatusError 400 */
  parse(bytes: Buffer, type: 'json' | 'yaml' | 'protobuf', expected: BodyKind): ParsedBody {
    if (type === 'protobuf') return { object: this.#message(bytes, expected) }
    const read = this.#parse(bytes, type, expected.kind)
    if (expected.custom) return this.#custom(read, bytes, type, expected)
    const isJson = type === 'json' || bytes[0] === 0x7b
    const hasDuplicates = isJson ? hasDuplicateKeys(bytes, read) : undefined
    const strictly = () => this.#findings(bytes, type, expected)
    // What JSON says twice is both: the native parser has dropped the first.
    const raw = hasDuplicates && type === 'json' ? (this.#strictJson(bytes, expected).value as JsonObject) : read
    const kind = textMember(raw, 'kind', bytes, expected.kind)
    const apiVersion = textMember(raw, 'apiVersion', bytes, expected.kind)
    if (apiVersion.split('/').length > 2)
      throw unrecognizedBody(expected.kind, `unexpected GroupVersion string: ${apiVersion}`, bytes)
    this.#check(kind || expected.kind, apiVersion || gvOf(expected), expected)
    raw.kind = expected.kind
    raw.apiVersion = gvOf(expected)
    return {
      object: raw,
      inOrder: type === 'json',
      hasDuplicates: hasDuplicates ?? yamlToJsonStrict(bytes).duplicates !== undefined,
      strictly,
    }
  }

  /** What says to be another kind is refused by validation, which tells more. */
  #custom(read: JsonObject, bytes: Buffer, type: 'json' | 'yaml', expected: BodyKind): ParsedBody {
    const isJson = type === 'json' || bytes[0] === 0x7b
    const hasDuplicates = isJson ? hasDuplicateKeys(bytes, read) : yamlToJsonStrict(bytes).duplicates !== undefined
    const untyped = { ...expected, schema: '' }
    const object = hasDuplicates && type === 'json' ? (this.#strictJson(bytes, untyped).value as JsonObject) : read
    const kind = textMember(object, 'kind', bytes, expected.kind)
    const apiVersion = textMember(object, 'apiVersion', bytes, expected.kind)
    if (apiVersion.split('/').length > 2)
      throw unrecognizedBody(expected.kind, `unexpected GroupVersion string: ${apiVersion}`, bytes)
    if (!kind) throw unrecognizedBody(expected.kind, `Object 'Kind' is missing in '${decodeUtf8(bytes)}'`, bytes)
    return {
      object,
      inOrder: true,
      hasDuplicates,
      strictly: (unknown) => {
        const { errors, warnings } = hasDuplicates ? this.#findings(bytes, type, untyped) : sameInBoth([])
        const more = unknownFields(unknown)
        return { errors: [...errors, ...more], warnings: [...warnings, ...more] }
      },
      checkVersion: () => {
        if (apiVersion !== gvOf(expected)) throw unexpectedVersion(apiVersion, expected)
      },
    }
  }

  /** The type that a body of this kind is decoded as; undefined when it isn't served. */
  schemaOf(apiVersion: string, kind: string): string | undefined {
    const slash = apiVersion.lastIndexOf('/')
    return this.#known.schemaOf(slash < 0 ? '' : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind)
  }

  #strictJson(bytes: Buffer, expected: BodyKind): StrictlyRead {
    return readStrictly(decodeUtf8(bytes), this.#facts, expected.schema || undefined)
  }

  #findings(bytes: Buffer, type: 'json' | 'yaml', expected: BodyKind): Findings {
    if (type === 'json') return sameInBoth(this.#strictJson(bytes, expected).problems)
    // YAML is turned to JSON with sorted members first; what it says twice is found by its own reader.
    const { problems } = readStrictly(sortedJson(yamlToJson(bytes)), this.#facts, expected.schema || undefined)
    const { duplicates } = yamlToJsonStrict(bytes)
    if (!duplicates) return sameInBoth(problems)
    return { errors: [duplicates, ...problems], warnings: [...duplicateWarnings(duplicates), ...problems] }
  }

  #message(bytes: Buffer, expected: BodyKind): JsonObject {
    let envelope: Envelope
    try {
      envelope = unwrap(bytes)
    } catch (error) {
      if (error instanceof ProtobufError) throw unrecognizedBody(expected.kind, error.message, bytes)
      throw error
    }
    this.#check(envelope.kind || expected.kind, envelope.apiVersion || gvOf(expected), expected)
    try {
      if (!this.#protobuf.has(expected.schema)) throw new ProtobufError(notMarshalable('*unstructured.Unstructured'))
      const raw = this.#protobuf.decode(expected.schema, envelope.raw)
      raw.kind = expected.kind
      raw.apiVersion = gvOf(expected)
      return raw
    } catch (error) {
      throw undecodable(error, expected)
    }
  }

  #parse(bytes: Buffer, type: 'json' | 'yaml', kind: string): JsonObject {
    let value: Json
    if (type === 'yaml') {
      try {
        value = yamlToJson(bytes)
      } catch (error) {
        throw unrecognizedBody(kind, (error as Error).message.replace(/^error converting YAML to JSON: /, ''), bytes)
      }
    } else {
      try {
        value = parseJson(bytes)
      } catch (error) {
        if (error instanceof GoJsonError) throw unrecognizedBody(kind, kindUnreadable(error), bytes)
        throw error
      }
    }
    if (value === null || value === undefined) return {}
    if (!isObject(value)) throw unrecognizedBody(kind, kindUnreadable(kindOfWrongType(value)), bytes)
    return value
  }

  #check(kind: string, apiVersion: string, expected: BodyKind): void {
    if (kind === expected.kind && apiVersion === gvOf(expected)) return
    const slash = apiVersion.lastIndexOf('/')
    const version = apiVersion.slice(slash + 1)
    const group = slash < 0 ? '' : apiVersion.slice(0, slash)
    const handled = (cause: string) =>
      badRequest(`${kind} in version "${version}" cannot be handled as a ${expected.kind}: ${cause}`)
    if (!this.#known.isRegistered(group, version, kind))
      throw handled(
        `no kind "${kind}" is registered for version "${apiVersion}" in scheme "${this.#known.scheme(expected.group)}"`,
      )
    if (kind === expected.kind) throw unexpectedVersion(apiVersion, expected)
    throw handled(`converting (${version}.${kind}) to (${internalPackage(expected.group)}.${expected.kind}): unknown conversion`)
  }
}

function unexpectedVersion(apiVersion: string, expected: BodyKind): StatusError {
  return badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${gvOf(expected)})`)
}

/** How messages tell of fields that a type doesn't have. */
export const unknownFields = (paths: readonly string[]): string[] => paths.map((path) => `unknown field ${goQuote(path)}`)

function textMember(raw: JsonObject, member: string, bytes: Buffer, kind: string): string {
  const value = raw[member]
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  const is = Array.isArray(value)
    ? 'array'
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'bigint'
        ? 'number'
        : typeof value
  const error = new Error(`json: cannot unmarshal ${is} into Go struct field .${member} of type string`)
  throw unrecognizedBody(kind, kindUnreadable(error), bytes)
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/**
 * Decodes a parsed body, telling of fields that the type doesn't have and of those that are there twice.
 * @throws StatusError 400 for values of a wrong type, and in `Strict` for such fields
 */
export function decodeChecked(
  body: ParsedBody,
  expected: BodyKind,
  validation: FieldValidation,
  decode: (raw: JsonObject, unknown: string[] | undefined) => KubeObject,
  warn: (text: string) => void,
): KubeObject {
  const unknown: string[] | undefined = validation === 'Ignore' ? undefined : []
  let object: KubeObject
  try {
    object = decode(body.object, unknown)
  } catch (error) {
    throw undecodable(error, expected)
  }
  if (unknown && (unknown.length || body.hasDuplicates)) {
    const found = body.strictly?.(unknown) ?? sameInBoth(unknownFields(unknown))
    if (validation === 'Strict') {
      throw badRequest(
        `${expected.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: strict decoding error: ${found.errors.join(', ')}`,
      )
    }
    for (const text of found.warnings) warn(text)
  }
  body.checkVersion?.()
  return object
}

/** The 400 for a body whose values don't fit their types; other errors as they are. */
export function undecodable(error: unknown, expected: BodyKind): unknown {
  if (error instanceof StatusError || !(error instanceof Error) || !isDecodeFailure(error)) return error
  return badRequest(`${expected.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: ${error.message}`)
}

/** Values that a type can't hold are told by several errors: wrong JSON types, broken messages, quantities, times. */
export function isDecodeFailure(error: Error): boolean {
  return (
    error instanceof DecodeError || error instanceof ProtobufError || error.name === 'QuantityError' || error.name === 'TimeError'
  )
}

/** Each line of the strict YAML reader's error, as a warning of its own. */
export function duplicateWarnings(duplicates: string): string[] {
  return duplicates
    .replace(/^yaml: unmarshal errors:\n/, '')
    .split('\n')
    .map((line) => line.trim())
}
