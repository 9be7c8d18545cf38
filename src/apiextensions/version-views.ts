import type { JsonObject } from '../machinery/json.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import { checkApplied } from '../machinery/managed-fields/check.ts'
import { schemaAtom } from '../machinery/managed-fields/schema-atoms.ts'
import type { VersionView, Views } from '../machinery/managed-fields/views.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { SchemaCodec } from './schema-codec.ts'

export interface VersionViewsInit {
  group: string
  kind: string
  /** Whose objects are seen. */
  version: string
  /** Those of all versions, by name. */
  schemas: ReadonlyMap<string, Schema | undefined>
  codec: SchemaCodec
  /** Whether versions differ by more than their name. What this one's objects are in another isn't asked for the sake of managed fields. */
  converts: boolean
}

/**
 * How managed fields see objects of one version: that one as it is, others by those versions' schemas, to which such an object is only
 * said to belong. One that has fields that another version doesn't know can't be seen by it.
 */
export function versionViews(init: VersionViewsInit): Views {
  const views = new Map<string, VersionView>()
  return (apiVersion) => {
    let view = views.get(apiVersion)
    if (!view && [...init.schemas.keys()].some((version) => apiVersion === `${init.group}/${version}`))
      views.set(apiVersion, (view = viewOf(apiVersion, init)))
    return view
  }
}

function viewOf(apiVersion: string, { group, kind, version, schemas, codec, converts }: VersionViewsInit): VersionView {
  const own = `${group}/${version}`
  const atom = schemaAtom(schemas.get(apiVersion.slice(group.length + 1)))
  const empty: JsonObject = { kind, apiVersion, metadata: {} }
  if (apiVersion === own) {
    return { apiVersion, atom, empty, show: (object) => object as JsonObject, store: (object) => codec.request(object) }
  }
  return {
    apiVersion,
    atom,
    empty,
    show: (object) => {
      const shown: JsonObject = { ...(object as JsonObject), apiVersion }
      if (!converts) checkApplied(shown, atom)
      return shown
    },
    store: (object) => ({ ...object, apiVersion: own }) as KubeObject,
  }
}
