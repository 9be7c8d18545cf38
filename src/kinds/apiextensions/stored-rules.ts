import { equal } from '../../machinery/json.ts'
import { type Schema, someSchema } from '../../machinery/json-schema/schema.ts'
import type { StoredRules } from '../../registry/expressions.ts'
import { type InternalSpec, schemasOf } from './internal-spec.ts'

const NOTHING: StoredRules = Object.freeze({ rules: new Set<string>(), messageExpressions: new Set<string>(), unchanged: false })

/** What is stored of a definition's rules, by the version whose schema is checked. */
export function storedRules(spec: InternalSpec, old: InternalSpec | undefined): (version: string) => StoredRules {
  if (!old) return () => NOTHING
  const rules = new Set<string>()
  const messageExpressions = new Set<string>()
  for (const schema of schemasOf(old)) {
    someSchema(schema, (one) => {
      for (const { rule, messageExpression } of one['x-kubernetes-validations'] ?? []) {
        rules.add(rule ?? '')
        if (messageExpression) messageExpressions.add(messageExpression)
      }
      return false
    })
  }
  return (version) => {
    const [now, before] = [schemaOf(spec, version), schemaOf(old, version)]
    return { rules, messageExpressions, unchanged: now !== undefined && equal(now, before) }
  }
}

function schemaOf({ shared, versions }: InternalSpec, name: string): Schema | undefined {
  const version = versions.find((one) => one.name === name)
  return version && (shared.schema ?? version.schema)?.openAPIV3Schema
}
