import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Metrics } from '../../observability/metrics.ts'
import { type EncryptionConfiguration, loadConfiguration } from './config.ts'
import { EncryptionMetrics } from './metrics.ts'
import { Providers } from './providers.ts'
import { socketOf } from './validate.ts'

let dir = ''
let file = ''
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'encryption-config-'))
  file = path.join(dir, 'config.yaml')
})
after(() => rm(dir, { recursive: true, force: true }))

const SECRET = Buffer.alloc(32, 1).toString('base64')
const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n'

async function load(text: string, reload = false): Promise<EncryptionConfiguration> {
  await writeFile(file, text)
  return (await loadConfiguration(file, reload)).config
}

const resources = (...rules: unknown[]): string => `${HEAD}resources: ${JSON.stringify(rules)}\n`
const rule = (...providers: unknown[]) => ({ resources: ['secrets'], providers })
const aescbc = { aescbc: { keys: [{ name: 'key1', secret: SECRET }] } }
const kms = (more: object = {}) => ({ kms: { apiVersion: 'v2', name: 'p', endpoint: 'unix:///tmp/p.sock', ...more } })

test('reads every provider, with defaults', async () => {
  const config = await load(`${HEAD}
resources:
  - resources: [secrets, configmaps, deployments.apps]
    providers:
      - aesgcm: {keys: [{name: a, secret: ${SECRET}}]}
      - aescbc: {keys: [{name: b, secret: ${SECRET}}, {name: c, secret: ${SECRET}}]}
      - secretbox: {keys: [{name: d, secret: ${SECRET}}]}
      - kms: {apiVersion: v2, name: plugin, endpoint: unix:///tmp/plugin.sock}
      - kms: {apiVersion: v2, name: other, endpoint: unix:///tmp/other.sock, timeout: 1m1.5s}
      - identity: {}
  - resources: ['*.*']
    providers: [{identity: {}}]
`)
  const secret = SECRET
  assert.deepEqual(config, {
    resources: [
      {
        resources: ['secrets', 'configmaps', 'deployments.apps'],
        providers: [
          { aesgcm: { keys: [{ name: 'a', secret }] } },
          {
            aescbc: {
              keys: [
                { name: 'b', secret },
                { name: 'c', secret },
              ],
            },
          },
          { secretbox: { keys: [{ name: 'd', secret }] } },
          { kms: { apiVersion: 'v2', name: 'plugin', endpoint: 'unix:///tmp/plugin.sock', timeout: 3000 } },
          { kms: { apiVersion: 'v2', name: 'other', endpoint: 'unix:///tmp/other.sock', timeout: 61_500 } },
          { identity: {} },
        ],
      },
      { resources: ['*.*'], providers: [{ identity: {} }] },
    ],
  })
})

const decoding = (why: string) => `error while parsing file: error decoding encryption provider configuration file "FILE": ${why}`
const BAD: readonly [name: string, text: string, message: string][] = [
  [
    'an empty file',
    '',
    'error while parsing file: error while loading file: encryption provider configuration file "FILE" is empty',
  ],
  ['no kind', 'resources: []', decoding("Object 'Kind' is missing in the file")],
  ['another kind', 'apiVersion: v1\nkind: Pod', decoding('no kind "Pod" is registered for version "v1"')],
  ['a typo', `${HEAD}resourcess: []`, decoding('strict decoding error: unknown field "resourcess"')],
  [
    'a typo further in',
    resources(rule({ aescbc: { keys: [{ name: 'a', secrett: SECRET, secret: SECRET }] } })),
    decoding('strict decoding error: unknown field "resources[0].providers[0].aescbc.keys[0].secrett"'),
  ],
  [
    'a field twice',
    `${HEAD}resources: []\nresources: []\n`,
    decoding('strict decoding error: yaml: unmarshal errors: line 4: key "resources" already set in map'),
  ],
  [
    'a text for a list',
    `${HEAD}resources: secrets`,
    decoding('json: cannot unmarshal string into Go struct field EncryptionConfiguration.resources of type []object'),
  ],
  ['nothing configured', resources(), 'error while parsing file: resources: Required value: at least one resources is required'],
  [
    'no resources and no providers',
    resources({ resources: [], providers: [] }),
    'error while parsing file: [resources[0].resources: Required value: at least one resources[0].resources is required, resources[0].providers: Required value: at least one resources[0].providers is required]',
  ],
  [
    'two providers in one',
    resources(rule({ ...aescbc, identity: {} })),
    'error while parsing file: resources[0].providers[0]: Invalid value: {"aescbc":{},"identity":{}}: more than one provider specified in a single element, should split into different list elements',
  ],
  [
    'no provider in one',
    resources(rule({})),
    'error while parsing file: resources[0].providers[0]: Invalid value: {}: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity',
  ],
  [
    'no keys',
    resources(rule({ aesgcm: { keys: [] } })),
    'error while parsing file: resources[0].providers[0].aesgcm.keys: Required value: at least one keys is required',
  ],
  [
    'a key without a name and with a bad secret',
    resources(rule({ aescbc: { keys: [{ secret: '!' }] } })),
    'error while parsing file: [resources[0].providers[0].aescbc.keys[0].name: Required value: name is a mandatory field for a key, resources[0].providers[0].aescbc.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded]',
  ],
  [
    'an AES key of a wrong length',
    resources(rule({ aescbc: { keys: [{ name: 'a', secret: 'AAAA' }] } })),
    'error while parsing file: resources[0].providers[0].aescbc.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 3, expected one of [16 24 32]',
  ],
  [
    'a secretbox key of a wrong length',
    resources(rule({ secretbox: { keys: [{ name: 'a', secret: Buffer.alloc(16).toString('base64') }] } })),
    'error while parsing file: resources[0].providers[0].secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 16, expected one of [32]',
  ],
  [
    'resources that overlap',
    resources({ resources: ['secrets', '*.'], providers: [aescbc] }),
    `error while parsing file: resources[0].resources: Invalid value: ["secrets","*."]: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked`,
  ],
  [
    'a resource twice',
    resources({ resources: ['secrets', 'secrets'], providers: [aescbc] }),
    'error while parsing file: resources[0].resources: Invalid value: ["secrets","secrets"]: the same resource cannot be specified multiple times',
  ],
  [
    'resources that nobody can encrypt',
    resources({
      resources: ['Secrets', 'serviceipallocations', 'events.events.k8s.io', 'a.extensions', 'a.*'],
      providers: [aescbc],
    }),
    'error while parsing file: [resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters, resources[0].resources[1]: Invalid value: "serviceipallocations": resources which do not have REST API/s cannot be encrypted, resources[0].resources[2]: Invalid value: "events.events.k8s.io": \'*.events.k8s.io\' objects are stored using the \'events\' API group in etcd. Use \'events\' instead in the config file, resources[0].resources[3]: Invalid value: "a.extensions": \'extensions\' group has been removed and cannot be used for encryption, resources[0].resources[4]: Invalid value: "a.*": encrypting the same resource across groups is not supported]',
  ],
  [
    'a star alone',
    resources({ resources: ['*'], providers: [aescbc] }),
    `error while parsing file: resources[0].resources[0]: Invalid value: "*": use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources`,
  ],
  [
    'a plugin with everything wrong',
    resources(rule(kms({ name: 'a:b', endpoint: 'tcp://x', timeout: '0s', cachesize: 3 }))),
    'error while parsing file: [resources[0].providers[0].kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain \':\', resources[0].providers[0].kms.timeout: Invalid value: 0s: timeout should be a positive value, resources[0].providers[0].kms.endpoint: Invalid value: "tcp://x": unsupported scheme "tcp" for KMS provider, only unix is supported, resources[0].providers[0].kms.cachesize: Invalid value: 3: cachesize is not supported in v2]',
  ],
  [
    'two plugins of one name',
    resources(rule(kms(), kms())),
    'error while parsing file: resources[0].providers[1].kms.name: Invalid value: "p": duplicate KMS provider name p, names must be unique',
  ],
]

