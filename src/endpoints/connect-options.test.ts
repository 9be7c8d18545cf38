import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectOptions } from './connect-options.ts'

test('the options of a connection come from its query and path', () => {
  const options = (kind: string, query: string, ...rest: string[]) => connectOptions(kind, new URLSearchParams(query), rest)
  const head = (kind: string) => ({ kind, apiVersion: 'v1' })
  const exec = options('PodExecOptions', 'command=rm&command=-rf&stdout=true&stdin=0&tty&container=c')
  assert.deepEqual(exec, { ...head('PodExecOptions'), stdout: true, tty: true, container: 'c', command: ['rm', '-rf'] })
  assert.deepEqual(options('PodExecOptions', ''), { ...head('PodExecOptions'), command: null })
  assert.deepEqual(options('PodAttachOptions', 'command=x'), head('PodAttachOptions'))
  assert.deepEqual(options('PodPortForwardOptions', 'ports=80,81&ports=82'), {
    ...head('PodPortForwardOptions'),
    ports: [80, 81, 82],
  })
  assert.deepEqual(options('ServiceProxyOptions', '', 'a', 'b'), { ...head('ServiceProxyOptions'), path: '/a/b' })
  assert.deepEqual(options('NodeProxyOptions', ''), head('NodeProxyOptions'))
})
