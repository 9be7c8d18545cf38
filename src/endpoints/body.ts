import { DecodeError } from '../machinery/decode.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { GoJsonError, kindOfWrongType, kindUnreadable, parseJson, unrecognizedBody } from '../machinery/go-json.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { badRequest, StatusError, unsupportedMediaType } from '../machinery/status.ts'
import { yamlToJson } from '../machinery/yaml.ts'
import { internalPackage, type KnownKinds } from './known-kinds.ts'

/** The largest request body, in bytes: 3 MiB, as the reference's. */
export const MAX_BODY = 3 * 1024 * 1024

const ACCEPTED = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'
const PROTOBUF_PREFIX = Buffer.from('k8s\0')

/** What a body is decoded as. */
export interface BodyKind {
  group: string
  version: string
  kind: string
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

/** Parses a body and checks that it says to be what the path is about. */
export class BodyReader {
  readonly #known: KnownKinds

  constructor(known: KnownKinds) {
    this.#known = known
  }

  /**
   * @returns the parsed object, with kind and apiVersion filled in
   * @throws StatusError 400, 415
   */
  parse(bytes: Buffer, type: 'json' | 'yaml' | 'protobuf', expected: BodyKind): JsonObject {
    const raw = this.#parse(bytes, type, expected.kind)
    const kind = textMember(raw, 'kind', bytes, expected.kind)
    const apiVersion = textMember(raw, 'apiVersion', bytes, expected.kind)
    if (apiVersion.split('/').length > 2)
      throw unrecognizedBody(expected.kind, `unexpected GroupVersion string: ${apiVersion}`, bytes)
    this.#check(kind || expected.kind, apiVersion || gvOf(expected), expected)
    return { ...raw, kind: expected.kind, apiVersion: gvOf(expected) }
  }

  #parse(bytes: Buffer, type: 'json' | 'yaml' | 'protobuf', kind: string): JsonObject {
    let value: Json
    if (type === 'protobuf') {
      const isProtobuf = bytes.subarray(0, 4).equals(PROTOBUF_PREFIX)
      if (isProtobuf)
        throw unsupportedMediaType(
          'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
        )
      throw unrecognizedBody(
        kind,
        'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
        bytes,
      )
    }
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
    if (kind === expected.kind) {
      throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${gvOf(expected)})`)
    }
    throw handled(`converting (${version}.${kind}) to (${internalPackage(expected.group)}.${expected.kind}): unknown conversion`)
  }
}

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
 * Decodes a parsed body, telling of fields that the type doesn't have.
 * @throws StatusError 400 for values of a wrong type, and in `Strict` for unknown fields
 */
export function decodeChecked(
  raw: JsonObject,
  expected: BodyKind,
  validation: FieldValidation,
  decode: (raw: JsonObject, unknown: string[] | undefined) => KubeObject,
  warn: (text: string) => void,
): KubeObject {
  const unknown: string[] | undefined = validation === 'Ignore' ? undefined : []
  let object: KubeObject
  try {
    object = decode(raw, unknown)
  } catch (error) {
    throw undecodable(error, expected)
  }
  if (unknown?.length) {
    const texts = unknown.map((field) => `unknown field "${field}"`)
    if (validation === 'Strict') {
      throw badRequest(
        `${expected.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: strict decoding error: ${texts.join(', ')}`,
      )
    }
    for (const text of texts) warn(text)
  }
  return object
}

/** The 400 for a body whose values don't fit their types; other errors as they are. */
export function undecodable(error: unknown, expected: BodyKind): unknown {
  if (error instanceof StatusError || !(error instanceof Error) || !isDecodeFailure(error)) return error
  return badRequest(`${expected.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: ${error.message}`)
}

/** Values that a type can't hold are told by several errors: wrong JSON types, quantities, times. */
export function isDecodeFailure(error: Error): boolean {
  return error instanceof DecodeError || error.name === 'QuantityError' || error.name === 'TimeError'
}
