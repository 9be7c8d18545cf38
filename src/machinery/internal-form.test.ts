import assert from 'node:assert/strict'
import { test } from 'node:test'
import { internalForm, printIndented } from './internal-form.ts'
import { SchemaFacts } from './schema.ts'

const facts = new SchemaFacts()
const CORE = 'io.k8s.api.core.v1.'

test('every field is there, under its Go name', () => {
  assert.deepEqual(internalForm(facts, `${CORE}Toleration`, { key: 'a', tolerationSeconds: 5 }), {
    Key: 'a',
    Operator: '',
    Value: '',
    Effect: '',
    TolerationSeconds: 5,
  })
  assert.deepEqual(internalForm(facts, `${CORE}HTTPGetAction`, { port: 'http' }), {
    Path: '',
    Port: 'http',
    Host: '',
    Scheme: '',
    HTTPHeaders: null,
  })
})

test('metadata of templates is part of them, what pods share with the host part of the security context', () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { hostNetwork: true, securityContext: { runAsUser: 1 } } }
  const form = internalForm(facts, `${CORE}PodTemplateSpec`, template)
  assert.deepEqual(Object.keys(form), ['labels', 'Spec'])
  const spec = form.Spec as Record<string, Record<string, unknown>>
  assert.equal(spec.SecurityContext?.HostNetwork, true)
  assert.equal(spec.SecurityContext?.RunAsUser, 1)
  assert.equal('HostNetwork' in spec, false)
})

test('types of the machinery keep their JSON names', () => {
  const selector = { matchLabels: { a: 'b' } }
  const form = internalForm(facts, `${CORE}PodAffinityTerm`, { labelSelector: selector, topologyKey: 'k' })
  assert.deepEqual(form.LabelSelector, selector)
})

test('printed as Go does', () => {
  assert.equal(printIndented({ A: '<x>' }), '{\n "A": "\\u003cx\\u003e"\n}')
})

test('of types of the machinery, lists and maps with nothing in them are left out', () => {
  const labelSelector = { matchLabels: {}, matchExpressions: [{ key: 'k', operator: 'In', values: [] }] }
  const form = internalForm(facts, `${CORE}PodAffinityTerm`, { labelSelector, topologyKey: 'k' })
  assert.deepEqual(form.LabelSelector, { matchExpressions: [{ key: 'k', operator: 'In' }] })
  const template = internalForm(facts, `${CORE}PodTemplateSpec`, { metadata: { labels: {}, annotations: { a: 'b' } } })
  assert.deepEqual(Object.keys(template), ['annotations', 'Spec'])
})
