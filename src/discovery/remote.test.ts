import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUILT_IN_KINDS } from '../kinds/all.ts'
import { servedGroups } from './groups.ts'
import { type RemoteVersion, withRemotes } from './remote.ts'

const remote = (more: Partial<RemoteVersion>): RemoteVersion => ({
  group: 'toys.example.com',
  version: 'v1',
  groupPriority: 2000,
  versionPriority: 10,
  freshness: 'Current',
  resources: [],
  ...more,
})

const local = servedGroups(BUILT_IN_KINDS)
const merged = (...remotes: Partial<RemoteVersion>[]) => withRemotes(local, remotes.map(remote))
const names = (groups: { name: string }[]) => groups.map(({ name }) => name)

test('without others nothing changes, and with them what is built in keeps its order', () => {
  assert.deepEqual(withRemotes(local, []), local)
  assert.deepEqual(
    names(merged({})).filter((name) => name !== 'toys.example.com'),
    names(local),
  )
})

test('groups come by the highest priority of their versions, and of equal ones by name', () => {
  const groups = names(
    merged(
      { groupPriority: 17790 },
      { group: 'z.example.com', groupPriority: 1500 },
      { group: 'y.example.com', groupPriority: 1500 },
    ),
  )
  assert.equal(groups.indexOf('toys.example.com'), groups.indexOf('apps') + 1)
  assert.equal(groups.indexOf('z.example.com'), groups.indexOf('y.example.com') + 1)
  const raised = names(merged({ groupPriority: 1 }, { version: 'v2', groupPriority: 19000 }))
  // Nobody comes before the group that all of this is told by.
  assert.deepEqual(raised.filter(Boolean).slice(0, 2), ['apiregistration.k8s.io', 'toys.example.com'])
})

test('versions come by their priority, and of equal ones by how stable they are', () => {
  const versions = (...all: Partial<RemoteVersion>[]) =>
    merged(...all)
      .find(({ name }) => name === 'toys.example.com')
      ?.versions.map(({ version }) => version)
  assert.deepEqual(versions({ version: 'v1beta1' }, { version: 'v1' }), ['v1', 'v1beta1'])
  assert.deepEqual(versions({ version: 'v1beta1', versionPriority: 20 }, { version: 'v1' }), ['v1beta1', 'v1'])
})

test('another server’s versions stand beside ours, or in their place', () => {
  const autoscaling = (version: string, versionPriority: number) =>
    merged({ group: 'autoscaling', version, versionPriority }).find(({ name }) => name === 'autoscaling')?.versions
  assert.deepEqual(
    autoscaling('v3', 20)?.map(({ version, remote }) => [version, remote !== undefined]),
    [
      ['v2', false],
      ['v3', true],
      ['v1', false],
    ],
  )
  assert.deepEqual(
    autoscaling('v2', 20)?.map(({ version, remote }) => [version, remote !== undefined]),
    [
      ['v2', true],
      ['v1', false],
    ],
  )
})
