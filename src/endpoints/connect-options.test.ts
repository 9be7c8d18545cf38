import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectOptions, proxiedPath } from './connect-options.ts'

test('the options of a connection come from its query and path', () => {
  const asked = (...rest: string[]) => ({
    parts: ['pods', 'p', 'proxy', ...rest],
    path: ['/api/v1/pods/p/proxy', ...rest].join('/'),
  })
  const options = (kind: string, query: string, ...rest: string[]) =>
    connectOptions(kind, new URLSearchParams(query), asked(...rest))
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
  assert.deepEqual(options('NodeProxyOptions', 'path=/x'), head('NodeProxyOptions'))
})

test('what a proxy is asked for keeps the slash at its end', () => {
  const of = (path: string) => proxiedPath({ path, parts: path.replace(/^\/api\/v1\/|\/$/g, '').split('/') })
  assert.equal(of('/api/v1/nodes/n/proxy'), '')
  assert.equal(of('/api/v1/nodes/n/proxy/'), '/')
  assert.equal(of('/api/v1/nodes/n/proxy/a/b'), '/a/b')
  assert.equal(of('/api/v1/nodes/n/proxy/a/b/'), '/a/b/')
  assert.equal(of('/api/v1/nodes/n/proxy/a//b'), '/a//b')
})
