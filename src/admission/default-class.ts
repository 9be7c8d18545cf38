import type { KubeObject } from '../machinery/object.ts'

/** What decides which of several classes is the default. */
export interface DefaultableClass {
  name: string
  /** RFC 3339, in seconds. */
  created: string
  isDefault: boolean
}

/** @param annotations those of which one, when `true`, makes a class the default */
export const defaultableBy =
  (annotations: readonly string[]) =>
  ({ metadata = {} }: KubeObject): DefaultableClass => ({
    name: metadata.name ?? '',
    created: metadata.creationTimestamp ?? '',
    isDefault: annotations.some((annotation) => metadata.annotations?.[annotation] === 'true'),
  })

/** The name of the default class; of several, that of the newest, and of equally old ones the first by name. */
export function defaultClass(classes: readonly DefaultableClass[]): string | undefined {
  let newest: DefaultableClass | undefined
  for (const one of classes) {
    if (!one.isDefault) continue
    if (!newest || one.created > newest.created || (one.created === newest.created && one.name < newest.name)) newest = one
  }
  return newest?.name
}
