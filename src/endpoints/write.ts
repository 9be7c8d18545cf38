import { stringifyJson } from '../machinery/go-json.ts'
import type { JsonObject } from '../machinery/json.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { dropRepeatedOwnersOf } from '../machinery/owner-references.ts'
import { badRequest, methodNotSupported } from '../machinery/status.ts'
import type { Subresource } from '../registry/kind.ts'
import type { Written } from '../registry/store.ts'
import { CacheEntry } from '../storage/cache-entry.ts'
import { NEXT_STEP } from '../util/cohort.ts'
import { type BodyKind, bodyType, decodeChecked, MAX_BODY, type ParsedBody } from './body.ts'
import { type Call, contextOf, namespaceOf } from './deps.ts'
import { answerValue, META, wantsPretty } from './encode.ts'
import { type Form, negotiate, onlyAccepted } from './negotiation.ts'
import { type WriteOptions, writeOptions } from './options.ts'
import { answerObject } from './read.ts'
import { partial, type Tabled } from './table.ts'

/** POST of a collection. */
export async function create(call: Call): Promise<void> {
  const { exchange, endpoint } = call
  const { kind } = endpoint.served
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  if (kind.virtual && form.as === 'Table') throw onlyAccepted()
  const type = bodyType(exchange)
  const bytes = await exchange.transport.readBody(MAX_BODY)
  const options = writeOptions(exchange.query, 'CreateOptions')
  const body = call.deps.bodies.parse(bytes, type, bodyKindOf(call))
  await NEXT_STEP
  const object = decodeParsed(call, body, options)
  const context = contextOf(call, 'create', options)
  checkNamespace(call, object)
  auditRequest(call, object)
  await NEXT_STEP
  if (kind.virtual) {
    await endpoint.resource.admitBody(object, context)
    endpoint.resource.fields.record(undefined, object, context)
    const answered = await kind.virtual.create?.(object, context)
    if (!answered) throw methodNotSupported(endpoint.served.groupResource, 'create')
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = endpoint.served.written(answered)
    const shown = { kind: kind.kind, apiVersion: endpoint.served.apiVersion, ...rest }
    if (form.as) answerValue(call, 201, partial(shown, form.asVersion ?? 'v1', endpoint.served), META.partial, form)
    else answerValue(call, 201, shown as object as JsonObject, endpoint.served.schema, form)
    return
  }
  const entry = await endpoint.resource.createFor(object, context)
  warnDeprecated(call)
  answerObject(call, 201, entry, form)
}

/** PUT of an object. */
export async function update(call: Call): Promise<void> {
  const { exchange, endpoint } = call
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const type = bodyType(exchange)
  const bytes = await exchange.transport.readBody(MAX_BODY)
  const options = writeOptions(exchange.query, 'UpdateOptions')
  const body = call.deps.bodies.parse(bytes, type, bodyKindOf(call))
  await NEXT_STEP
  const first = decodeParsed(call, body, options)
  checkNamespace(call, first)
  checkName(call, first)
  auditRequest(call, first)
  const context = contextOf(call, 'update', options)
  // Hooks change what they get, so every further attempt starts from the body again.
  let attempt: KubeObject | undefined = first
  const produce = (): KubeObject => {
    const object = attempt ?? endpoint.served.toStorage(call.deps.bodies.parse(bytes, type, bodyKindOf(call)).object)
    attempt = undefined
    const meta = metaOf(object)
    if (!meta.name) meta.name = exchange.info.name
    if (endpoint.served.kind.scope === 'Namespaced') meta.namespace = exchange.info.namespace
    return object
  }
  if (exchange.info.subresource === 'status') {
    const written = await endpoint.resource.updateStatusFor(context, produce)
    answerObject(call, 200, written.entry, form)
    return
  }
  const written = await endpoint.resource.updateFor(context, produce)
  warnDeprecated(call)
  answerObject(call, written.created ? 201 : 200, written.entry, form)
}

/** PUT of a subresource that has a body of its own (scale, approval, …). */
export async function updateSubresource(call: Call, subresource: Subresource<KubeObject>): Promise<void> {
  const { exchange, endpoint } = call
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const type = bodyType(exchange)
  const bytes = await exchange.transport.readBody(MAX_BODY)
  const options = writeOptions(exchange.query, 'UpdateOptions')
  const expected = subresource.kind ?? bodyKindOf(call)
  const body = call.deps.bodies.parse(bytes, type, expected)
  const decode = () => decodeSubresource(call, subresource, body, options)
  const first = decode()
  checkNamespace(call, first)
  checkName(call, first)
  auditRequest(call, first, subresource)
  const context = contextOf(call, 'update', options)
  let attempt: KubeObject | undefined = first
  const written = await endpoint.resource.updateSubresourceFor(subresource, context, () => {
    const object = attempt ?? decode()
    attempt = undefined
    return object
  })
  answerSubresource(call, subresource, written, form)
}

/** GET of a subresource that is a view of its parent. */
export async function getSubresource(call: Call, subresource: Subresource<KubeObject>): Promise<void> {
  const { exchange, endpoint } = call
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const { store } = endpoint.resource
  const entry = await store.get(namespaceOf(call), exchange.info.name)
  if (!entry) throw store.notFound(exchange.info.name)
  answerSubresource(call, subresource, { entry, removed: false }, form)
}

