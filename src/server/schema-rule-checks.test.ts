import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import type { RuleSite, StoredRules } from '../registry/expressions.ts'
import { expressionChecks } from './expressions.ts'
import { schemaRuleErrors } from './schema-rule-checks.ts'

const NEW: StoredRules = { rules: new Set(), messageExpressions: new Set(), unchanged: false }
const ROOT: Schema = { type: 'object' }

type Rule = NonNullable<Schema['x-kubernetes-validations']>[number]

const site = (schema: Schema, rule: Rule, more: Partial<RuleSite> = {}): RuleSite => ({
  schema: { ...schema, 'x-kubernetes-validations': [rule] },
  path: 'a',
  parents: [ROOT],
  uncorrelatable: undefined,
  ...more,
})
const errors = (sites: RuleSite[], stored = NEW): string[] =>
  schemaRuleErrors(sites, 'schema', stored).map(({ field, message }) => `${field}: ${message}`)

const text = (maxLength?: number): Schema => ({ type: 'string', ...(maxLength === undefined ? {} : { maxLength }) })
const list = (items: Schema, maxItems?: number): Schema => ({
  type: 'array',
  items: items as JsonObject,
  ...(maxItems === undefined ? {} : { maxItems }),
})
const shown = (rule: string, more = {}): string =>
  JSON.stringify({ Rule: rule, Message: '', MessageExpression: '', Reason: null, FieldPath: '', OptionalOldSelf: null, ...more })

suite('the rules of a definition', () => {
  test('must compile', () => {
    assert.deepEqual(errors([site(text(), { rule: 'self' })]), [
      `a.x-kubernetes-validations[0].rule: Invalid value: ${shown('self')}: cel expression must evaluate to a bool`,
    ])
    const [told] = errors([site(text(), { rule: 'self > 1' })])
    assert.ok(
      told?.startsWith(`a.x-kubernetes-validations[0].rule: Invalid value: ${shown('self \\u003e 1').replace('\\\\', '\\')}`),
    )
    assert.match(told ?? '', /compilation failed: ERROR: <input>:1:6: found no matching overload for '_>_'/)
    assert.deepEqual(errors([site(text(), { rule: 'true', messageExpression: '1' })]), [
      `a.x-kubernetes-validations[0].messageExpression: Invalid value: ${shown('true', { MessageExpression: '1' })}: messageExpression must evaluate to a string`,
    ])
  })

  test('can not be of what nobody knows anything of', () => {
    const unknown: Schema = { 'x-kubernetes-preserve-unknown-fields': true }
    const detail =
      'a.x-kubernetes-validations: Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations'
    assert.deepEqual(errors([site(unknown, { rule: 'true' })]), [detail])
    const ruled: Schema = { ...unknown, 'x-kubernetes-validations': [{ rule: 'true' }] }
    assert.deepEqual(errors([site(text(), { rule: 'true' }, { parents: [ROOT, ruled] })]), [detail])
  })

  test('see an old value only where there can be one', () => {
    const uncorrelatable = { uncorrelatable: 'spec' }
    assert.deepEqual(errors([site(text(), { rule: 'self == oldSelf' }, uncorrelatable)]), [
      'a.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within spec',
    ])
    assert.deepEqual(errors([site(text(), { rule: 'self == oldSelf' })]), [])
    assert.deepEqual(errors([site(text(), { rule: 'true', optionalOldSelf: true })]), [
      'a.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule',
    ])
    assert.deepEqual(errors([site(text(), { rule: 'oldSelf.orValue(self) == self', optionalOldSelf: true })]), [])
  })
})

suite('what rules cost', () => {
  const every = { rule: 'self.all(x, self.exists(y, x == y))' }
  const advice =
    '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
  const rule = 'a.x-kubernetes-validations[0].rule: Forbidden:'

  test('one too much', () => {
    assert.deepEqual(errors([site(list(text(10), 1000), every)]), [
      `${rule} estimated rule cost exceeds budget by factor of 1.000500x ${advice}`,
    ])
    assert.deepEqual(errors([site(list(text(10), 10), every)]), [])
  })

  test('all together too much', () => {
    const around = { parents: [ROOT, list(ROOT, 500)] }
    const dear = site(list(text(10), 100), every, around)
    assert.deepEqual(errors([dear, { ...dear, path: 'b' }]), [
      `${rule} estimated rule cost exceeds budget by factor of 5.0x ${advice}`,
      `b.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 5.0x ${advice}`,
      `${rule} contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      'b.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 1.005020x ${advice}`,
    ])
  })

  test('values in lists without bounds are as many as a request has room for', () => {
    const items = { parents: [ROOT, list(ROOT)] }
    assert.deepEqual(errors([site(text(), { rule: 'size(self) > 0' }, items)]), [])
    const [told] = errors([
      site(text(10), { rule: "self.contains('abcdefghijklmnop') && self.contains('y') && self.contains('z')" }, items),
    ])
    assert.equal(told, `${rule} estimated rule cost exceeds budget by factor of 2.0x ${advice}`)
  })

  test('a schema that stays as it is may go on to cost what it does', () => {
    assert.deepEqual(errors([site(list(text(10), 1000), every)], { ...NEW, unchanged: true }), [])
  })
})

test('selectors of devices', () => {
  const told = (expression: string): string[] => expressionChecks.deviceSelector(expression, 'f').map(({ message }) => message)
  assert.deepEqual(told("device.driver == 'a'"), [])
  assert.match(
    told('')[0] ?? '',
    /^Invalid value: "": compilation failed: ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>'/,
  )
  const dear = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(a, '
  assert.deepEqual(told(`${dear.repeat(7)}true${')'.repeat(7)}`), ['Forbidden: too complex, exceeds cost limit'])
})
