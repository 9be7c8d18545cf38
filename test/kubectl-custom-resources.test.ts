import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, skipWithout } from './support/kubectl.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

// Custom resources through the tools that people use.

const text = (type: string, more: object = {}): object => ({ type, ...more })

const SPEC = {
  type: 'object',
  description: 'What is wanted of the widget.',
  required: ['size'],
  properties: {
    size: { type: 'integer', minimum: 1, description: 'How large it is.' },
    color: text('string', { default: 'red' }),
    replicas: text('integer'),
    parts: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: text('string'), weight: text('integer') } },
    },
  },
  'x-kubernetes-validations': [{ rule: "self.color != 'black'", message: 'black is sold out' }],
}

const STATUS = { type: 'object', properties: { replicas: text('integer'), selector: text('string') } }

const version = (name: string, storage: boolean): object => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC, status: STATUS } } },
  subresources: {
    status: {},
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
  },
  selectableFields: [{ jsonPath: '.spec.color' }],
  additionalPrinterColumns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Color', type: 'string', jsonPath: '.spec.color' },
  ],
})

const definition = (group: string): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['toys'] },
      versions: [version('v1beta1', false), version('v1', true)],
    },
  })

for (const version of KUBECTL_VERSIONS) {
  const binary = findKubectl(version)
  suite(`custom resources with kubectl ${version}`, { skip: skipWithout(`kubectl ${version}`, binary), timeout: 120_000 }, () =>
    widgets(version, binary),
  )
}

function widgets(kubectlVersion: string, binary: string | undefined): void {
  const group = 'toys.example.com'
  const home = temporaryFolder('home')
  const dataDir = temporaryFolder('data')
  let server: ServerProcess
  let kubectl: Kubectl

  before(async () => {
    assert.ok(binary, `kubectl ${kubectlVersion} is missing`)
    server = await ServerProcess.start({ dataDir })
    kubectl = new Kubectl({ binary, kubeconfig: server.kubeconfig, namespace: 'default', home })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    for (const folder of [home, dataDir]) rmSync(folder, { recursive: true, force: true })
  })

  const widget = (name: string, spec: object, apiVersion = `${group}/v1`): string =>
    JSON.stringify({ apiVersion, kind: 'Widget', metadata: { name }, spec })
  const get = (path: string): Promise<string> => kubectl.run(['get', 'widget', 'a', '-o', `jsonpath={${path}}`])

  test('a definition is established, and its resources are there', async () => {
    await kubectl.run(['apply', '-f', '-'], { input: definition(group) })
    const waited = await kubectl.sh(`wait --for=condition=Established crd/widgets.${group} --timeout=10s`)
    assert.equal(waited, `customresourcedefinition.apiextensions.k8s.io/widgets.${group} condition met\n`)
    assert.match(await kubectl.sh(`api-resources --api-group=${group}`), /^widgets +wd +toys\.example\.com\/v1 +true +Widget$/m)
    assert.equal(await kubectl.sh('get widgets'), '')
  })

  test('create, with what the schema says of it', async () => {
    assert.equal(await kubectl.run(['create', '-f', '-'], { input: widget('a', { size: 1 }) }), `widget.${group}/a created\n`)
    assert.match(await kubectl.sh('get wd'), /^NAME +SIZE +COLOR\na +1 +red\n$/)
    assert.match(await kubectl.sh('get toys -o name'), /^widget\.toys\.example\.com\/a\n$/)
    const unknown = await kubectl.output(['create', '-f', '-'], { input: widget('b', { size: 1, shape: 'round' }) })
    assert.match(unknown.stderr, /unknown field "spec\.shape"/)
    const missing = await kubectl.output(['create', '-f', '-', '--validate=false'], { input: widget('b', {}) })
    assert.match(missing.stderr, /spec\.size: Required value/)
    const black = await kubectl.output(['create', '-f', '-'], { input: widget('b', { size: 1, color: 'black' }) })
    assert.match(black.stderr, /black is sold out/)
  })

  test('explain knows the fields', async () => {
    const told = await kubectl.sh('explain widgets.spec')
    assert.match(told, /What is wanted of the widget\./)
    assert.match(told, /size\s+<integer>\s*-required-/)
  })

  test('patch, edit by apply from either side, and select', async () => {
    await kubectl.run(['patch', 'widget', 'a', '--type=merge', '-p', '{"spec":{"color":"blue"}}'])
    await kubectl.run(['patch', 'widget', 'a', '--type=json', '-p', '[{"op":"replace","path":"/spec/size","value":2}]'])
    assert.equal(await get('.spec.color},{.spec.size'), 'blue,2')
    await kubectl.run(['apply', '-f', '-'], { input: widget('c', { size: 1, parts: [{ name: 'x', weight: 1 }] }) })
    await kubectl.run(['apply', '-f', '-'], { input: widget('c', { size: 3 }) })
    assert.equal(await kubectl.run(['get', 'widget', 'c', '-o', 'jsonpath={.spec}']), '{"color":"red","size":3}')
    const parts = (name: string): string => widget('d', { size: 1, parts: [{ name, weight: 1 }] })
    for (const name of ['x', 'y'])
      await kubectl.run(['apply', '--server-side', `--field-manager=${name}`, '-f', '-'], { input: parts(name) })
    assert.equal(await kubectl.run(['get', 'widget', 'd', '-o', 'jsonpath={.spec.parts[*].name}']), 'x y')
    assert.equal(await kubectl.sh('get widgets --field-selector=spec.color=blue -o name'), `widget.${group}/a\n`)
  })

  test('scale and status', async () => {
    await kubectl.run(['patch', 'widget', 'a', '--type=merge', '-p', '{"spec":{"replicas":1}}'])
    assert.equal(await kubectl.sh('scale widget a --replicas=3 --current-replicas=1'), `widget.${group}/a scaled\n`)
    assert.equal(await get('.spec.replicas'), '3')
    await kubectl.run(['patch', 'widget', 'a', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":2}}'])
    assert.equal(await get('.status.replicas},{.metadata.generation'), '2,5')
  })

  test('every version shows the same objects, also after a restart', async () => {
    await kubectl.run(['apply', '-f', '-'], { input: widget('old', { size: 9 }, `${group}/v1beta1`) })
    const { port } = server
    await server.stop()
    server = await ServerProcess.start({ dataDir, port })
    const old = await kubectl.run(['get', `widgets.v1beta1.${group}`, 'old', '-o', 'jsonpath={.apiVersion}'])
    assert.equal(old, `${group}/v1beta1`)
    assert.equal(await kubectl.run(['get', 'widget', 'old', '-o', 'jsonpath={.apiVersion}']), `${group}/v1`)
    assert.match(await kubectl.sh('get widgets -o name'), /^(widget\.toys\.example\.com\/(a|c|d|old)\n){4}$/)
  })

  test('delete', async () => {
    assert.match(await kubectl.sh('delete widget a'), /^widget\.toys\.example\.com "a" deleted/)
    assert.match(await kubectl.sh('delete widgets --all'), /"old" deleted/)
    await kubectl.run(['apply', '-f', '-'], { input: widget('last', { size: 1 }) })
    assert.match(await kubectl.sh(`delete crd widgets.${group} --timeout=20s`), /deleted/)
    const gone = await kubectl.output(['get', 'widgets'])
    assert.match(gone.stderr, /doesn't have a resource type|could not find the requested resource/)
  })
}
