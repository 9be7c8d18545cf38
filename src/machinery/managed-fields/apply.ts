import { equal, isObject, type Json, type JsonObject } from '../json.ts'
import type { KubeObject } from '../object.ts'
import { badRequest, StatusError } from '../status.ts'
import { checkApplied } from './check.ts'
import { asConflicts, conflictsIn, type FieldConflict } from './conflicts.ts'
import { entryFields, entryOf, type ManagedFieldsEntry, type Owner, readEntries, sameOwner, sortEntries } from './entries.ts'
import { fieldSetOf } from './field-set.ts'
import { type Fields, isEmpty } from './fields.ts'
import { allowedByLastApplied, carriesLastApplied, setLastApplied } from './last-applied.ts'
import { TypingError } from './list-items.ts'
import { mergeApplied } from './merge.ts'
import { prune } from './prune.ts'
import { type Conflict, disown, managedFieldsAfterUpdate, type Writer } from './update.ts'
import { changedFields, type FieldFilter, type VersionView, type Views, withoutUnowned } from './views.ts'

export interface ApplyInit {
  /** The stored object, of the storage version; undefined when there is none yet. */
  live: KubeObject | undefined
  /** The parsed body. */
  config: JsonObject
  force: boolean
  writer: Writer
  kind: string
  views: Views
  filter?: FieldFilter | undefined
}

/** The manager who stands for everything that was there before anybody applied. */
const BEFORE_FIRST_APPLY = 'before-first-apply'
/** The manager whose configurations client-side apply may have left before. */
const KUBECTL = 'kubectl'

/**
 * Server-side apply: the object with the configuration merged in, without what the manager applied before and doesn't any more, and
 * with its managed fields. Of the storage version, decoded and defaulted.
 * @throws StatusError 400, 409 for fields of others (unless forced), 500 for configurations that don't fit their type
 */
export function applyConfiguration(init: ApplyInit): KubeObject {
  const { config, writer, views } = init
  const given = printKind(config)
  const view = views(writer.apiVersion)
  if (!view || given !== printKind({ apiVersion: writer.apiVersion, kind: init.kind }))
    throw badRequest(`invalid object type: ${given}`)
  const meta = isObject(config.metadata) ? config.metadata : {}
  if (meta.managedFields !== undefined && meta.managedFields !== null) throw badRequest('metadata.managedFields must be nil')
  const attempt = new Attempt(init, view)
  try {
    return attempt.run()
  } catch (error) {
    if (error instanceof TypingError) throw failure(error.message)
    throw error
  }
}

/** A 500 that says nothing but its message, which is how the reference answers all that is wrong with a configuration. */
function failure(message: string): StatusError {
  return new StatusError(500, '', message)
}

/** `apps/v1, Kind=Deployment`, `/v1, Kind=Pod` in the core group. */
function printKind({ apiVersion, kind }: { apiVersion?: Json | undefined; kind?: Json | undefined }): string {
  const version = typeof apiVersion === 'string' ? apiVersion : ''
  return `${version === '' || version.includes('/') ? version || '/' : `/${version}`}, Kind=${typeof kind === 'string' ? kind : ''}`
}

/** One request's apply to one state of the object. */
class Attempt {
  readonly #init: ApplyInit
  readonly #view: VersionView
  readonly #live: JsonObject
  readonly #entries: readonly ManagedFieldsEntry[]

  constructor(init: ApplyInit, view: VersionView) {
    this.#init = init
    this.#view = view
    this.#live = init.live ? view.show(init.live) : view.empty
    this.#entries = startingPoint(init)
  }

  run(): KubeObject {
    const { config, writer, force } = this.#init
    this.#check()
    const { next, conflicts } = this.#merge(force)
    if (conflicts.length && writer.manager === KUBECTL) return this.#handOver(conflicts)
    if (conflicts.length) throw asConflicts(conflicts)
    if (writer.manager === KUBECTL && carriesLastApplied(next)) setLastApplied(next, config)
    return next
  }

