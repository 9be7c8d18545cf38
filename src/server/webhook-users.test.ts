import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { WebhookUsers } from './webhook-users.ts'

const KIND = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration' }

async function usersOf(kubeconfig: object): Promise<WebhookUsers> {
  const folder = await mkdtemp(path.join(tmpdir(), 'users-'))
  try {
    const kubeConfigFile = path.join(folder, 'kubeconfig')
    await writeFile(kubeConfigFile, JSON.stringify(kubeconfig))
    return await WebhookUsers.read({ ...KIND, kubeConfigFile })
  } finally {
    await rm(folder, { recursive: true })
  }
}

const named = (...names: string[]) => names.map((name) => ({ name, user: { token: name } }))

test('the nearest name counts', async () => {
  const users = await usersOf({
    users: named('a.example.com:8443', 'a.example.com', '*.example.com', '*.b.example.com:443', '*'),
  })
  const tokenFor = async (host: string) => (await users.for(host).authorization?.())?.replace('Bearer ', '')
  assert.equal(await tokenFor('a.example.com:8443'), 'a.example.com:8443')
  assert.equal(await tokenFor('a.example.com:443'), 'a.example.com')
  assert.equal(await tokenFor('c.example.com:443'), '*.example.com')
  assert.equal(await tokenFor('c.example.com:8443'), '*')
  assert.equal(await tokenFor('x.b.example.com:443'), '*.b.example.com:443')
  assert.equal(await tokenFor('example.org:443'), '*')
})

test('who is named nowhere gets what the current context says, or nothing', async () => {
  const contexts = [{ name: 'c', context: { user: 'u' } }]
  const users = await usersOf({ users: named('u'), contexts, 'current-context': 'c' })
  assert.equal(await users.for('example.com:443').authorization?.(), 'Bearer u')
  assert.deepEqual((await usersOf({ users: named('u') })).for('example.com:443'), {})
  assert.deepEqual((await WebhookUsers.read(undefined)).for('example.com:443'), {})
})

test('what is no configuration stops the start', async () => {
  await assert.rejects(WebhookUsers.read({ kind: 'Other' }), /is no WebhookAdmissionConfiguration/)
  await assert.rejects(WebhookUsers.read({ ...KIND, kubeConfigFile: 'relative' }), /must be an absolute file path/)
  await assert.rejects(WebhookUsers.read({ ...KIND, kubeConfigFile: '/nowhere' }), /ENOENT/)
})
