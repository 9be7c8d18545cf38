import { DecodeError } from '../machinery/decode-error.ts'
import { hasDuplicateKeys } from '../machinery/duplicate-keys.ts'
import { GoJsonError, parseJson, parseJsonDocument } from '../machinery/go-json.ts'
import { decodeUtf8 } from '../machinery/go-text.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { applyJsonPatch, decodeJsonPatch } from '../machinery/json-patch.ts'
import { expandManagedFields } from '../machinery/managed-fields/stored-text.ts'
import { applyMergePatch } from '../machinery/merge-patch.ts'
import type { KubeObject } from '../machinery/object.ts'
import { applyWithLiterals } from '../machinery/patch-literals.ts'
import { jsonKind, patchResultInvalid, printPatched } from '../machinery/patch-values.ts'
import { badRequest, StatusError, unsupportedMediaType } from '../machinery/status.ts'
import { applyStrategicMergePatch, printStrategicMergePatch } from '../machinery/strategic-merge-patch.ts'
import { readStrictly, sortedJson } from '../machinery/strict-json.ts'
import type { Subresource } from '../registry/kind.ts'
import { APPLY_PATCH, Applier } from './apply-patch.ts'
import { type BodyKind, isDecodeFailure, MAX_BODY, unknownFields } from './body.ts'
import { type Call, contextOf } from './deps.ts'
import { wantsPretty } from './encode.ts'
import { negotiate } from './negotiation.ts'
import { type WriteOptions, writeOptions } from './options.ts'
import { answerObject } from './read.ts'
import {
  answerSubresource,
  bodyKindOf,
  checkName,
  checkNamespace,
  decodeSubresource,
  dropRepeatedOwners,
  warnDeprecated,
} from './write.ts'

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC = 'application/strategic-merge-patch+json'
const TYPES: readonly string[] = [JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY_PATCH]
/** Nothing says how the lists of a custom resource are merged strategically. */
const CUSTOM_TYPES: readonly string[] = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]

/** PATCH of an object, its status or another subresource that changes it. */
export async function patch(call: Call, subresource?: Subresource<KubeObject>): Promise<void> {
  const { exchange, endpoint } = call
  const type = patchType(exchange.header('content-type'), endpoint.served.kind.custom ? CUSTOM_TYPES : TYPES)
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const bytes = await exchange.transport.readBody(MAX_BODY)
  exchange.audit?.patched(bytes)
  const how = type === APPLY_PATCH ? 'apply' : 'patch'
  const options = writeOptions(exchange.query, 'PatchOptions', how)
  const context = contextOf(call, 'update', options)
  const patcher =
    how === 'apply'
      ? new Applier(call, bytes, options, context, subresource)
      : new Patcher(call, type, bytes, options, subresource)
  const { resource } = endpoint
  if (subresource) {
    const written = await resource.updateSubresourceFor(subresource, context, (shown) => patcher.apply(shown), how)
    answerSubresource(call, subresource, written, form)
    return
  }
  if (exchange.info.subresource === 'status') {
    const written = await resource.updateStatusFor(context, (current) => patcher.apply(current), how)
    answerObject(call, 200, written.entry, form)
    return
  }
  const written = await resource.updateFor(
    context,
    (current) => {
      if (patcher instanceof Applier) return patcher.apply(current)
      if (!current) throw resource.store.notFound(exchange.info.name)
      return patcher.apply(current)
    },
    how,
  )
  warnDeprecated(call)
  answerObject(call, written.created ? 201 : 200, written.entry, form)
}

