import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quote } from '../machinery/field-errors.ts'
import type { ExpressionScope } from '../registry/expressions.ts'
import { expressionChecks } from './expressions.ts'

const plain: ExpressionScope = { returns: 'bool', params: false, authorizer: true, stored: false }

function faults(text: string, scope: Partial<ExpressionScope> = {}): string[] {
  const head = `Invalid value: ${quote(text)}: `
  return expressionChecks.expression(text, 'spec.x', { ...plain, ...scope }).map(({ message }) => {
    assert.ok(message.startsWith(head), message)
    return message.slice(head.length).split('\n')[0] ?? ''
  })
}

test('an expression must come to what is wanted', () => {
  assert.deepEqual(faults("object.metadata.name == 'x'"), [])
  assert.deepEqual(faults('1'), ['must evaluate to bool but got int'])
  assert.deepEqual(faults("'a'", { returns: 'nullableString' }), [])
  assert.deepEqual(faults('null', { returns: 'nullableString' }), [])
  assert.deepEqual(faults('[]', { returns: 'jsonPatch' }), ['must evaluate to list(JSONPatch) but got list(dyn)'])
  assert.deepEqual(faults("[JSONPatch{op: 'remove', path: '/spec'}]", { returns: 'jsonPatch' }), [])
  assert.deepEqual(faults('Object{spec: Object.spec{replicas: 1}}', { returns: 'applyConfiguration' }), [])
})

test('params and the authorizer are there only where they are', () => {
  const undeclared = (name: string) => [
    `compilation failed: ERROR: <input>:1:1: undeclared reference to '${name}' (in container '')`,
  ]
  assert.deepEqual(faults('params.on == true', { params: true }), [])
  assert.deepEqual(faults('params.on == true'), undeclared('params'))
  const check = "authorizer.requestResource.check('use').allowed()"
  assert.deepEqual(faults(check), [])
  assert.notDeepEqual(faults(check, { authorizer: false }), [])
})

test('variables have the types of their expressions', () => {
  const variables = [
    { name: 'count', expression: '1 + 1' },
    { name: 'twice', expression: 'variables.count * 2' },
    { name: 'broken', expression: 'nosuch' },
  ]
  assert.deepEqual(faults('variables.twice > 3', { variables }), [])
  assert.deepEqual(faults("variables.twice == 'x'", { variables }), [
    "compilation failed: ERROR: <input>:1:17: found no matching overload for '_==_' applied to '(int, string)'",
  ])
  assert.deepEqual(faults('variables.broken.anything == 1', { variables }), [], 'its own error is enough')
  assert.deepEqual(faults('variables.other', { variables }), ["compilation failed: ERROR: <input>:1:10: undefined field 'other'"])
})
