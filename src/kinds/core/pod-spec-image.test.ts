import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultPullPolicy, imageTag } from './pod-spec-image.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

test('the tag of an image', () => {
  const cases: [image: string, tag: string][] = [
    ['nginx', 'latest'],
    ['nginx:1.27', '1.27'],
    ['library/nginx:latest', 'latest'],
    ['example.com/app:1', '1'],
    ['localhost:5000/app', 'latest'],
    ['registry.example.com:5000/team/app:v1.2-rc_3', 'v1.2-rc_3'],
    [`nginx@${DIGEST}`, ''],
    [`nginx:1@${DIGEST}`, '1'],
    // Not image names, which is validation's business.
    ['', ''],
    ['Upper/case', 'latest'],
    ['team/Upper', ''],
    ['a'.repeat(64), ''],
    ['a'.repeat(300), ''],
    [`nginx@sha256:${'a'.repeat(40)}`, ''],
  ]
  for (const [image, tag] of cases) assert.equal(imageTag(image), tag, image)
})

test('only latest is pulled always', () => {
  assert.equal(defaultPullPolicy('nginx'), 'Always')
  assert.equal(defaultPullPolicy('nginx:1'), 'IfNotPresent')
  assert.equal(defaultPullPolicy(undefined), 'IfNotPresent')
})