/** Patch types are case-sensitive, unlike body types. @throws StatusError 415 */
function patchType(header: string | undefined, types: readonly string[]): string {
  const end = header?.indexOf(';') ?? -1
  const type = (end < 0 ? header : header?.slice(0, end))?.trim() ?? ''
  if (types.includes(type)) return type
  if (type.includes(',') || types === CUSTOM_TYPES)
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`,
    )
  throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
}

/** Whether a patch could look into managed fields; letters may be escaped. */
function mayNameManagedFields(bytes: Buffer): boolean {
  return bytes.includes('managedFields') || bytes.includes('\\u')
}

/** Applies one request's patch to an object, as often as conflicts make it necessary. */
class Patcher {
  readonly #call: Call
  readonly #type: string
  readonly #bytes: Buffer
  readonly #options: WriteOptions
  readonly #subresource: Subresource<KubeObject> | undefined
  readonly #expected: BodyKind
  readonly #schema: string
  #warned = false

  constructor(call: Call, type: string, bytes: Buffer, options: WriteOptions, subresource: Subresource<KubeObject> | undefined) {
    this.#call = call
    this.#type = type
    this.#bytes = bytes
    this.#options = options
    this.#subresource = subresource
    this.#expected = subresource?.kind ?? bodyKindOf(call)
    this.#schema = subresource?.kind?.schema ?? call.endpoint.served.schema
  }

  /** @param current in the storage version, the caller's to give away */
  apply(current: KubeObject): KubeObject {
    const { served } = this.#call.endpoint
    if (mayNameManagedFields(this.#bytes)) expandManagedFields(current as JsonObject)
    const shown = (this.#subresource?.kind ? current : served.fromStorage(current)) as JsonObject
    const patched = this.#type === STRATEGIC ? this.#strategic(shown) : this.#plain(shown)
    dropRepeatedOwners(this.#call, patched)
    checkNamespace(this.#call, patched)
    checkName(this.#call, patched)
    return patched
  }

  #plain(shown: JsonObject): KubeObject {
    const opened = new Set<object>()
    let result: { value: Json; text?: string }
    const strictErrors: string[] = []
    try {
      const document = parseJsonDocument(this.#bytes)
      strictErrors.push(...this.#duplicates(document.value))
      result = applyWithLiterals(document, (body, touched) => {
        for (const container of touched ?? []) opened.add(container)
        if (this.#type === MERGE_PATCH) return applyMergePatch(shown, body, this.#options.fieldValidation, touched ?? opened)
        const { operations, strictErrors: found } = decodeJsonPatch(body, this.#options.fieldValidation)
        strictErrors.push(...found)
        return applyJsonPatch(shown, operations, touched ?? opened)
      })
    } catch (error) {
      if (error instanceof GoJsonError) throw badRequest(`error decoding patch: ${error.message}`)
      throw error
    }
    const echo = () => (this.#expected.custom ? sortedJson(result.value) : (result.text ?? printPatched(result.value, opened)))
    return this.#decode(result.value, strictErrors, echo, true)
  }

  #strategic(shown: JsonObject): KubeObject {
    const { facts } = this.#call.deps
    let body: Json
    try {
      body = parseJson(this.#bytes)
    } catch (error) {
      if (error instanceof GoJsonError) throw badRequest(error.message)
      throw error
    }
    if (body === null) body = {}
    if (!isObject(body))
      throw badRequest(`json: cannot unmarshal ${jsonKind(body)} into Go value of type map[string]interface {}`)
    const given = body
    const result = applyStrategicMergePatch(shown, given, facts, this.#schema)
    const echo = () => printStrategicMergePatch(shown, given, facts, this.#schema)
    return this.#decode(result, this.#duplicates(given), echo, false)
  }

  #duplicates(body: Json): string[] {
    if (this.#options.fieldValidation === 'Ignore' || !hasDuplicateKeys(this.#bytes, body)) return []
    return readStrictly(decodeUtf8(this.#bytes), this.#call.deps.facts, undefined).problems
  }

  #decode(value: Json, strictErrors: string[], echo: () => string, byOwnKind: boolean): KubeObject {
    if (!isObject(value)) throw patchResultInvalid(echo(), 'cannot restore struct from list')
    const kind = this.#expected
    const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version
    if (kind.custom) checkSaysKind(value, echo)
    else if (byOwnKind && (value.kind !== kind.kind || value.apiVersion !== apiVersion)) this.#refuseKind(value, echo)
    const unknown: string[] = []
    const raw = kind.custom ? { ...value } : { ...value, kind: kind.kind, apiVersion }
    let object: KubeObject
    try {
      object = this.#toObject(raw, unknown)
    } catch (error) {
      if (error instanceof Error && isDecodeFailure(error))
        throw patchResultInvalid(echo(), byOwnKind ? error.message : converterText(error))
      throw error
    }
    const strict = [...strictErrors, ...this.#unknown(value, unknown)]
    if (strict.length && this.#options.fieldValidation === 'Strict')
      throw patchResultInvalid(echo(), `strict decoding error: ${strict.join(', ')}`)
    if (strict.length && this.#options.fieldValidation === 'Warn' && !this.#warned) {
      this.#warned = true
      this.#call.exchange.warnings.push(...strict)
    }
    return object
  }

  #unknown(value: JsonObject, unknown: readonly string[]): string[] {
    if (unknown.length === 0 || this.#expected.custom) return unknownFields(unknown)
    expandManagedFields(value)
    return readStrictly(sortedJson(value), this.#call.deps.facts, this.#schema).problems
  }

  #toObject(raw: JsonObject, unknown: string[]): KubeObject {
    const collected = this.#options.fieldValidation === 'Ignore' ? undefined : unknown
    if (!this.#subresource) return this.#call.endpoint.served.toStorage(raw, collected)
    return decodeSubresource(this.#call, this.#subresource, { object: raw }, { ...this.#options, fieldValidation: 'Ignore' })
  }

  /** A patched kind or version is decoded as what it says to be. */
  #refuseKind(value: JsonObject, echo: () => string): never {
    const kind = typeof value.kind === 'string' ? value.kind : ''
    const apiVersion = typeof value.apiVersion === 'string' ? value.apiVersion : ''
    if (!kind) throw patchResultInvalid(echo(), `Object 'Kind' is missing in '${echo()}'`)
    if (!apiVersion) throw patchResultInvalid(echo(), `Object 'apiVersion' is missing in '${echo()}'`)
    const { bodies, decoder } = this.#call.deps
    const schema = bodies.schemaOf(apiVersion, kind)
    try {
      if (schema) decoder.decode(schema, value)
    } catch (error) {
      if (error instanceof Error && isDecodeFailure(error)) throw patchResultInvalid(echo(), error.message)
      throw error
    }
    try {
      bodies.parse(Buffer.from(JSON.stringify({ kind, apiVersion })), 'json', this.#expected)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      const cause = error.message.replace(/^.*? cannot be handled as an? .*?: /, '')
      throw patchResultInvalid(echo(), cause)
    }
    throw patchResultInvalid(echo(), `no kind "${kind}" is registered for version "${apiVersion}"`)
  }
}

/** A custom resource must still say what it is; that it says something else is for validation to refuse. @throws StatusError 422 */
function checkSaysKind(value: JsonObject, echo: () => string): void {
  if (typeof value.kind !== 'string' || !value.kind) throw patchResultInvalid(echo(), `Object 'Kind' is missing in '${echo()}'`)
}

/** A strategic patch's result goes through a converter of the reference's that words type errors in its own way. */
function converterText(error: Error): string {
  if (!(error instanceof DecodeError) || !error.given) return error.message
  const kind = { array: 'slice', object: 'map', number: 'int64' }[error.given] ?? error.given
  const type = error.goType
  if (type.startsWith('[]')) return `cannot restore slice from ${kind}`
  if (type.startsWith('map[')) return `cannot restore map from ${kind}`
  if (type.includes('.')) return `cannot restore struct from: ${kind}`
  return `cannot convert ${kind} to ${type}`
}