export function answerSubresource(call: Call, subresource: Subresource<KubeObject>, written: Written, form: Form): void {
  if (!subresource.read || !subresource.kind) {
    answerObject(call, 200, written.entry, form)
    return
  }
  const { endpoint } = call
  const shown = subresource.read(endpoint.served.object(written.entry))
  if (form.as) {
    const body = Buffer.from(stringifyJson(shown))
    const entry = new CacheEntry('', body, written.entry.revision, () => ({ labels: undefined, field: () => '' }))
    const of = subresource.columns ? tabled(subresource) : endpoint.served
    answerObject(call, 200, entry, form, of)
    return
  }
  answerValue(call, 200, shown as JsonObject, subresource.kind.schema, form)
}

const TABLED = new WeakMap<Subresource<KubeObject>, Tabled>()

/** A subresource that has columns of its own, as tables take it. */
function tabled(subresource: Subresource<KubeObject>): Tabled {
  let found = TABLED.get(subresource)
  if (!found) TABLED.set(subresource, (found = tabledAs(subresource)))
  return found
}

const tabledAs = ({ columns }: Subresource<KubeObject>): Tabled => ({
  columns,
  kind: {},
  fromStorage: (object) => object,
  object: (entry) => entry.object<KubeObject>(),
})

/** POST of a subresource (binding, eviction, token). */
export async function createSubresource(call: Call, subresource: Subresource<KubeObject>): Promise<void> {
  const { exchange, endpoint } = call
  const form = negotiate(exchange.header('accept'), 'none', wantsPretty(exchange))
  const type = bodyType(exchange)
  const bytes = await exchange.transport.readBody(MAX_BODY)
  const options = writeOptions(exchange.query, 'CreateOptions')
  const expected = subresource.kind ?? bodyKindOf(call)
  const body = decodeSubresource(call, subresource, call.deps.bodies.parse(bytes, type, expected), options)
  checkNamespace(call, body)
  auditRequest(call, body, subresource)
  const context = contextOf(call, 'create', options)
  endpoint.resource.fields.recordCreated(subresource, body, context)
  if (!subresource.create) throw methodNotSupported(call.endpoint.served.groupResource, 'create')
  await call.endpoint.resource.admitBody(body, context, subresource.kind)
  const answer = await subresource.create(exchange.info.name, body, context)
  answerValue(call, answer.code, answer.body, answer.body.kind === 'Status' ? META.status : expected.schema, form)
}

/** Has a decoded body written down, in the version that it came in, before admission changes it. */
function auditRequest(call: Call, object: KubeObject, subresource?: Subresource<KubeObject>): void {
  const { audit } = call.exchange
  if (!audit?.wantsObjects) {
    audit?.identified(object.metadata)
    return
  }
  const { served } = call.endpoint
  const { kind, apiVersion, ...rest } = subresource?.kind ? object : served.written(object)
  const own = subresource?.kind
  const head = own
    ? { kind: own.kind, apiVersion: own.group ? `${own.group}/${own.version}` : own.version }
    : { kind: kind ?? served.kind.kind, apiVersion: apiVersion ?? served.apiVersion }
  audit.requested({ ...head, ...(rest as JsonObject) }, object.metadata)
}

export function bodyKindOf(call: Call): BodyKind {
  const { served } = call.endpoint
  const { kind, custom } = served.kind
  return { group: served.group, version: served.version, kind, schema: served.schema, custom: custom !== undefined }
}

function decodeParsed(call: Call, body: ParsedBody, options: WriteOptions): KubeObject {
  const { served } = call.endpoint
  const object = decodeChecked(
    body,
    bodyKindOf(call),
    options.fieldValidation,
    (raw, unknown) => served.toStorage(raw, unknown, body.inOrder),
    (text) => call.exchange.warnings.push(text),
  )
  dropRepeatedOwners(call, object)
  return object
}

/** The same owner named twice counts once, with a warning. */
export function dropRepeatedOwners(call: Call, object: KubeObject): void {
  const repeated = dropRepeatedOwnersOf(object)
  if (!repeated) return
  call.exchange.warnings.push(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
  )
}

export function decodeSubresource(
  call: Call,
  subresource: Subresource<KubeObject>,
  body: ParsedBody,
  options: WriteOptions,
): KubeObject {
  const { served } = call.endpoint
  const own = subresource.kind
  return decodeChecked(
    body,
    own ?? bodyKindOf(call),
    options.fieldValidation,
    (raw, unknown) => {
      if (!own) return served.toStorage(raw, unknown)
      const object = call.deps.decoder.decode(own.schema, raw, unknown) as KubeObject
      subresource.defaults?.(object)
      return object
    },
    (text) => call.exchange.warnings.push(text),
  )
}

/** The body's namespace must be the path's; an empty one is filled in. @throws StatusError 400 */
export function checkNamespace(call: Call, object: KubeObject): void {
  const meta = metaOf(object)
  const { namespace } = call.exchange.info
  if (call.endpoint.served.kind.scope !== 'Namespaced') {
    delete meta.namespace
    return
  }
  if (!meta.namespace) meta.namespace = namespace
  else if (meta.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** @throws StatusError 400 */
export function checkName(call: Call, object: KubeObject): void {
  const given = metaOf(object).name
  const { name } = call.exchange.info
  if (!given) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (given !== name) throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
}

export function warnDeprecated(call: Call): void {
  const { deprecated } = call.endpoint.served
  if (!deprecated || call.exchange.warnings.includes(deprecated)) return
  call.exchange.warnings.push(deprecated)
  call.exchange.annotate('k8s.io/deprecated', 'true')
}
