import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { startTestServer } from '../../src/testing/start-test-server.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, skipWithout } from '../support/kubectl.ts'
import { OpenIdProvider } from '../support/openid-provider.ts'
import { temporaryFolder } from '../support/server-process.ts'

const version = KUBECTL_VERSIONS.at(-1)!
const binary = findKubectl(version)

test('kubectl auth whoami, in every way to come in', {
  skip: skipWithout(`kubectl ${version}`, binary),
  timeout: 120_000,
}, async () => {
  const home = temporaryFolder('home')
  await using provider = await OpenIdProvider.start()
  writeFileSync(path.join(home, 'openid.crt'), provider.ca)
  await using server = await startTestServer({
    flags: {
      oidcIssuerUrl: provider.issuer,
      oidcClientId: 'kubernetes',
      oidcCaFile: path.join(home, 'openid.crt'),
      oidcGroupsClaim: 'groups',
    },
  })
  writeFileSync(path.join(home, 'ca.crt'), server.ca)
  // Nobody at all: only what a command is given says who it is.
  const nobody = path.join(home, 'kubeconfig')
  const cluster = { server: server.url, 'certificate-authority': path.join(home, 'ca.crt'), 'tls-server-name': 'localhost' }
  writeFileSync(
    nobody,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [{ name: 'c', cluster }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
    }),
  )
  const admin = new Kubectl({ binary: binary!, kubeconfig: server.kubeconfig, namespace: 'default', home })
  const kubectl = new Kubectl({ binary: binary!, kubeconfig: nobody, namespace: 'default', home })
  const who = async (by: Kubectl, ...args: string[]) =>
    JSON.parse(await by.run(['auth', 'whoami', '--output=json', ...args])).status.userInfo
  const refused = async (by: Kubectl, message: RegExp, ...args: string[]): Promise<void> => {
    const { code, stderr } = await by.output(['auth', 'whoami', ...args])
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
  try {
    assert.equal((await who(admin)).username, 'kubernetes-admin', 'a certificate')
    assert.equal((await who(kubectl, `--token=${server.admin.token}`)).username, 'admin', 'a static token')
    await refused(kubectl, /Unauthorized|logged in/, '--token=wrong')

    await admin.sh('create serviceaccount bot')
    await admin.sh('create secret generic held')
    const token = (await admin.sh('create token bot --bound-object-kind=Secret --bound-object-name=held')).trim()
    const bot = await who(kubectl, `--token=${token}`)
    assert.equal(bot.username, 'system:serviceaccount:default:bot')
    assert.match(bot.extra['authentication.kubernetes.io/credential-id'][0], /^JTI=/)
    await admin.sh('delete secret held')
    await refused(kubectl, /Unauthorized|logged in/, `--token=${token}`)
    const short = await admin.output(['create', 'token', 'bot', '--duration=1m'])
    assert.match(short.stderr, /may not specify a duration less than 10 minutes/)

    const jane = await who(kubectl, `--token=${await provider.login({ sub: 'jane', groups: ['devs'] })}`)
    assert.deepEqual([jane.username, jane.groups], [`${provider.issuer}#jane`, ['devs', 'system:authenticated']])
    await refused(kubectl, /Unauthorized|logged in/, `--token=${await provider.login({ sub: 'jane', exp: 1 })}`)

    const joe = await who(admin, '--as=joe', '--as-group=devs', '--as-uid=u-1')
    assert.deepEqual(joe, { username: 'joe', uid: 'u-1', groups: ['devs', 'system:authenticated'] })
    const asJoe = await kubectl.output(['get', 'pods', `--token=${await provider.login({ sub: 'jane' })}`, '--as=joe'])
    assert.equal(asJoe.code, 1)
    assert.match(asJoe.stderr, /User "https:.*#jane" cannot impersonate-on:user-info:list resource "pods"/)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
