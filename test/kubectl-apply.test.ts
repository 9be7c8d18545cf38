import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, skipWithout } from './support/kubectl.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

// What GitOps tools and people who apply manifests live on: diff, server-side apply with its conflicts, and pruning by apply sets.

let server: ServerProcess

before(async () => {
  server = await ServerProcess.start()
})
after(() => server[Symbol.asyncDispose]())

for (const version of KUBECTL_VERSIONS) {
  const binary = findKubectl(version)
  suite(`kubectl ${version}`, { skip: skipWithout(`kubectl ${version}`, binary), timeout: 120_000 }, () =>
    applying(version, binary),
  )
}

function applying(version: string, binary: string | undefined): void {
  const namespace = `apply-${version.replace('.', '-')}`
  const home = temporaryFolder('home')
  let kubectl: Kubectl

  before(async () => {
    assert.ok(binary, `kubectl ${version} is missing`)
    kubectl = new Kubectl({ binary, kubeconfig: server.kubeconfig, namespace, home })
    await kubectl.sh(`create namespace ${namespace}`)
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  const file = (name: string, content: string): string => {
    const at = path.join(home, name)
    writeFileSync(at, content)
    return at
  }

  const map = (name: string, data: Record<string, string>): string =>
    `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })}\n`

  test('diff shows what apply would change, by its exit code too, and changes nothing', async () => {
    const manifest = file('diff.json', map('d', { color: 'red' }))
    await kubectl.run(['apply', '-f', manifest])
    assert.equal((await kubectl.output(['diff', '-f', manifest])).code, 0)
    const changed = file('diff2.json', map('d', { color: 'blue' }))
    for (const flags of [[], ['--server-side', '--force-conflicts']]) {
      const { code, stdout } = await kubectl.output(['diff', ...flags, '-f', changed])
      assert.equal(code, 1, stdout)
      assert.match(stdout, /^-\s+color: red$/m)
      assert.match(stdout, /^\+\s+color: blue$/m)
    }
    assert.equal(await kubectl.run(['get', 'configmap', 'd', '-o', 'jsonpath={.data.color}']), 'red')
  })

  test('server-side apply: two managers conflict, force takes over, and what is no longer applied goes', async () => {
    const apply = (manager: string, data: Record<string, string>, ...flags: string[]) =>
      kubectl.output([
        'apply',
        '--server-side',
        `--field-manager=${manager}`,
        ...flags,
        '-f',
        file(`${manager}.json`, map('s', data)),
      ])
    assert.equal((await apply('one', { a: '1', b: '1' })).code, 0)
    assert.equal((await apply('two', { c: '1' })).code, 0)
    const refused = await apply('two', { a: '2', c: '1' })
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /Apply failed with 1 conflict: conflict with "one": \.data\.a/)
    assert.equal((await apply('two', { a: '2', c: '1' }, '--force-conflicts')).code, 0)
    // The first manager drops b, which no one else wants; a belongs to the second now.
    assert.equal((await apply('one', {})).code, 0)
    assert.deepEqual(JSON.parse(await kubectl.run(['get', 'configmap', 's', '-o', 'jsonpath={.data}'])), { a: '2', c: '1' })
  })

  test('client-side apply hands over to server-side apply, and back', async () => {
    await kubectl.run(['apply', '-f', file('c1.json', map('h', { a: '1', b: '1' }))])
    await kubectl.run(['apply', '--server-side', '-f', file('c2.json', map('h', { a: '2' }))])
    assert.deepEqual(JSON.parse(await kubectl.run(['get', 'configmap', 'h', '-o', 'jsonpath={.data}'])), { a: '2' })
    await kubectl.run(['apply', '-f', file('c3.json', map('h', { a: '3', c: '1' }))])
    assert.deepEqual(JSON.parse(await kubectl.run(['get', 'configmap', 'h', '-o', 'jsonpath={.data}'])), { a: '3', c: '1' })
  })

  test('apply with an apply set prunes what left it', async () => {
    const both = file('both.json', `${map('p1', { x: '1' })}${map('p2', { x: '1' })}`)
    const one = file('one.json', map('p1', { x: '1' }))
    const set = ['apply', '--prune', '--applyset=my-set', '-f']
    const alpha = { env: { KUBECTL_APPLYSET: 'true' } }
    await kubectl.run([...set, both], alpha)
    assert.equal((await kubectl.output(['get', 'configmap', 'p2'])).code, 0)
    assert.match(await kubectl.run([...set, one], alpha), /configmap\/p2 pruned/)
    assert.equal((await kubectl.output(['get', 'configmap', 'p2'])).code, 1)
    assert.equal((await kubectl.output(['get', 'configmap', 'p1'])).code, 0)
  })

  test('unknown and repeated fields are refused by default, and let through when asked', async () => {
    const manifest = file('odd.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: odd\ndata:\n  a: "1"\nnope: 1\n')
    const refused = await kubectl.output(['create', '-f', manifest])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /strict decoding error: unknown field "nope"/)
    assert.equal((await kubectl.output(['create', '--validate=warn', '-f', manifest])).code, 0)
  })
}
