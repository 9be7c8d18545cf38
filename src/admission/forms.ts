import type { JsonObject } from '../machinery/json.ts'
import type { Atom } from '../machinery/managed-fields/atoms.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** A kind in one of its versions. */
interface VersionedKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/**
 * Shows an object in another version than the stored one; the kind is the one under which a rule knows it. A promise only where somebody
 * has to be asked for that.
 */
export type Show = (object: KubeObject, attributes: AdmissionAttributes, kind: VersionedKind) => JsonObject | Promise<JsonObject>

/** How objects of requests look to clients, and what clients may make of them. */
export interface ObjectForms {
  readonly show: Show
  /**
   * What a client made of an object that was shown: decoded, with defaults, as it would be stored.
   *
   * @param strict whether unknown and repeated fields are errors
   * @throws Error (or rejects) with the message of the reference's decoder
   */
  read(json: JsonObject, attributes: AdmissionAttributes, kind: VersionedKind, strict: boolean): KubeObject | Promise<KubeObject>
  /** The type of what `show` gives, for merging; undefined when nothing is known of it. */
  atom(attributes: AdmissionAttributes, kind: VersionedKind): Atom | undefined
}

/** Puts another object in the place of the request's, which others hold on to. */
export function replaceObject(attributes: AdmissionAttributes, next: KubeObject): void {
  const object = attributes.object as JsonObject
  for (const key of Object.keys(object)) if (!(key in next)) delete object[key]
  Object.assign(object, next)
}
