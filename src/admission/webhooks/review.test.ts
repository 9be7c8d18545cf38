import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../../machinery/json.ts'
import { asked } from '../testing.ts'
import { answerError } from './http-answer.ts'
import { deniedBy } from './refusals.ts'
import { readAnswer, reviewBody } from './review.ts'

const review = (response: JsonObject | undefined, version = 'v1'): string =>
  JSON.stringify({ kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`, response })
const PATCH = Buffer.from('[]').toString('base64')

test('a review tells of the request', () => {
  const attributes = asked('deployments.apps/scale', { name: 'd', namespace: 'n', operation: 'UPDATE', dryRun: true })
  const match = { resource: { group: 'apps', version: 'v1beta1', resource: 'deployments' }, kind: attributes.kind }
  const body = JSON.parse(reviewBody(attributes, match, { uid: 'u', version: 'v1beta1', object: { a: 1 } })) as JsonObject
  assert.equal(body.apiVersion, 'admission.k8s.io/v1beta1')
  assert.deepEqual(Object.keys(body.request as JsonObject), [
    'uid',
    'kind',
    'resource',
    'subResource',
    'requestKind',
    'requestResource',
    'requestSubResource',
    'name',
    'namespace',
    'operation',
    'userInfo',
    'object',
    'oldObject',
    'dryRun',
    'options',
  ])
  const { resource, requestResource, object, oldObject, dryRun } = body.request as JsonObject
  assert.deepEqual(resource, { group: 'apps', version: 'v1beta1', resource: 'deployments' })
  assert.deepEqual(requestResource, { group: 'apps', version: 'v1', resource: 'deployments' })
  assert.deepEqual({ object, oldObject, dryRun }, { object: { a: 1 }, oldObject: null, dryRun: true })
})

suite('answers', () => {
  test('say what they say', () => {
    const answer = readAnswer(
      review({ uid: 'u', allowed: true, warnings: ['w'], auditAnnotations: { k: 'v' }, patch: PATCH, patchType: 'JSONPatch' }),
      'u',
      'v1',
      true,
    )
    assert.deepEqual(answer, {
      allowed: true,
      status: undefined,
      warnings: ['w'],
      annotations: { k: 'v' },
      patch: Buffer.from('[]'),
      patchType: 'JSONPatch',
    })
  })

  const bad: [string, string, boolean, string][] = [
    ['no JSON', 'x', false, "couldn't get version/kind; json parse error: invalid character 'x' looking for beginning of value"],
    [
      'no object',
      '[]',
      false,
      "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ",
    ],
    ['no kind', '{}', false, "Object 'Kind' is missing in '{}'"],
    ['another kind', '{"kind":"Pod","apiVersion":"v1"}', false, 'no kind "Pod" is registered for version "v1"'],
    ['no response', review(undefined), false, 'webhook response was absent'],
    ['another uid', review({ uid: 'x' }), false, 'expected response.uid="u", got "x"'],
    [
      'another version',
      review({ uid: 'u' }, 'v1beta1'),
      false,
      'expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1beta1, Kind=AdmissionReview',
    ],
    ['a patch of a judge', review({ uid: 'u', patch: PATCH }), false, 'validating webhook may not return response.patch'],
    ['its type', review({ uid: 'u', patchType: 'x' }), false, 'validating webhook may not return response.patchType'],
    ['no type', review({ uid: 'u', patch: PATCH }), true, 'webhook returned response.patch but not response.patchType'],
    ['no patch', review({ uid: 'u', patchType: 'x' }), true, 'webhook returned response.patchType but not response.patch'],
  ]
  for (const [name, text, mutating, message] of bad) {
    test(`with ${name} are none`, () => {
      assert.throws(
        () => readAnswer(text, 'u', 'v1', mutating),
        (error: Error) => error.message.startsWith(message),
      )
    })
  }

  test('of the older version may have any uid, and patches without a type', () => {
    const { patch, patchType } = readAnswer(review({ allowed: true, patch: PATCH }, 'v1beta1'), 'u', 'v1beta1', true)
    assert.deepEqual({ patch: patch?.toString(), patchType }, { patch: '[]', patchType: 'JSONPatch' })
  })
})

test('a refusal is one, whatever it says', () => {
  const { code, reason, message, status } = deniedBy('w', { code: 200, status: 'Success', details: { kind: 'x' } })
  assert.deepEqual([code, reason], [400, ''])
  assert.equal(message, 'admission webhook "w" denied the request without explanation')
  assert.deepEqual([status.status, status.details], ['Failure', { kind: 'x' }])
})

test('answers of servers that have none', () => {
  const said = (code: number, body = '', type = 'text/plain') => answerError({ code, body, type })
  assert.equal(said(200, 'x'), undefined)
  assert.equal(said(404), 'the server could not find the requested resource')
  assert.equal(said(500, ' oh "no" \n'), 'an error on the server ("oh \\"no\\"") has prevented the request from succeeding')
  assert.equal(said(502, '{', 'application/json'), 'an error on the server ("unknown") has prevented the request from succeeding')
  assert.equal(said(500, '{"kind":"Status","message":"why"}', 'application/json'), 'why')
  assert.equal(said(302), 'the server responded with the status code 302 but did not return more information')
})
