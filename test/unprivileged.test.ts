import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUILT_IN_KINDS } from '../src/kinds/all.ts'
import { startTestServer } from '../src/testing/start-test-server.ts'

// Nothing is read or written before somebody decided that it may be: whoever holds no rights is refused on every route there is, before
// it matters whether the object exists or the body makes sense.

/** Open to everybody who has a name, by the default roles. */
const OPEN = new Set(['selfsubjectreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'])

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']

interface Route {
  path: string
  resource: string
}

/** Collections, objects and subresources of every kind, in every version that it is served in, and the old paths of watches. */
function routes(): Route[] {
  return BUILT_IN_KINDS.flatMap((kind) =>
    [kind, ...(kind.alsoServed ?? [])].flatMap(({ group, version }) => {
      const root = group ? `/apis/${group}/${version}` : `/api/${version}`
      const { resource } = kind
      const within = kind.scope === 'Namespaced' ? '/namespaces/default' : ''
      const object = `${root}${within}/${resource}/x`
      const subresources = [...(kind.subresources ?? []).map(({ name }) => name), 'status', 'nosuch']
      return [
        `${root}/${resource}`,
        `${root}${within}/${resource}`,
        object,
        ...subresources.map((name) => `${object}/${name}`),
        `${object}/proxy/deep/path`,
        `${root}/watch${within}/${resource}`,
        `${root}/watch${within}/${resource}/x`,
        `${root}/proxy${within}/${resource}/x`,
      ].map((path) => ({ path, resource }))
    }),
  )
}

test('a user without rights is refused on every route of every resource', async () => {
  await using server = await startTestServer({ flags: { controllers: [] } })
  const all = routes()
  assert.ok(all.length > 500, `only ${all.length} routes`)
  const open: string[] = []
  for (const { path, resource } of all) {
    for (const method of METHODS) {
      for (const token of [null, 'nobody']) {
        const headers: Record<string, string> = token ? { 'impersonate-user': token } : {}
        const withBody = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? {} : { body: { not: 'an object' } }
        const answer = await server.request(path, { method, headers, ...withBody, ...(token ? {} : { token: null }) })
        await answer.arrayBuffer()
        if (answer.status === 403) continue
        const expected = token && OPEN.has(resource) && method === 'POST' && new RegExp(`/${resource}(/x)?$`).test(path)
        if (!expected) open.push(`${method} ${path} ${token ?? 'anonymously'}: ${answer.status}`)
      }
    }
  }
  assert.deepEqual(open, [])
})

test('what the default roles open, and to whom', async () => {
  await using server = await startTestServer({ flags: { controllers: [] } })
  const status = async (path: string, user?: string): Promise<number> => {
    const answer = await server.request(path, user ? { headers: { 'impersonate-user': user } } : { token: null })
    await answer.arrayBuffer()
    return answer.status
  }
  for (const path of ['/healthz', '/livez', '/readyz', '/version', '/version/']) assert.equal(await status(path), 200, path)
  for (const path of ['/api', '/apis', '/openapi/v2', '/openapi/v3', '/apis/apps/v1']) {
    assert.equal(await status(path), 403, path)
    assert.equal(await status(path, 'somebody'), 200, path)
  }
  for (const path of ['/', '/metrics', '/healthz/etcd', '/logs', '/debug/pprof', '/nosuch']) {
    assert.equal(await status(path, 'somebody'), 403, path)
  }
})
