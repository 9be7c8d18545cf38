import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Pod } from '../../generated/types.ts'
import { validateMirror, validateMirrorChange } from './pod-validation.ts'

const pod = (value: string | undefined, nodeName?: string): CoreV1Pod => ({
  metadata: { name: 'p', ...(value === undefined ? {} : { annotations: { 'kubernetes.io/config.mirror': value } }) },
  spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
})

const printed = (errors: readonly { field: string; message: string }[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`)

test('a mirror is on a node', () => {
  assert.deepEqual(validateMirror(pod(undefined)), [])
  assert.deepEqual(validateMirror(pod('x', 'n')), [])
  assert.deepEqual(printed(validateMirror(pod('x'))), [
    'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
  ])
})

test('a mirror stays what it is', () => {
  const text = (value: string): string =>
    `metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "${value}": may not remove or update mirror pod annotation`
  assert.deepEqual(validateMirrorChange(pod('x', 'n'), pod('x', 'n')), [])
  assert.deepEqual(printed(validateMirrorChange(pod('y', 'n'), pod('x', 'n'))), [text('y')])
  assert.deepEqual(printed(validateMirrorChange(pod(undefined, 'n'), pod('x', 'n'))), [text('')])
  assert.deepEqual(printed(validateMirrorChange(pod('x', 'n'), pod(undefined, 'n'))), [text('x')])
})
