import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJsonDocument } from './go-json.ts'
import { applyJsonPatch, decodeJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyWithLiterals } from './patch-literals.ts'

const original = { spec: { replicas: 1, list: [1] } }
const parse = (text: string) => parseJsonDocument(Buffer.from(text))

test('a merge patch keeps how whole numbers were written', () => {
  const merge = (text: string) =>
    applyWithLiterals(parse(text), (patch, opened) => applyMergePatch(original, patch, 'Warn', opened))
  const result = merge('{"spec":{"replicas":2.0,"list":[3,1e1,2.5]}}')
  assert.deepEqual(result.value, { spec: { list: [3, 10, 2.5], replicas: 2 } })
  assert.equal(result.text, '{"spec":{"list":[3,1e1,2.5],"replicas":2.0}}')
  const { spec } = result.value as typeof original
  assert.equal(result.literals?.get(spec)?.get('replicas'), '2.0')
  assert.equal(result.literals?.get(spec.list)?.get('1'), '1e1')
  assert.deepEqual(merge('{"spec":{"replicas":2}}'), { value: { spec: { replicas: 2, list: [1] } } })
})

test('a JSON patch keeps how whole numbers were written', () => {
  const patch = parse('[{"op":"replace","path":"/spec/replicas","value":2.0}]')
  const result = applyWithLiterals(patch, (body, opened) =>
    applyJsonPatch(original, decodeJsonPatch(body, 'Warn').operations, opened),
  )
  assert.equal(result.literals?.get((result.value as typeof original).spec)?.get('replicas'), '2.0')
})
