import { isObject, type Json, type JsonObject } from '../json.ts'
import type { KubeObject } from '../object.ts'
import { checkApplied } from './check.ts'
import { compareObjects } from './compare.ts'
import { elementJson } from './elements.ts'
import { fieldSetOf } from './field-set.ts'
import { difference, printPaths } from './fields.ts'
import { TypingError } from './list-items.ts'
import type { VersionView } from './views.ts'

/** The annotation in which client-side apply keeps what it applied. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const MAX_ANNOTATIONS = 256 * 1024

/**
 * The fields that client-side apply applied last and that are still as it left them.
 * @param live in the version of `view`
 * @returns paths as messages print them; undefined when there is nothing that could be taken over
 */
export function allowedByLastApplied(live: JsonObject, view: VersionView): ReadonlySet<string> | undefined {
  const annotations = isObject(live.metadata) && isObject(live.metadata.annotations) ? live.metadata.annotations : {}
  const text = annotations[LAST_APPLIED]
  if (typeof text !== 'string' || text === '') return undefined
  try {
    const last = JSON.parse(text) as Json
    if (!isObject(last) || last.apiVersion !== view.apiVersion) return undefined
    checkApplied(last, view.atom)
    const { added, modified, removed } = compareObjects(last, live, view.atom)
    const unchanged = [modified, added, removed].reduce(difference, fieldSetOf(last, view.atom))
    return new Set(printPaths(unchanged))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypingError) return undefined
    throw error
  }
}

/** Whether client-side apply has been at the object. */
export function carriesLastApplied(object: KubeObject): boolean {
  return Boolean(object.metadata?.annotations?.[LAST_APPLIED])
}

/** Writes a configuration down where client-side apply looks for it, unless that would be too much. */
export function setLastApplied(object: KubeObject, config: JsonObject): void {
  const value = `${elementJson(withoutAnnotation(config))}\n`
  const annotations = { ...object.metadata?.annotations, [LAST_APPLIED]: value }
  let size = 0
  for (const [key, text] of Object.entries(annotations)) size += Buffer.byteLength(key) + Buffer.byteLength(text)
  if (size > MAX_ANNOTATIONS) delete (annotations as Record<string, string>)[LAST_APPLIED]
  object.metadata = { ...object.metadata, annotations }
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const { metadata } = config
  if (!isObject(metadata) || !isObject(metadata.annotations)) return config
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations
  return { ...config, metadata: { ...metadata, annotations } }
}