for (const [name, text, message] of BAD) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(load(text), { message: message.replace('FILE', file) })
    assert.doesNotMatch(message, /\n/)
  })
}

test('refuses a file that is not there', async () => {
  await assert.rejects(loadConfiguration('/no/such/file', false), {
    message:
      'error while parsing file: error while loading file: error reading encryption provider configuration file "/no/such/file": open /no/such/file: no such file or directory',
  })
})

async function providers(text: string): Promise<Providers> {
  const metrics = new EncryptionMetrics(new Metrics(), Date.now)
  return await Providers.create(await load(text), { metrics, clock: Date.now, log: () => {} })
}

const keyed = (name: string) => ({ aescbc: { keys: [{ name, secret: SECRET }] } })

test("a resource's own rule goes before its group's, which goes before the one for all", async () => {
  const found = await providers(
    resources(
      { resources: ['secrets', 'deployments.apps'], providers: [keyed('own')] },
      { resources: ['*.apps'], providers: [keyed('apps')] },
      { resources: ['*.'], providers: [keyed('core')] },
      { resources: ['*.*'], providers: [keyed('all')] },
    ),
  )
  const writer = (group: string, resource: string) =>
    found.find(group, resource)?.toStorage(Buffer.from('x'), 'k').toString('latin1').split(':')[4]
  assert.equal(writer('', 'secrets'), 'own')
  assert.equal(writer('apps', 'deployments'), 'own')
  assert.equal(writer('apps', 'daemonsets'), 'apps')
  assert.equal(writer('', 'configmaps'), 'core')
  assert.equal(writer('stable.example.com', 'crontabs'), 'all')
})

test('providers of a resource that has two rules are tried in their order', async () => {
  const found = await providers(
    resources({ resources: ['secrets'], providers: [keyed('a')] }, { resources: ['secrets'], providers: [keyed('b')] }),
  )
  const written = async (name: string) =>
    (await providers(resources(rule(keyed(name))))).find('', 'secrets')!.toStorage(Buffer.from('x'), 'k')
  const a = await written('a')
  const b = await written('b')
  const secrets = found.find('', 'secrets')!
  assert.equal(secrets.fromStorage(a, 'k').stale, false)
  assert.equal(secrets.fromStorage(b, 'k').stale, true)
  assert.equal(found.find('', 'configmaps'), undefined)
})

test('a rule that an earlier one hides stops the start, as does KMS v1', async () => {
  const masked = (first: string, second: string) =>
    providers(resources({ resources: [first], providers: [aescbc] }, { resources: [second], providers: [aescbc] }))
  const message = (second: string, first: string) =>
    `error while building transformers: resource "${second}" is masked by earlier rule "${first}"`
  await assert.rejects(masked('*.', 'secrets'), { message: message('secrets', '*.') })
  await assert.rejects(masked('*.apps', 'deployments.apps'), { message: message('deployments.apps', '*.apps') })
  await assert.rejects(masked('*.*', '*.'), { message: message('*.', '*.*') })
  await assert.rejects(providers(resources(rule(kms({ apiVersion: 'v1' })))), /KMSv1 is deprecated.*--feature-gates=KMSv1=true/)
})

test('finds the socket of a plugin', () => {
  assert.equal(socketOf('unix:///var/run/kms.sock'), '/var/run/kms.sock')
  assert.equal(socketOf('unix:///@kms.sock'), '@kms.sock')
})
