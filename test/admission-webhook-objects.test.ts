import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CONFIG_MAPS, patch, RULE, startWithWebhooks } from './support/with-webhooks.ts'

suite('objects that webhooks change', () => {
  test('are asked again when something changed after them, if they want to be', async () => {
    await using it = await startWithWebhooks()
    const { hooks } = it
    const grow = hooks.serve('/grow', ({ review }) => {
      const { data = {} } = review.request.object as { data?: Record<string, string> }
      return 'b' in data ? patch({ op: 'add', path: '/data/seen', value: 'b' }) : { allowed: true }
    })
    const once = hooks.serve('/once', () => patch({ op: 'add', path: '/data/b', value: 'x' }))
    await it.configure('mutating', 'm', { clientConfig: grow, reinvocationPolicy: 'IfNeeded' }, { clientConfig: once })
    const { body } = await it.create('x', { a: 'x' })
    assert.deepEqual(body.data, { a: 'x', b: 'x', seen: 'b' })
    assert.deepEqual(
      hooks.asked.map(({ path: asked }) => asked),
      ['/grow', '/once', '/grow'],
    )
    assert.equal(hooks.connections, 2)
  })

  test('patches that do not apply are errors', async () => {
    await using it = await startWithWebhooks()
    let answer: object = {}
    await it.configure('mutating', 'm', { clientConfig: it.hooks.serve('/patch', () => answer) })
    const message = async (...operations: object[]) => {
      answer = patch(...operations)
      const { status, body } = await it.create('x')
      assert.equal(status, 500)
      return body.message?.replace('Internal error occurred: ', '')
    }
    assert.equal(
      await message({ op: 'remove', path: '/data/x' }),
      'remove operation does not apply: doc is missing path: "/data/x": missing value',
    )
    assert.equal(
      await message({ op: 'test', path: '/metadata/name', value: 'y' }),
      'testing value /metadata/name failed: test failed',
    )
    assert.equal(
      await message({ op: 'add', path: '/data', value: { x: 1 } }),
      'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    )
    answer = patch({ op: 'add', path: '/metadata/name', value: 'Bad Name' })
    assert.equal((await it.create('x')).status, 422)
    answer = { ...patch(), allowed: true }
    assert.equal((await it.create('x')).status, 201)
    assert.match((await it.send('DELETE', `${CONFIG_MAPS}/x`)).body.message ?? '', /^$/)
    answer = patch({ op: 'add', path: '/data', value: {} })
    const { body } = await it.send('DELETE', `${CONFIG_MAPS}/none`)
    assert.match(body.message ?? '', /not found/)
  })

  test('see the version that their rules are for', async () => {
    await using it = await startWithWebhooks()
    const clientConfig = it.hooks.serve('/event', ({ review }) => {
      const { note } = review.request.object as { note?: string }
      return patch({ op: 'replace', path: '/note', value: `${note} there` })
    })
    const rule = { ...RULE, apiGroups: ['events.k8s.io'], resources: ['events'] }
    await it.configure('mutating', 'm', { clientConfig, rules: [rule], admissionReviewVersions: ['v1beta1'] })
    const involvedObject = { namespace: 'default', kind: 'Pod', name: 'x' }
    const event = { metadata: { name: 'e' }, involvedObject, message: 'hello', reason: 'r', type: 'Normal' }
    const { body } = await it.send('POST', '/api/v1/namespaces/default/events', event)
    assert.equal((body as { message?: string }).message, 'hello there')
    const { review } = it.hooks.asked[0]!
    assert.equal(review.apiVersion, 'admission.k8s.io/v1beta1')
    assert.deepEqual(review.request.kind, { group: 'events.k8s.io', version: 'v1', kind: 'Event' })
    assert.deepEqual(review.request.requestKind, { group: '', version: 'v1', kind: 'Event' })
  })

  test('change custom resources in the version that their rules are for', async () => {
    await using it = await startWithWebhooks()
    const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } } }
    const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema: { openAPIV3Schema } })
    const names = { plural: 'things', kind: 'Thing' }
    const spec = { group: 'example.com', scope: 'Namespaced', names, versions: [version('v1', true), version('v2', false)] }
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    assert.equal((await it.send('POST', definitions, { metadata: { name: 'things.example.com' }, spec })).status, 201)
    const operations = [
      { op: 'add', path: '/spec/a', value: 'hook' },
      { op: 'add', path: '/spec/unknown', value: 'x' },
    ]
    const rules = [{ ...RULE, apiGroups: ['example.com'], apiVersions: ['v2'], resources: ['things'] }]
    await it.configure('mutating', 'm', { clientConfig: it.hooks.serve('/m', () => patch(...operations)), rules })
    const things = '/apis/example.com/v1/namespaces/default/things'
    const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec: { a: 'mine' } }
    // What a definition defines is served a moment later.
    for (let tries = 0; (await it.send('GET', things)).status !== 200; tries++) {
      assert(tries < 100)
      await setTimeout(20)
    }
    const { body } = await it.send('POST', things, thing)
    const { apiVersion, spec: stored } = body as { apiVersion?: string; spec?: object }
    assert.deepEqual({ apiVersion, stored }, { apiVersion: 'example.com/v1', stored: { a: 'hook' } })
    const { object, kind } = it.hooks.asked[0]!.review.request
    assert.equal((object as { apiVersion: string }).apiVersion, 'example.com/v2')
    assert.deepEqual(kind, { group: 'example.com', version: 'v2', kind: 'Thing' })
  })

  test('see custom resources as another webhook converts them', async () => {
    await using it = await startWithWebhooks()
    const text = { type: 'string' }
    const version = (name: string, storage: boolean, field: string) => {
      const properties = { spec: { type: 'object', properties: { [field]: text } } }
      return { name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties } } }
    }
    type Thing = { apiVersion: string; spec: Record<string, string> }
    const convert = it.hooks.serve('/convert', ({ review }) => {
      const { objects, desiredAPIVersion } = review.request as object as { objects: Thing[]; desiredAPIVersion: string }
      const field = desiredAPIVersion.endsWith('v2') ? 'new' : 'old'
      const converted = objects.map((object) => {
        return { ...object, apiVersion: desiredAPIVersion, spec: { [field]: Object.values(object.spec)[0] } }
      })
      return { result: { status: 'Success' }, convertedObjects: converted }
    })
    const names = { plural: 'things', kind: 'Thing' }
    const conversion = { strategy: 'Webhook', webhook: { clientConfig: convert, conversionReviewVersions: ['v1'] } }
    const versions = [version('v1', true, 'old'), version('v2', false, 'new')]
    const spec = { group: 'example.com', scope: 'Namespaced', names, versions, conversion }
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    assert.equal((await it.send('POST', definitions, { metadata: { name: 'things.example.com' }, spec })).status, 201)
    const rules = [{ ...RULE, apiGroups: ['example.com'], apiVersions: ['v2'], resources: ['things'] }]
    const clientConfig = it.hooks.serve('/m', ({ review }) => {
      const { new: value } = (review.request.object as Thing).spec
      return patch({ op: 'replace', path: '/spec/new', value: `${value}, changed` })
    })
    await it.configure('mutating', 'm', {
      clientConfig,
      rules,
      matchConditions: [{ name: 'c', expression: 'has(object.spec.new)' }],
    })
    const things = '/apis/example.com/v1/namespaces/default/things'
    for (let tries = 0; (await it.send('GET', things)).status !== 200; tries++) {
      assert(tries < 100)
      await setTimeout(20)
    }
    const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec: { old: 'mine' } }
    const { body } = await it.send('POST', things, thing)
    assert.deepEqual((body as object as Thing).spec, { old: 'mine, changed' }, String(body.message))
    const merge = 'application/merge-patch+json'
    const updated = await it.send('PATCH', `${things}/t`, { spec: { old: 'yours' } }, merge)
    assert.deepEqual((updated.body as object as Thing).spec, { old: 'yours, changed' }, String(updated.body.message))
  })

  test('leave what is not theirs as it was', async () => {
    await using it = await startWithWebhooks()
    let answer: object = { allowed: true }
    await it.configure('mutating', 'm', { clientConfig: it.hooks.serve('/m', () => answer) })
    assert.equal((await it.create('x', { a: 'b' })).status, 201)
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }
    answer = patch(
      { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Nothing' },
      { op: 'add', path: '/metadata/ownerReferences', value: [owner, owner] },
    )
    const merge = 'application/merge-patch+json'
    const { status, body, warning } = await it.send('PATCH', `${CONFIG_MAPS}/x`, { data: { a: 'c' } }, merge)
    assert.equal(status, 200, String(body.message))
    assert.match(warning, /managedFields was in an invalid state after admission; .*must be `Apply` or `Update`/)
    assert.match(warning, /duplicate entries after mutating admission happens; .* observed: u"/)
    const { managedFields, ownerReferences } = body.metadata as {
      managedFields?: { operation?: string }[]
      ownerReferences?: object[]
    }
    assert.equal(managedFields?.[0]?.operation, 'Update')
    assert.equal(ownerReferences?.length, 1)
    for (const [path, value] of [
      ['/metadata/namespace', 'kube-system'],
      ['/metadata/name', 'other'],
    ]) {
      answer = patch({ op: 'replace', path, value })
      const refused = await it.send('PATCH', `${CONFIG_MAPS}/x`, { data: { a: 'd' } }, merge)
      assert(refused.status === 400 || refused.status === 422, `${path}: ${refused.status}`)
    }
  })
})
