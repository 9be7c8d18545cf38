import type { AdmissionChain } from '../admission/plugin.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import { invalid, invalidObject } from '../machinery/field-errors.ts'
import { clone, equal, type JsonObject } from '../machinery/json.ts'
import type { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { conflict, STALE_OBJECT, StatusError } from '../machinery/status.ts'
import { API_SERVER_USER, SYSTEM_PRIVILEGED_GROUP, type UserInfo } from '../machinery/user.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { NEXT_STEP } from '../util/cohort.ts'
import { authorizeCreate } from './authorize-create.ts'
import { factCodec, type ObjectCodec } from './codec.ts'
import type { KindEnvironment, ObjectAccess, UpdateOptions } from './context.ts'
import { type DeleteOptions, deletionOf } from './deletion.ts'
import type { KindDefinition, Subresource, Undo } from './kind.ts'
import { FieldManager, keepTimes, type WriteMode } from './managed-fields.ts'
import { RequestContext } from './request-context.ts'
import { internalPlain, parseVersion } from './resource-version.ts'
import type { Change, KindStore, Written } from './store.ts'
import {
  beforeCreate,
  beforeStatusUpdate,
  beforeUpdate,
  generatedName,
  keepSystemMetadata,
  refuse,
  updateMetaErrors,
} from './write-rules.ts'

export interface ResourceDeps {
  store: KindStore
  admission: AdmissionChain
  decoder: TypeDecoder
  atoms: FactAtoms
  env: KindEnvironment
  clock: () => number
  /** An integer in [0, max). */
  random: (max: number) => number
  uuid: () => string
  garbageCollection: boolean
}

const GENERATE_TRIES = 8

/** The user as whom the server itself writes. */
const SELF: UserInfo = { name: API_SERVER_USER, uid: '', groups: [SYSTEM_PRIVILEGED_GROUP], extra: {} }

/** Every write of one kind, through admission, strategy, validation and storage: the generic registry. */
export class Resource implements ObjectAccess {
  readonly kind: KindDefinition
  readonly store: KindStore
  readonly fields: FieldManager
  readonly #codec: ObjectCodec
  readonly #deps: ResourceDeps

  constructor(deps: ResourceDeps) {
    this.#deps = deps
    this.store = deps.store
    this.kind = deps.store.kind
    this.#codec = this.kind.custom?.codec ?? factCodec(deps.decoder, this.kind.schema)
    this.fields = new FieldManager(this.kind, deps.decoder, deps.atoms)
  }

  /** What an empty status of this kind decodes to. */
  #emptyStatus = (): unknown => (this.#codec.decode({}) as JsonObject).status

  // ---- for requests -----------------------------------------------------------------------------------

  /** @param object decoded and defaulted, in the storage version; changed on the way */
  async createFor(object: KubeObject, context: RequestContext): Promise<CacheEntry> {
    const { admission } = this.#deps
    const meta = metaOf(object)
    if (/^0*[1-9]\d*$/.test(meta.resourceVersion ?? ''))
      throw internalPlain('resourceVersion should not be set on objects to be created')
    delete meta.resourceVersion
    const generates = Boolean(meta.generateName)
    const named = Boolean(meta.name)
    this.fields.record(undefined, object, context)
    await admission.admit(context.attributes(this.kind, 'CREATE', object, undefined))
    const identity = this.#identify(object)
    const undo = await this.kind.beforeCreate?.(object, context)
    try {
      this.#prepareCreate(object, context, identity)
      await admission.validate(context.attributes(this.kind, 'CREATE', object, undefined))
      return await this.#storeNew(object, context, generates, named)
    } catch (error) {
      await undo?.()
      throw error
    }
  }

  /** A generated name that is taken is replaced by another, a few times. */
  async #storeNew(object: KubeObject, context: RequestContext, generates: boolean, named: boolean): Promise<CacheEntry> {
    const meta = metaOf(object)
    const ttlSeconds = this.kind.ttlSeconds?.(object, context)
    for (let tries = 1; ; tries++) {
      try {
        const entry = await this.store.create(this.#canonical(object), { dryRun: context.dryRun, ttlSeconds })
        if (this.kind.custom?.prepare) await this.kind.custom.prepare([entry])
        return entry
      } catch (error) {
        const taken = generates && error instanceof StatusError && error.reason === 'AlreadyExists'
        if (!taken) throw error
        if (tries >= GENERATE_TRIES) throw ungenerated(error)
        // A name of the client's own can't be replaced by another.
        if (named) throw ungenerated(error)
        meta.name = generatedName(meta.generateName as string, this.#deps.random)
      }
    }
  }

  /** A name that is to be made up is made before anything is taken in its name. */
  #identify(object: KubeObject): { uid: string } {
    const meta = metaOf(object)
    if (!meta.name && meta.generateName) meta.name = generatedName(meta.generateName, this.#deps.random)
    return { uid: this.#deps.uuid() }
  }

  #prepareCreate(object: KubeObject, context: RequestContext, identity: { uid: string }): void {
    beforeCreate(this.kind, object, context, identity, this.#emptyStatus)
  }

  /** Mutating, then validating admission of a body that isn't stored as it is: reviews, bindings, evictions. */
  async admitBody(
    body: KubeObject,
    context: RequestContext,
    bodyKind?: { group: string; version: string; kind: string },
  ): Promise<void> {
    await this.#deps.admission.admit(context.attributes(this.kind, 'CREATE', body, undefined, bodyKind))
    await this.#deps.admission.validate(context.attributes(this.kind, 'CREATE', body, undefined, bodyKind))
  }

  /** Admission of a connection, whose options are what it judges. */
  async admitConnection(
    options: KubeObject,
    context: RequestContext,
    kind: { group: string; version: string; kind: string },
  ): Promise<void> {
    await this.#deps.admission.admit(context.attributes(this.kind, 'CONNECT', options, undefined, kind))
    await this.#deps.admission.validate(context.attributes(this.kind, 'CONNECT', options, undefined, kind))
  }

  /**
   * PUT and PATCH of the object itself.
   * @param produce the wanted object, freshly made from what is stored now (undefined when there is nothing)
   */
  async updateFor(
    context: RequestContext,
    produce: (current: KubeObject | undefined) => KubeObject,
    how: WriteMode = 'put',
  ): Promise<Written & { created: boolean }> {
    let created = false
    let before: KubeObject | undefined
    const written = await this.store.change(
      context.namespace,
      context.name,
      context,
      async (current, revision): Promise<Change> => {
        const object = produce(current && clone(current))
        created = current === undefined
        await NEXT_STEP
        if (!current) return this.#createByUpdate(object, context, how)
        context.operation = 'update'
        if (how === 'put') this.#checkUid(object, current, context)
        if (how !== 'apply') this.fields.record(current, object, context)
        await this.#deps.admission.admit(context.attributes(this.kind, 'UPDATE', object, current))
        this.#checkVersion(object, revision, context)
        before = current
        const undo = await this.kind.beforeUpdate?.(object, current, context)
        return await undoing(undo, async () => {
          beforeUpdate(this.kind, object, current, context)
          await this.#deps.admission.validate(context.attributes(this.kind, 'UPDATE', object, current))
          return this.#changed(object, current, context)
        })
      },
    )
    if (!context.dryRun) await this.#after(written, before, context)
    return { ...written, created }
  }

  /** Gives back what the object held before and doesn't any more. */
  async #after(written: Written, before: KubeObject | undefined, context: RequestContext): Promise<void> {
    if (written.removed) await this.kind.afterDelete?.(this.store.objectOf(written.entry), context)
    else if (before) await this.kind.afterUpdate?.(this.store.objectOf(written.entry), before, context)
  }

  async #createByUpdate(object: KubeObject, context: RequestContext, how: WriteMode): Promise<Change> {
    const meta = metaOf(object)
    if (!this.kind.createOnUpdate && how !== 'apply') throw this.store.notFound(context.name)
    if (meta.uid && how === 'apply') {
      const why = `uid mismatch: the provided object specified uid ${meta.uid}, and no existing object was found`
      throw this.store.conflict(context.name, why)
    }
    if (meta.uid) throw this.#uidConflict(context, meta.uid, '')
    delete meta.resourceVersion
    context.operation = 'create'
    if (how !== 'apply') this.fields.record(undefined, object, context)
    await this.#deps.admission.admit(context.attributes(this.kind, 'CREATE', object, undefined))
    const identity = this.#identify(object)
    const undo = await this.kind.beforeCreate?.(object, context)
    return await undoing(undo, async () => {
      this.#prepareCreate(object, context, identity)
      await authorizeCreate(this.kind, context)
      await this.#deps.admission.validate(context.attributes(this.kind, 'CREATE', object, undefined))
      return { store: this.#canonical(object), ...this.#ttl(object, context) }
    })
  }

  /** The object as Go would write it: fields in order, nothing that an encoding leaves out. */
  #canonical(object: KubeObject): KubeObject {
    return this.#codec.canonical(object)
  }

  #ttl(object: KubeObject, context: RequestContext): { ttlSeconds?: number } {
    const ttlSeconds = this.kind.ttlSeconds?.(object, context)
    return ttlSeconds ? { ttlSeconds } : {}
  }

  /** A body that names a uid is meant for that very object. */
  #checkUid(object: KubeObject, current: KubeObject, context: RequestContext): void {
    const wanted = object.metadata?.uid
    const is = current.metadata?.uid ?? ''
    if (wanted && wanted !== is) throw this.#uidConflict(context, wanted, is)
  }

  #uidConflict(context: RequestContext, wanted: string, is: string): StatusError {
    const key = this.store.key(context.namespace, context.name)
    const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${is}`
    return this.store.conflict(
      context.name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
    )
  }

  #checkVersion(object: KubeObject, revision: number, context: RequestContext): void {
    const version = metaOf(object).resourceVersion
    const given = parseVersion(version)
    if (given === 0) {
      if (this.kind.unconditionalUpdate !== false) {
        metaOf(object).resourceVersion = String(revision)
        return
      }
      throw invalidObject({ group: this.kind.group, kind: this.kind.resource }, context.name, [
        invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
      ])
    }
    if (given !== revision) throw this.store.conflict(context.name, STALE_OBJECT)
  }

  #changed(object: KubeObject, current: KubeObject, context: RequestContext): Exclude<Change, 'keep'> {
    if (this.#removedBy(object, current)) return { remove: this.#canonical(object) }
    keepTimes(object, current)
    return { store: this.#canonical(object), ...this.#ttl(object, context) }
  }

  /** Whether this update was the last thing that a deleted object waited for. */
  #removedBy(object: KubeObject, current: KubeObject): boolean {
    const before = metaOf(current)
    if (!before.deletionTimestamp) return false
    const { termination } = this.kind
    if (termination) return !termination.held(object) && !metaOf(object).finalizers?.length
    return !metaOf(object).finalizers?.length && before.deletionGracePeriodSeconds === 0
  }

  /** PUT and PATCH of `/status`. */
  async updateStatusFor(
    context: RequestContext,
    produce: (current: KubeObject) => KubeObject,
    how: WriteMode = 'put',
  ): Promise<Written> {
    return await this.store.change(context.namespace, context.name, context, async (current, revision) => {
      if (!current) throw this.store.notFound(context.name)
      const object = produce(clone(current))
      if (how === 'put') this.#checkUid(object, current, context)
      if (how !== 'apply') this.fields.record(current, object, context)
      await this.#deps.admission.admit(context.attributes(this.kind, 'UPDATE', object, current))
      this.#checkVersion(object, revision, context)
      const next = beforeStatusUpdate(this.kind, object, current, context)
      await this.#deps.admission.validate(context.attributes(this.kind, 'UPDATE', next, current))
      return this.#changed(next, current, context)
    })
  }

  /** PUT and PATCH of any other subresource that changes its parent. */
  async updateSubresourceFor(
    subresource: Subresource<KubeObject>,
    context: RequestContext,
    produce: (current: KubeObject) => KubeObject,
    how: WriteMode = 'put',
  ): Promise<Written> {
    const bodyKind = subresource.kind
    return await this.store.change(context.namespace, context.name, context, async (current, revision) => {
      if (!current) throw this.store.notFound(context.name)
      const shown = subresource.read ? subresource.read(clone(current)) : clone(current)
      if (bodyKind && how === 'apply') metaOf(shown).managedFields = this.fields.subresourceOwners(current)
      const incoming = produce(shown)
      const isParent = !bodyKind
      if (isParent) this.#checkUid(incoming, current, context)
      const managedFields = this.fields.recordSubresource(subresource, { current, shown, incoming }, context, how)
      await this.#deps.admission.admit(context.attributes(this.kind, 'UPDATE', incoming, bodyKind ? shown : current, bodyKind))
      if (isParent) this.#checkVersion(incoming, revision, context)
      else this.#checkSubresourceVersion(incoming, revision, context)
      const next = subresource.write ? subresource.write(clone(current), incoming, context) : incoming
      const meta = metaOf(next)
      if (managedFields) meta.managedFields = managedFields
      else delete meta.managedFields
      keepSystemMetadata(meta, metaOf(current))
      this.#bumpGeneration(next, current)
      const errors = updateMetaErrors(this.kind, meta, metaOf(current))
      if (subresource.validate) errors.push(...subresource.validate(next, current, context))
      refuse(this.kind, context.name, errors)
      await this.#deps.admission.validate(context.attributes(this.kind, 'UPDATE', incoming, bodyKind ? shown : current, bodyKind))
      return this.#changed(next, current, context)
    })
  }

  #bumpGeneration(next: KubeObject, current: KubeObject): void {
    const { generation } = this.kind
    if (!generation || generation === 'none') return
    if (!equal((current as JsonObject).spec, (next as JsonObject).spec))
      metaOf(next).generation = (metaOf(current).generation ?? 0) + 1
  }

  #checkSubresourceVersion(incoming: KubeObject, revision: number, context: RequestContext): void {
    const given = parseVersion(incoming.metadata?.resourceVersion)
    if (given && given !== revision) throw this.store.conflict(context.name, STALE_OBJECT)
  }

  /** DELETE of one object. The result tells what the object looks like now, and whether it is gone. */
  async deleteFor(context: RequestContext, options: DeleteOptions): Promise<Written> {
    let admitted = false
    let marked: KubeObject | undefined
    const written = await this.store.change(context.namespace, context.name, context, async (current, revision) => {
      if (!current) throw this.store.notFound(context.name)
      // What was only marked a moment ago is still the version that was asked for.
      if (!marked || !equal(versionless(marked), versionless(current)))
        checkPreconditions(this.kind, context.name, current, revision, options)
      if (!admitted) {
        admitted = true
        await this.#deps.admission.admit(context.attributes(this.kind, 'DELETE', undefined, current))
        await this.#deps.admission.validate(context.attributes(this.kind, 'DELETE', undefined, current))
      }
      const change = deletionOf(this.kind, current, options, context, this.#deps.garbageCollection)
      if (change !== 'keep' && 'again' in change) marked = change.store
      return change
    })
    if (written.removed && !context.dryRun) await this.kind.afterDelete?.(this.store.objectOf(written.entry), context)
    const { orphanWarning } = this.kind
    const named = options.propagationPolicy !== undefined || options.orphanDependents !== undefined
    if (orphanWarning && !named) context.warn(orphanWarning)
    return written
  }

  // ---- for the server itself --------------------------------------------------------------------------

  async get(namespace: string, name: string): Promise<KubeObject | undefined> {
    const entry = await this.store.get(namespace, name)
    return entry && this.store.objectOf(entry)
  }

  async list(namespace: string): Promise<KubeObject[]> {
    await this.store.cache.ready()
    const prefix = this.store.prefix(namespace)
    const found: CacheEntry[] = []
    this.store.cache.snapshot().tree.forEach(prefix, afterPrefix(prefix), (entry) => {
      found.push(entry)
      return true
    })
    await this.kind.custom?.prepare?.(found)
    return found.map((entry) => this.store.objectOf(entry))
  }

  async create(object: KubeObject, options: { dryRun?: boolean; fieldManager?: string } = {}): Promise<KubeObject> {
    const decoded = this.#decode(object)
    const context = this.#own('create', object.metadata?.namespace ?? '', '', options)
    return this.store.objectOf(await this.createFor(decoded, context))
  }

  async update(
    namespace: string,
    name: string,
    change: (object: KubeObject) => KubeObject | undefined,
    options: UpdateOptions = {},
  ): Promise<KubeObject> {
    const context = this.#own('update', namespace, name, options)
    const written = await this.store.change(namespace, name, context, async (current) => {
      if (!current) throw this.store.notFound(name)
      const changed = change(clone(current))
      if (!changed) return 'keep'
      const next = this.#decode(options.apply ? this.fields.apply(current, changed as JsonObject, true, context) : changed)
      keepSystemMetadata(metaOf(next), { ...metaOf(current), generation: metaOf(next).generation ?? metaOf(current).generation })
      this.#bumpGeneration(next, current)
      if (!options.apply) this.fields.record(current, next, context)
      return this.#changed(next, current, context)
    })
    // It was the last thing that a deleted object waited for.
    if (written.removed && !context.dryRun) await this.kind.afterDelete?.(this.store.objectOf(written.entry), context)
    return this.store.objectOf(written.entry)
  }

  async delete(
    namespace: string,
    name: string,
    options: { dryRun?: boolean; deleteOptions?: JsonObject } = {},
  ): Promise<KubeObject> {
    const context = this.#own('delete', namespace, name, options)
    const written = await this.deleteFor(context, (options.deleteOptions ?? {}) as DeleteOptions)
    return this.store.objectOf(written.entry)
  }

  #decode(object: KubeObject): KubeObject {
    const decoded = this.#codec.decode(object as JsonObject)
    decoded.kind = this.kind.kind
    decoded.apiVersion = this.kind.group ? `${this.kind.group}/${this.kind.version}` : this.kind.version
    this.kind.defaults?.(decoded)
    return decoded
  }

  #own(
    operation: RequestContext['operation'],
    namespace: string,
    name: string,
    options: { dryRun?: boolean; subresource?: string; fieldManager?: string },
  ): RequestContext {
    const { env, clock } = this.#deps
    const { dryRun = false, subresource = '', fieldManager = 'kube-apiserver' } = options
    return new RequestContext({ now: clock(), user: SELF, fieldManager, namespace, name, operation, env, dryRun, subresource })
  }
}

/** Runs what may fail after something was taken; the change carries the undo on. */
async function undoing(undo: Undo | undefined, run: () => Promise<Exclude<Change, 'keep'>>): Promise<Change> {
  try {
    const change = await run()
    return undo ? { ...change, undo } : change
  } catch (error) {
    await undo?.()
    throw error
  }
}

/** The 409 for a taken name where a name was to be made up. */
function ungenerated(error: StatusError): StatusError {
  const message = `${error.message}, the server was not able to generate a unique name for the object`
  return new StatusError(409, 'AlreadyExists', message, { ...error.status.details, retryAfterSeconds: 1 })
}

/** The end (exclusive) of the range of keys that start with `prefix`. */
export function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}

/** The object as it is whatever its resource version. */
function versionless(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '' } }
}

/** @throws StatusError 409, which names the kind where other conflicts name the resource */
function checkPreconditions(
  kind: KindDefinition,
  name: string,
  current: KubeObject,
  revision: number,
  options: DeleteOptions,
): void {
  const { uid, resourceVersion } = options.preconditions ?? {}
  const is = current.metadata?.uid ?? ''
  const refuse = (cause: string) => conflict({ group: kind.group, resource: kind.kind }, name, cause)
  // Namespaces check in the storage, which words it differently.
  if (kind.termination) {
    const failed = (what: string, wanted: string, has: string) =>
      conflict(kind, name, `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${has}`)
    if (uid !== undefined && uid !== is) throw failed('UID', uid, is)
    if (resourceVersion !== undefined && resourceVersion !== String(revision))
      throw failed('ResourceVersion', resourceVersion, String(revision))
    return
  }
  if (uid !== undefined && uid !== is) {
    throw refuse(
      `the UID in the precondition (${uid}) does not match the UID in record (${is}). The object might have been deleted and then recreated`,
    )
  }
  if (resourceVersion !== undefined && resourceVersion !== String(revision)) {
    throw refuse(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${revision}). The object might have been modified`,
    )
  }
}
