import type { JsonObject } from '../machinery/json.ts'
import { StatusError } from '../machinery/status.ts'
import { sortedJson } from '../machinery/strict-json.ts'
import type { CustomKind } from '../registry/kind.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { WebhookConverter } from './conversion.ts'
import type { SchemaCodec } from './schema-codec.ts'

export interface VersionFormsInit {
  kind: string
  /** Of the version whose objects these are. */
  apiVersion: string
  /** Of the version in which objects are stored. */
  stored: string
  /** Names what is made of stored objects. */
  tag: string
  codec: SchemaCodec
  /** Unset where versions differ by nothing but their name. */
  converter: WebhookConverter | undefined
}

/** How objects go from one version to another. */
export function versionForms(
  init: VersionFormsInit,
): Pick<CustomKind, 'prepare' | 'bytes' | 'fromOther' | 'convert' | 'toStored'> {
  const { converter, apiVersion, stored } = init
  const { kind, tag, codec } = init
  const encoded = (object: JsonObject): Buffer => Buffer.from(sortedJson(codec.stored(object) as JsonObject))
  const named = (object: JsonObject): JsonObject => {
    if (converter && object.apiVersion !== apiVersion)
      throw new StatusError(500, '', `an object of ${object.apiVersion} wasn't converted`)
    return Object.assign(object, { kind, apiVersion })
  }
  const forms = {
    bytes: (entry: CacheEntry) => entry.form(tag, (e) => encoded(named(e.object<JsonObject>()))),
    fromOther: (object: JsonObject) => codec.stored(named(object)),
  }
  if (!converter) return { ...forms, toStored: (object) => ({ ...(object as JsonObject), apiVersion: stored }) }
  return {
    ...forms,
    convert: async (object) => {
      const [converted] = await converter.convert([object], apiVersion)
      return converted as JsonObject
    },
    toStored: async (object) => {
      if (apiVersion === stored) return object as JsonObject
      const [converted] = await converter.convert([object as JsonObject], stored)
      return converted as JsonObject
    },
    prepare: async (entries) => {
      const others: { entry: CacheEntry; object: JsonObject }[] = []
      for (const entry of entries) {
        if (entry.hasForm(tag)) continue
        const object = entry.object<JsonObject>()
        if (object.apiVersion === apiVersion) entry.form(tag, () => encoded(object))
        else others.push({ entry, object })
      }
      if (others.length === 0) return
      const converted = await converter.convert(
        others.map(({ object }) => object),
        apiVersion,
      )
      for (const [i, { entry }] of others.entries()) entry.form(tag, () => encoded(converted[i] as JsonObject))
    },
  }
}
