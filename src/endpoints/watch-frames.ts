import { stringifyJson } from '../machinery/go-json.ts'
import type { JsonObject } from '../machinery/json.ts'
import { watchFrame } from '../machinery/protobuf/envelope.ts'
import type { StatusError } from '../machinery/status.ts'
import type { ServedResource } from '../registry/served.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { CacheEvent, WatchEventType } from '../storage/cache-watch.ts'
import type { Call } from './deps.ts'
import { META } from './encode.ts'
import { entryInProtobuf, inProtobuf, PROTOBUF } from './messages.ts'
import type { Form } from './negotiation.ts'
import { type IncludeObject, partial } from './table.ts'

/** Turns events into bytes: once per event and form, whoever asks first. */
export class Framer {
  readonly #served: ServedResource
  readonly #call: Call
  readonly #form: Form
  readonly #include: IncludeObject
  readonly #name: string
  #first = true

  constructor(call: Call, form: Form, include: IncludeObject) {
    this.#call = call
    this.#served = call.endpoint.served
    this.#form = form
    this.#include = include
    const version = this.#served.kind.custom?.tag ?? this.#served.apiVersion
    const name = form.as ? `${version} ${form.as} ${form.asVersion} ${include} ` : `${version} `
    this.#name = form.mediaType === PROTOBUF ? `protobuf ${name}` : name
  }

  event(type: WatchEventType, event: CacheEvent): Buffer {
    // Only a table's first event carries the columns.
    if (this.#form.as === 'Table' && this.#first) {
      this.#first = false
      return frame(type, Buffer.from(stringifyJson(this.#table(event.shown(type), true))))
    }
    return event.frame(this.#name + type, () => this.#frame(type, event.shown(type)))
  }

  #frame(type: WatchEventType, entry: CacheEntry): Buffer {
    if (this.#form.mediaType !== PROTOBUF) return frame(type, this.#body(entry))
    if (!this.#form.as) return watchFrame(type, entryInProtobuf(this.#call, entry))
    return this.#message(type, partial(this.#served.object(entry), this.#form.asVersion ?? 'v1', this.#served), META.partial)
  }

  #message(type: string, object: JsonObject, schema: string): Buffer {
    return watchFrame(type, inProtobuf(this.#call.deps.protobuf, schema, object))
  }

  #body(entry: CacheEntry): Buffer {
    if (!this.#form.as) return this.#served.bytes(entry)
    if (this.#form.as === 'Table') return Buffer.from(stringifyJson(this.#table(entry, false)))
    return Buffer.from(stringifyJson(partial(this.#served.object(entry), this.#form.asVersion ?? 'v1', this.#served)))
  }

  #table(entry: CacheEntry, columns: boolean): JsonObject {
    const version = this.#form.asVersion ?? 'v1'
    const { tables } = this.#call.deps
    const table = tables.table(
      this.#served,
      [tables.row(this.#served, entry, this.#include, version)],
      { resourceVersion: String(entry.revision) },
      version,
    )
    return columns ? table : { ...table, columnDefinitions: null }
  }

  bookmark(revision: number, annotations?: Record<string, string>): Buffer {
    let object = this.#served.bookmark(revision, annotations)
    const version = this.#form.asVersion ?? 'v1'
    if (this.#form.as === 'Table') {
      const { tables } = this.#call.deps
      object = tables.table(this.#served, [], { resourceVersion: String(revision) }, version)
      if (!this.#first) object.columnDefinitions = null
      this.#first = false
      const row = tables.rowOf(this.#served, this.#served.bookmark(revision, annotations), this.#include, version)
      object.rows = [row]
    } else if (this.#form.as) object = partial(object, version, this.#served)
    if (this.#form.mediaType === PROTOBUF) {
      return this.#message('BOOKMARK', object, this.#form.as ? META.partial : this.#served.schema)
    }
    return frame('BOOKMARK', Buffer.from(JSON.stringify(object)))
  }

  error(error: StatusError): Buffer {
    const status = error.status as unknown as JsonObject
    if (this.#form.mediaType === PROTOBUF) return this.#message('ERROR', status, META.status)
    return frame('ERROR', Buffer.from(JSON.stringify(status)))
  }
}

function frame(type: string, body: Buffer): Buffer {
  const head = `{"type":"${type}","object":`
  const out = Buffer.allocUnsafe(head.length + body.length + 2)
  out.write(head, 0, 'latin1')
  body.copy(out, head.length)
  out[out.length - 2] = 0x7d
  out[out.length - 1] = 0x0a
  return out
}
