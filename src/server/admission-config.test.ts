import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { readAdmissionConfigs } from './admission-config.ts'

let dir = ''
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'admission-'))
})
after(() => rm(dir, { recursive: true }))

async function read(text: string) {
  const file = path.join(dir, 'admission.yaml')
  await writeFile(file, text)
  return Object.fromEntries(await readAdmissionConfigs(file))
}

test('gives what the file says of each plugin, in place or in a file beside it', async () => {
  await writeFile(path.join(dir, 'quota.yaml'), 'kind: ResourceQuotaConfiguration\n')
  const configs = await read(`apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration: {kind: PodSecurityConfiguration}
- name: ResourceQuota
  path: quota.yaml
- name: PodSecurity
  configuration: {kind: Second}
- name: LimitRanger
`)
  assert.deepEqual(configs, {
    PodSecurity: { kind: 'PodSecurityConfiguration' },
    ResourceQuota: { kind: 'ResourceQuotaConfiguration' },
  })
})

test('is none without a file, and refuses what is no such file', async () => {
  assert.equal((await readAdmissionConfigs('')).size, 0)
  await assert.rejects(read('kind: AdmissionConfiguration'), /is no AdmissionConfiguration of apiserver.config.k8s.io\/v1$/)
  await assert.rejects(read('{'), /admission.yaml: /)
  await assert.rejects(
    read('{kind: AdmissionConfiguration, apiVersion: apiserver.config.k8s.io/v1, plugins: [{}]}'),
    /plugins\[0\].name/,
  )
  const none = path.join(dir, 'none.yaml')
  await assert.rejects(readAdmissionConfigs(none), {
    message: `failed to read plugin config: unable to read admission control configuration from "${none}" [open ${none}: no such file or directory]`,
  })
})
