import { DecodeError } from '../machinery/decode-error.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { type FieldError, invalid, notSupported } from '../machinery/field-errors.ts'
import { GoJsonError, kindOfWrongType, kindUnreadable, parseJson } from '../machinery/go-json.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { unwrap } from '../machinery/protobuf/envelope.ts'
import { badRequest, forbidden, StatusError } from '../machinery/status.ts'
import { yamlToJson } from '../machinery/yaml.ts'
import type { DeleteOptions } from '../registry/deletion.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { deleteUnreadable, UNSAFE_DELETION } from '../registry/unsafe-deletion.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { UnreadableError } from '../storage/unreadable.ts'
import { bodyType, MAX_BODY } from './body.ts'
import { type Call, contextOf, namespaceOf } from './deps.ts'
import { answerValue, inForm, META, wantsPretty } from './encode.ts'
import { listOptions } from './list-options.ts'
import { PROTOBUF } from './messages.ts'
import { type Form, negotiate } from './negotiation.ts'
import { checkDryRun, optionsInvalid, queryBoolean, queryInteger } from './options.ts'
import { answerConverted, answerListMessage, answerObject, listBytes, type Page, page, prepareAll } from './read.ts'
import { parseVersion, unreadableInList } from './versions.ts'
import { warnDeprecated } from './write.ts'

/** DELETE of one object. */
export async function remove(call: Call): Promise<void> {
  const { exchange, endpoint } = call
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const options = await deleteOptions(call)
  const protectedBy = endpoint.served.kind.undeletable?.(exchange.info.name)
  if (protectedBy) throw forbidden(endpoint.served.groupResource, exchange.info.name, protectedBy)
  const context = deleteContext(call, exchange.info.name, namespaceOf(call), options)
  if (options.ignoreStoreReadErrorWithClusterBreakingPotential && call.deps.env.settings.feature(UNSAFE_DELETION)) {
    await deleteUnreadable(endpoint.resource, context)
    answerValue(call, 200, success(call, { metadata: { name: exchange.info.name } }), META.status, form)
    return
  }
  const written = await endpoint.resource.deleteFor(context, options)
  warnDeprecated(call)
  const { kind } = endpoint.served
  if (!written.removed) {
    // What waits for finalizers or grace is shown; only the old way to ask for dependents' deletion tells by the code that it goes on.
    answerObject(call, options.orphanDependents === false ? 202 : 200, written.entry, form)
    return
  }
  if (kind.returnsDeleted || kind.termination) answerObject(call, 200, written.entry, form)
  else answerValue(call, 200, success(call, written.entry.object()), META.status, form)
}

function success(call: Call, object: KubeObject): JsonObject {
  const { group, resource } = call.endpoint.served.groupResource
  const { name = '', uid = '' } = object.metadata ?? {}
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(group ? { group } : {}), kind: resource, ...(uid ? { uid } : {}) },
  }
}

/** DELETE of a collection: everything that the selectors match, a few at a time. */
export async function removeCollection(call: Call): Promise<void> {
  const { exchange, endpoint, deps } = call
  const form = negotiate(exchange.header('accept'), 'object', wantsPretty(exchange))
  const list = listOptions(exchange.query, endpoint.served, false)
  parseVersion(list.resourceVersion, 'list')
  const options = await deleteOptions(call)
  const { store } = endpoint.resource
  await store.cache.ready()
  const snapshot = await store.cache.consistentSnapshot()
  const prefix = store.prefix(namespaceOf(call))
  await prepareAll(call, snapshot, prefix)
  const found = await readable(() => page(snapshot, prefix, prefix, list, list.limit))
  const queue = found.entries.values()
  const worker = async () => {
    for (const entry of queue) await removeOne(call, entry, options)
  }
  await Promise.all(Array.from({ length: Math.min(deps.deleteCollectionWorkers, found.entries.length) }, worker))
  await answerCollection(call, found, form)
}

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw error instanceof UnreadableError ? unreadableInList(error) : error
  }
}

async function removeOne(call: Call, entry: CacheEntry, options: DeleteOptions): Promise<void> {
  const { name = '', namespace = '' } = entry.object<KubeObject>().metadata ?? {}
  try {
    await call.endpoint.resource.deleteFor(deleteContext(call, name, namespace, options, ''), options)
  } catch (error) {
    // Somebody else was faster.
    if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
  }
}

