import { RecentMap } from '../../util/recent-map.ts'
import { parseJsonText, stringifyJson } from '../go-json.ts'
import { isObject, type Json, type JsonObject, JsonText } from '../json.ts'
import type { KubeObject } from '../object.ts'
import type { ManagedFieldsEntry } from './entries.ts'

/*
 * A good part of a stored object is managed fields, of which a write looks at few: they stay text. What tells where they are needs no
 * parser, since a quote that isn't escaped begins or ends a string, and what follows it tells which.
 */

const START = ',"managedFields":['
const FIELDS = ',"fieldsV1":'
const SUBRESOURCE = '},"subresource":"'

/** How many sets a pool knows: objects of one kind have few different ones. */
const POOL_SIZE = 256

/** The sets of fields that were seen lately, so that each is read once. */
export class FieldsPool {
  readonly #known = new RecentMap<JsonText>(POOL_SIZE)

  /** @returns undefined for what is no set */
  get(text: string): JsonText | undefined {
    const known = this.#known.find(text)
    if (known) return known
    const fields = readSet(text)
    if (fields) this.#known.keep(fields.text, fields)
    return fields
  }
}

function readSet(text: string): JsonText | undefined {
  // A copy, since a part of a text keeps all of it in memory.
  const fields = new JsonText(Buffer.from(text).toString())
  try {
    return isObject(fields.value) ? fields : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads an object in the form in which it is stored, leaving the sets of its managed fields as text.
 * @returns undefined for one in another form
 */
export function parseStored(text: string, pool: FieldsPool): JsonObject | undefined {
  const start = text.indexOf(START)
  if (start < 0) return asObject(parseJsonText(text))
  const end = listEnd(text, start + START.length)
  if (end < 0) return undefined
  const object = asObject(parseJsonText(`${text.slice(0, start)},"managedFields":0${text.slice(end)}`))
  const { metadata } = object ?? {}
  // It may be the metadata of a template.
  if (!isObject(metadata) || metadata.managedFields !== 0) return undefined
  const entries = parseEntries(text.slice(start + START.length, end - 1), pool)
  if (!entries) return undefined
  metadata.managedFields = entries
  return object
}

const asObject = (value: Json | undefined): JsonObject | undefined => (isObject(value) ? value : undefined)

/** The end of the list that is the last member of its object, and has nothing but objects in it. */
function listEnd(text: string, from: number): number {
  const at = beforeKey(text, ']},"', from)
  if (at >= 0) return at + 1
  return text.endsWith(']}}') ? text.length - 2 : -1
}

/** Where this text is, which ends in a quote, with a key after it and not the end of a string. */
function beforeKey(text: string, wanted: string, from: number): number {
  for (let at = text.indexOf(wanted, from); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (!AFTER_STRING.includes(text[at + wanted.length] ?? ':')) return at
  }
  return -1
}

const AFTER_STRING = ':,}]'

function parseEntries(text: string, pool: FieldsPool): JsonObject[] | undefined {
  const entries: JsonObject[] = []
  for (let at = 0; at < text.length; ) {
    const next = beforeKey(text, '},{"', at)
    const end = next < 0 ? text.length : next + 1
    const fields = text.indexOf(FIELDS, at)
    if (fields < 0 || fields > end) return undefined
    const fieldsStart = fields + FIELDS.length
    const subresource = text.indexOf(SUBRESOURCE, fieldsStart)
    const fieldsEnd = subresource < 0 || subresource > end ? end - 1 : subresource + 1
    const entry = asObject(parseJsonText(`${text.slice(at, fieldsStart)}0${text.slice(fieldsEnd, end)}`))
    const set = pool.get(text.slice(fieldsStart, fieldsEnd))
    if (!entry || !set) return undefined
    entry.fieldsV1 = set as object as JsonObject
    entries.push(entry)
    at = end + 1
  }
  return entries
}

/** The JSON of an object whose metadata comes first, with managed fields that may be text. */
export function encodeStored(object: KubeObject): Buffer {
  const { metadata } = object
  const entries = metadata?.managedFields
  if (!entries?.some(isText)) return Buffer.from(stringifyJson(object))
  const texts: string[] = []
  const blank = entries.map((entry) => {
    texts.push(entry.fieldsV1 === undefined ? '' : textOf(entry.fieldsV1))
    return entry.fieldsV1 === undefined ? entry : { ...entry, fieldsV1: NOTHING }
  })
  const rest = stringifyJson({ ...object, metadata: { ...metadata, managedFields: blank } })
  const parts: string[] = []
  let at = rest.indexOf(START)
  let from = 0
  for (const text of texts) {
    if (!text) continue
    at = rest.indexOf(BLANK, at) + FIELDS.length
    parts.push(rest.slice(from, at), text)
    from = at + 2
  }
  parts.push(rest.slice(from))
  return joined(parts)
}

/** The texts in one buffer, without making one text of them first. */
function joined(parts: readonly string[]): Buffer {
  let length = 0
  for (const part of parts) length += Buffer.byteLength(part)
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) at += bytes.write(part, at)
  return bytes
}

const NOTHING = {}
const BLANK = `${FIELDS}{}`

const isText = ({ fieldsV1 }: ManagedFieldsEntry): boolean => (fieldsV1 as unknown) instanceof JsonText

/** The text that a set is written as. */
export function textOf(fields: object): string {
  return fields instanceof JsonText ? fields.text : JSON.stringify(fields)
}

/** Makes managed fields plain JSON again, in place: for what looks at objects as mere JSON. */
export function expandManagedFields({ metadata }: JsonObject): void {
  if (!isObject(metadata) || !Array.isArray(metadata.managedFields)) return
  for (const entry of metadata.managedFields) {
    if (!isObject(entry)) continue
    const fields: unknown = entry.fieldsV1
    if (fields instanceof JsonText) entry.fieldsV1 = JSON.parse(fields.text) as JsonObject
  }
}
