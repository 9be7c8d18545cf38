import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { AnswerHeaders } from './headers.ts'
import { fitAnswer, rewriteUrl } from './proxied-answer.ts'

const PLACE = { prefix: '/api/v1/namespaces/n/services/s/proxy', hosts: ['10.0.0.1:80', 'localhost:8001'] }

test('URLs of the backend lead through the proxy', () => {
  const rewritten = (url: string) => rewriteUrl(url, PLACE)
  assert.equal(rewritten('/a/?q#f'), `${PLACE.prefix}/a/?q#f`)
  assert.equal(rewritten('/'), `${PLACE.prefix}/`)
  assert.equal(rewritten('http://10.0.0.1:80/a'), `${PLACE.prefix}/a`)
  assert.equal(rewritten('//10.0.0.1:80/a'), `${PLACE.prefix}/a`)
  assert.equal(rewritten('http://localhost:8001/a'), `http://localhost:8001${PLACE.prefix}/a`)
  for (const kept of ['a/b', '', '#top', '?x', 'https://example.com/a', 'mailto:x@y', 'javascript:/x', `${PLACE.prefix}/a`]) {
    assert.equal(rewritten(kept), kept)
  }
})

async function fitted(headers: AnswerHeaders, ...chunks: (Buffer | string)[]): Promise<{ headers: AnswerHeaders; body: Buffer }> {
  async function* body(): AsyncGenerator<Buffer, void> {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  const answer = fitAnswer({ code: 200, headers, body: body() }, PLACE)
  const parts: Buffer[] = []
  for await (const part of answer.body) parts.push(part)
  return { headers: answer.headers, body: Buffer.concat(parts) }
}

const HTML = { 'content-type': 'text/html; charset=utf-8', 'content-length': '1' }
const PREFIX = PLACE.prefix
const PAGES: readonly (readonly [string, string])[] = [
  ['<a href="/x">é</a>', `<a href="${PREFIX}/x">é</a>`],
  ["<A class='b' HREF='/x?a=1&amp;b=2'>", `<A class='b' HREF="${PREFIX}/x?a=1&amp;b=2">`],
  ['<img src=/x alt=/y>', `<img src="${PREFIX}/x" alt=/y>`],
  ['<script src="/a"></script><a href="/b">', `<script src="${PREFIX}/a"></script><a href="${PREFIX}/b">`],
  ['<script>"<a href=\'/x\'>"</script><a href=b>', '<script>"<a href=\'/x\'>"</script><a href=b>'],
  ['<!-- <a href="/x"> --><a href="/y">', `<!-- <a href="/x"> --><a href="${PREFIX}/y">`],
  ['1 < 2 <b title="<a href=/x>">', '1 < 2 <b title="<a href=/x>">'],
  ['<a data-x=">" href="/x">', `<a data-x=">" href="${PREFIX}/x">`],
  ['<a href="/x', '<a href="/x'],
  ['text', 'text'],
]

test('links in HTML are rewritten, in whatever pieces it comes', async () => {
  for (const [page, wanted] of PAGES) {
    assert.equal((await fitted(HTML, page)).body.toString(), wanted)
    const bytes = [...Buffer.from(page)].map((byte) => Buffer.from([byte]))
    assert.equal((await fitted(HTML, ...bytes)).body.toString(), wanted)
  }
})

test('also in HTML that is compressed', async () => {
  const [page, wanted] = PAGES[0]!
  const { headers, body } = await fitted({ ...HTML, 'content-encoding': 'gzip' }, gzipSync(page))
  assert.equal(gunzipSync(body).toString(), wanted)
  assert.equal(headers['content-length'], undefined)
})

test('all else is passed on as it is', async () => {
  const [page] = PAGES[0]!
  const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'x' }
  const { headers, body } = await fitted({ 'content-type': 'text/plain', ...cors }, page)
  assert.equal(body.toString(), page)
  assert.deepEqual(headers, { 'content-type': 'text/plain', 'access-control-expose-headers': 'x' })
  assert.equal((await fitted({ ...HTML, 'content-encoding': 'br' }, page)).body.toString(), page)
  assert.equal((await fitted({ ...HTML, location: '/x' }, page)).headers.location, `${PREFIX}/x`)
})
