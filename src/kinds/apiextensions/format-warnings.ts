import type { ApiextensionsV1CustomResourceDefinition } from '../../generated/types.ts'
import { isKnownFormat } from '../../machinery/json-schema/formats.ts'
import { someSchema } from '../../machinery/json-schema/schema.ts'
import { internalSpec, schemasOf } from './internal-spec.ts'

type Definition = ApiextensionsV1CustomResourceDefinition

/** Formats that nobody checks may be typing errors; those that are stored already are told of no more. */
export function formatWarnings(object: Definition, old: Definition | undefined): string[] {
  const before = old ? unknownFormats(old) : new Set<string>()
  return [...unknownFormats(object)]
    .filter((format) => !before.has(format))
    .sort()
    .map((format) => `unrecognized format ${JSON.stringify(format)}`)
}

function unknownFormats(object: Definition): Set<string> {
  const found = new Set<string>()
  for (const schema of schemasOf(internalSpec(object))) {
    someSchema(schema, ({ format }) => {
      if (format && !isKnownFormat(format)) found.add(format)
      return false
    })
  }
  return found
}