async function answerCollection(call: Call, found: Page, form: Form): Promise<void> {
  if (form.as) {
    answerConverted(call, found, form)
    return
  }
  if (form.mediaType === PROTOBUF) return answerListMessage(call, found)
  const { served } = call.endpoint
  const whole = Buffer.concat([...listBytes(served, found).parts])
  call.exchange.respond(200, form.mediaType, inForm(whole, form))
}

function deleteContext(
  call: Call,
  name: string,
  namespace: string,
  options: DeleteOptions,
  admissionName = name,
): RequestContext {
  const object: JsonObject = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...(options as JsonObject) }
  return contextOf(
    call,
    'delete',
    { dryRun: options.dryRun?.includes('All') ?? false, object },
    { namespace, name, admissionName },
  )
}

const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

/** DeleteOptions of the body, or of the query when there is no body. @throws StatusError 400, 415, 422 */
async function deleteOptions(call: Call): Promise<DeleteOptions> {
  const { exchange } = call
  const bytes = await exchange.transport.readBody(MAX_BODY)
  const options = bytes.length ? fromBody(call, bytes) : fromQuery(exchange)
  if (bytes.length)
    exchange.audit?.requested({ kind: 'DeleteOptions', apiVersion: call.endpoint.served.apiVersion, ...options } as JsonObject)
  const errors = optionErrors(options)
  if (errors.length) throw optionsInvalid('DeleteOptions', errors)
  return options
}

function fromBody(call: Call, bytes: Buffer): DeleteOptions {
  const type = bodyType(call.exchange)
  let value: Json
  try {
    value = type === 'protobuf' ? fromMessage(call, bytes) : type === 'yaml' ? yamlToJson(bytes) : parseJson(bytes)
  } catch (error) {
    if (error instanceof GoJsonError) throw badRequest(kindUnreadable(error))
    throw badRequest((error as Error).message)
  }
  if (value === null || value === undefined) value = {}
  if (!isObject(value)) throw badRequest(kindUnreadable(kindOfWrongType(value)))
  const kind = typeof value.kind === 'string' && value.kind ? value.kind : 'DeleteOptions'
  const apiVersion = typeof value.apiVersion === 'string' && value.apiVersion ? value.apiVersion : 'v1'
  if (kind !== 'DeleteOptions') {
    throw badRequest(
      `no kind "${kind}" is registered for version "${apiVersion}" in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"`,
    )
  }
  try {
    const decoded = call.deps.decoder.decode(DELETE_OPTIONS, value)
    // An explicit empty policy is not the same as none.
    if (value.propagationPolicy === '') decoded.propagationPolicy = ''
    return decoded as DeleteOptions
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(error.message)
    throw error
  }
}

/** @throws ProtobufError */
function fromMessage(call: Call, bytes: Buffer): JsonObject {
  const { kind, apiVersion, raw } = unwrap(bytes)
  const isOptions = kind === '' || kind === 'DeleteOptions'
  return { ...(isOptions ? call.deps.protobuf.decode(DELETE_OPTIONS, raw) : {}), kind, apiVersion }
}

function fromQuery(exchange: Exchange): DeleteOptions {
  if (!exchange.rawQuery) return {}
  const { query } = exchange
  const options: DeleteOptions = {}
  const grace = queryInteger(query, 'gracePeriodSeconds')
  if (grace !== undefined) options.gracePeriodSeconds = grace
  const orphan = queryBoolean(query, 'orphanDependents')
  if (orphan !== undefined) options.orphanDependents = orphan
  const policy = query.get('propagationPolicy')
  if (policy !== null) options.propagationPolicy = policy
  const unsafe = queryBoolean(query, 'ignoreStoreReadErrorWithClusterBreakingPotential')
  if (unsafe !== undefined) options.ignoreStoreReadErrorWithClusterBreakingPotential = unsafe
  const dryRun = query.getAll('dryRun')
  if (dryRun.length) options.dryRun = dryRun
  return options
}

function optionErrors(options: DeleteOptions): FieldError[] {
  const errors: FieldError[] = []
  const { propagationPolicy: policy, orphanDependents } = options
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy)) {
    errors.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  }
  checkDryRun(options.dryRun ?? [], errors)
  return errors
}
