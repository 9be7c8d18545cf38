import { isObject, type Json, type JsonObject } from '../machinery/json.ts'

/** What an OpenAPI v2 document says of one group version. */
export interface OpenApiV2Part {
  readonly paths: JsonObject
  readonly definitions: JsonObject
  readonly parameters: JsonObject
}

/** Sections that references lead to. */
const SECTIONS = ['definitions', 'parameters'] as const
const REFERENCE = /^#\/(definitions|parameters)\/(.+)$/

/**
 * The paths of one group version, with what they refer to.
 *
 * @param base such as `/apis/metrics.k8s.io/v1beta1`
 * @returns undefined when the document isn't one
 */
export function openApiV2Part(document: Json, base: string): OpenApiV2Part | undefined {
  if (!isObject(document) || document.swagger !== '2.0' || !isObject(document.paths)) return undefined
  const paths = Object.entries(document.paths).filter(([path]) => path.startsWith(`${base}/`))
  const part: OpenApiV2Part = { paths: Object.fromEntries(paths), definitions: {}, parameters: {} }
  const from = Object.fromEntries(SECTIONS.map((section) => [section, isObject(document[section]) ? document[section] : {}]))
  const take = (value: Json): void => {
    for (const reference of references(value)) {
      const [, section = '', name = ''] = REFERENCE.exec(reference) ?? []
      const found = from[section]?.[name]
      if (found === undefined || !Object.hasOwn(from[section] ?? {}, name)) continue
      const into = part[section as (typeof SECTIONS)[number]]
      if (Object.hasOwn(into, name)) continue
      into[name] = found
      take(found)
    }
  }
  take(part.paths)
  return part
}

function references(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : references(inner as Json),
  )
}