  /** What client-side apply applied last, and nobody changed since, may be taken over without asking. */
  #handOver(conflicts: FieldConflict[]): KubeObject {
    const allowed = allowedByLastApplied(this.#live, this.#view)
    if (!allowed) throw asConflicts(conflicts)
    const left = conflicts.filter((conflict) => !allowed.has(conflict.path))
    if (left.length) throw asConflicts(left)
    const { next } = this.#merge(true)
    if (carriesLastApplied(next)) setLastApplied(next, this.#init.config)
    return next
  }

  #check(): void {
    const { config } = this.#init
    try {
      checkApplied(config, this.#view.atom)
    } catch (error) {
      if (error instanceof TypingError) throw failure(`failed to create typed patch object (${this.#name()}): ${error.message}`)
      throw error
    }
  }

  /** How messages name the configuration: by its own namespace and name. */
  #name(): string {
    const { metadata } = this.#init.config
    const { namespace, name } = isObject(metadata) ? metadata : {}
    const text = (value: Json | undefined) => (typeof value === 'string' ? value : '')
    return `${text(namespace)}/${text(name)}; ${printKind(this.#init.config)}`
  }

  #merge(force: boolean): { next: KubeObject; conflicts: FieldConflict[] } {
    const { config, writer, filter } = this.#init
    const view = this.#view
    const owner: Owner = { ...writer, operation: 'Apply' }
    const previous = this.#entries.find((entry) => sameOwner(entry, owner))
    const applied = filtered(fieldSetOf(config, view.atom), filter)
    const mine = entryOf(owner, previous?.time, applied)
    const entries = [...this.#entries.filter((entry) => entry !== previous), mine]
    const merged = mergeApplied(this.#live, config, view.atom) as JsonObject
    const pruned = previous
      ? prune({
          merged,
          view,
          views: this.#init.views,
          entries,
          last: entryFields(previous),
          lastVersion: previous.apiVersion ?? '',
        })
      : merged
    const found: Conflict[] = []
    const left = disown(entries, this.#changes(pruned), mine, found)
    if (found.length && !force) return { next: {}, conflicts: conflictsIn(found) }
    return { next: this.#result(pruned, left, mine), conflicts: [] }
  }

  #changes(merged: JsonObject): Parameters<typeof disown>[1] {
    const { filter, views } = this.#init
    const view = this.#view
    const own = changedFields(this.#live, merged, view, filter)
    return {
      of: (apiVersion) => {
        if (apiVersion === view.apiVersion) return own
        const other = views(apiVersion)
        if (!other) return undefined
        const shown = (object: JsonObject, which: string): JsonObject => {
          try {
            return other.show(view.store(object))
          } catch (error) {
            if (error instanceof TypingError) throw new TypingError(`failed to convert ${which} object: ${error.message}`)
            throw error
          }
        }
        return changedFields(shown(this.#live, 'old'), shown(merged, 'new'), other, filter)
      },
    }
  }

  #result(merged: JsonObject, entries: ManagedFieldsEntry[], mine: ManagedFieldsEntry): KubeObject {
    const { live, writer } = this.#init
    const same = live !== undefined && equal(this.#live, merged)
    // Nothing of the object changes: then it isn't defaulted again, either, and no time is taken.
    const next = same ? { ...live } : this.#store(merged)
    const owned = withoutUnowned(entryFields(mine))
    const rest = entries.filter((entry) => entry !== mine)
    if (!isEmpty(owned)) rest.push(entryOf({ ...writer, operation: 'Apply' }, same ? mine.time : writer.time, owned))
    next.metadata = { ...next.metadata }
    if (rest.length) next.metadata.managedFields = sortEntries(rest)
    else delete next.metadata.managedFields
    return next
  }

  #store(merged: JsonObject): KubeObject {
    try {
      return this.#view.store(merged)
    } catch (error) {
      if (error instanceof StatusError || !(error instanceof Error)) throw error
      throw failure(`failed to convert new object (${this.#name()}) to proper version: ${error.message}`)
    }
  }
}

function filtered(fields: Fields, filter: FieldFilter | undefined): Fields {
  return filter ? filter(fields) : fields
}

/** The stored entries; of an object without any, one for all that it has. */
function startingPoint({ live, writer, views, filter }: ApplyInit): readonly ManagedFieldsEntry[] {
  const stored = live?.metadata?.managedFields
  if (!live) return []
  if (stored?.length) return readEntries(stored)
  const created = { ...live, metadata: { ...live.metadata, managedFields: undefined } } as KubeObject
  return (
    managedFieldsAfterUpdate({
      before: undefined,
      after: created,
      writer: { ...writer, manager: BEFORE_FIRST_APPLY },
      views,
      filter,
    }) ?? []
  )
}
