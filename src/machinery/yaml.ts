import { parseJson } from './go-json.ts'
import { decodeUtf8 } from './go-text.ts'
import type { Json } from './json.ts'
import { parseYaml } from './yaml-parser.ts'
import { yamlContent } from './yaml-values.ts'

export { YamlError } from './yaml-reader.ts'
export { jsonToYaml } from './yaml-writer.ts'

/**
 * Reads YAML 1.1 as the reference does: only the first document, the last of duplicate keys; no document at all is null.
 *
 * @throws YamlError with the library's message (`yaml: line 2: …`); some callers of the reference put
 *   `error converting YAML to JSON: ` before it
 */
export function yamlToJson(bytes: Buffer): Json {
  return quickJson(bytes) ?? readYaml(bytes).value
}

/** As `yamlToJson`, with the error that strict reading gives for duplicate keys. */
export function yamlToJsonStrict(bytes: Buffer): { value: Json; duplicates?: string } {
  const { value, duplicates } = readYaml(bytes)
  return duplicates.length ? { value, duplicates: `yaml: unmarshal errors:\n  ${duplicates.join('\n  ')}` } : { value }
}

function readYaml(bytes: Buffer): ReturnType<typeof yamlContent> {
  const text = decodeUtf8(bytes)
  return yamlContent(parseYaml(text))
}

/** Most YAML that clients send is JSON, which is read many times faster; undefined when this isn't. */
function quickJson(bytes: Buffer): Json | undefined {
  if (bytes[0] !== 0x7b) return undefined
  try {
    return parseJson(bytes)
  } catch {
    return undefined
  }
}
