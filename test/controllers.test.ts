import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { AdminClient } from './support/client.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, skipWithout } from './support/kubectl.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

// What a server without kube-controller-manager does by itself, as kubectl sees it.

const version = KUBECTL_VERSIONS.at(-1)!
const binary = findKubectl(version)

suite('controllers', { skip: skipWithout(`kubectl ${version}`, binary), timeout: 120_000 }, () => {
  const home = temporaryFolder('home')
  let server: ServerProcess
  let client: AdminClient
  let kubectl: Kubectl

  before(async () => {
    assert.ok(binary, `kubectl ${version} is missing`)
    server = await ServerProcess.start()
    client = new AdminClient(server)
    kubectl = new Kubectl({ binary, kubeconfig: server.kubeconfig, namespace: 'default', home })
  })
  after(async () => {
    client[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
    rmSync(home, { recursive: true, force: true })
  })

  test('a pod runs in a namespace that was made just now', async (t) => {
    assert.equal(await kubectl.sh('create namespace fresh'), 'namespace/fresh created\n')
    assert.equal(await kubectl.sh('run web --image=nginx -n fresh'), 'pod/web created\n')
    assert.equal(await kubectl.sh('get serviceaccounts -n fresh -o name'), 'serviceaccount/default\n')
    const ca = 'get configmap kube-root-ca.crt -n fresh -o jsonpath={.data.ca\\.crt}'
    assert.equal(await kubectl.sh(ca), server.ca.toString())
    const took: number[] = []
    for (let i = 0; i < 10; i++) {
      await client.call('POST', '/api/v1/namespaces', { metadata: { name: `fresh-${i}` } })
      const begun = performance.now()
      const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
      assert.equal((await client.call('POST', `/api/v1/namespaces/fresh-${i}/pods`, pod)).code, 201)
      took.push(performance.now() - begun)
    }
    t.diagnostic(`pods took ${took.map((ms) => ms.toFixed(1)).join(', ')} ms`)
    assert.ok(took.sort((a, b) => a - b)[5]! < 150)
  })

  test('delete namespace --wait comes to its end', async () => {
    await kubectl.sh('create namespace busy')
    await kubectl.sh('create deployment web --image=nginx -n busy')
    await kubectl.sh('create configmap settings --from-literal=a=b -n busy')
    await kubectl.sh('run web --image=nginx -n busy')
    assert.match(await kubectl.sh('delete namespace busy --wait --timeout=10s'), /^namespace "busy" deleted\n/)
    assert.equal(await kubectl.sh('get namespace busy --ignore-not-found'), '')
    assert.equal(await kubectl.sh('get pods,deployments,configmaps -n busy --ignore-not-found'), '')
    assert.equal(await kubectl.sh('create namespace busy'), 'namespace/busy created\n')
    assert.equal(await kubectl.sh('get pods,deployments -n busy --ignore-not-found'), '')
  })

  /** A deployment, a replica set of its and a pod of that, as their controllers make them. */
  async function family(name: string): Promise<void> {
    const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const selector = { matchLabels: { app: name } }
    const apps = '/apis/apps/v1/namespaces/default'
    const make = async (url: string, owner: object | undefined, rest: object): Promise<object> => {
      const metadata = { name, labels: { app: name }, ...(owner ? { ownerReferences: [owner] } : {}) }
      const { code, json } = await client.call('POST', url, { ...rest, metadata })
      assert.equal(code, 201, json.message)
      const { apiVersion, kind } = json
      return { apiVersion, kind, name, uid: json.metadata.uid, controller: true, blockOwnerDeletion: true }
    }
    const deployment = await make(`${apps}/deployments`, undefined, { spec: { selector, template } })
    const replicaSet = await make(`${apps}/replicasets`, deployment, { spec: { selector, template } })
    await make('/api/v1/namespaces/default/pods', replicaSet, template)
  }
  const all = async (name: string): Promise<string[]> =>
    (await kubectl.sh(`get deployments,replicasets,pods -l app=${name} -o name`)).split('\n').filter(Boolean)

  for (const how of ['background', 'foreground'])
    test(`delete --cascade=${how} takes dependents along`, async () => {
      await family(how)
      assert.equal((await all(how)).length, 3)
      await kubectl.sh(`delete deployment ${how} --cascade=${how} --timeout=10s`)
      assert.equal(await kubectl.sh(`get deployment ${how} --ignore-not-found`), '')
      // In the foreground they are gone already.
      if (how === 'background') await kubectl.sh(`wait --for=delete pod -l app=${how} --timeout=10s`)
      assert.deepEqual(await all(how), [])
    })

  test('delete --cascade=orphan leaves dependents to themselves', async () => {
    await family('orphan')
    await kubectl.sh('delete deployment orphan --cascade=orphan --timeout=10s')
    assert.deepEqual(await all('orphan'), ['replicaset.apps/orphan', 'pod/orphan'])
    assert.equal(await kubectl.sh('get replicaset orphan -o jsonpath={.metadata.ownerReferences}'), '')
    await kubectl.sh('delete replicaset orphan --cascade=foreground --timeout=10s')
    assert.deepEqual(await all('orphan'), [])
  })

  test('a server that is told not to does none of it', async () => {
    await using alone = await ServerProcess.start({ args: ['--controllers='] })
    const other = new Kubectl({ binary: binary!, kubeconfig: alone.kubeconfig, namespace: 'default', home })
    await other.sh('create namespace n')
    assert.equal(await other.sh('get serviceaccounts,configmaps -n n --ignore-not-found'), '')
    await other.sh('delete namespace n --wait=false')
    assert.equal(await other.sh('get namespace n -o jsonpath={.status}'), '{"phase":"Terminating"}')
  })
})
