/**
 * Takes from the reference's OpenAPI documents what the tests hold ours against: per group version the number of operations, and a
 * digest of their paths, methods and ids.
 *
 *     node scripts/operation-facts.mjs FOLDER      a folder with openapi-v3/*.json
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

const dir = path.join(process.argv[2], 'openapi-v3')
const facts = {}
for (const name of fs.readdirSync(dir).sort()) {
  const groupVersion = /^(?:api|apis)__(.*)_openapi\.json$/.exec(name)?.[1]?.replace('__', '/')
  const { paths } = JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8'))
  const lines = Object.entries(paths).flatMap(([where, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => `${where} ${method} ${operation.operationId}`),
  )
  if (!groupVersion || lines.length < 2) continue
  facts[groupVersion] = [lines.length, createHash('sha256').update(lines.sort().join('\n')).digest('hex')]
}
const out = path.join(import.meta.dirname, '../src/discovery/openapi/operation-facts.json')
const rows = Object.entries(facts).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value).replace(',', ', ')}`)
fs.writeFileSync(out, `{\n${rows.join(',\n')}\n}\n`)
