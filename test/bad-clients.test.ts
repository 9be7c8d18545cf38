import assert from 'node:assert/strict'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AdminClient, configMap, configMaps } from './support/client.ts'
import { closed, openTcp, openTls } from './support/raw.ts'
import { ServerProcess } from './support/server-process.ts'

// Clients that hang about: half-open, slow, idle, gone in the middle, or greedy. They cost little, harm nobody else, and are let go.

/** What the server may take at most, in MB; and what it keeps once they are gone. */
const [UNDER_LOAD, AFTERWARDS] = [700, 450]

suite('bad clients', { timeout: 180_000 }, () => {
  let server: ServerProcess
  let client: AdminClient

  before(async () => {
    server = await ServerProcess.start()
    client = new AdminClient(server)
    await client.call('POST', configMaps, configMap('probe'))
    // 5 MB to list.
    for (let i = 0; i < 50; i++) {
      assert.equal((await client.call('POST', configMaps, configMap(`large-${i}`, 'x'.repeat(100_000)))).code, 201)
    }
  })
  after(async () => {
    client[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  })

  /** Another client is served, and quickly, while they are there. */
  async function assertServes(most = UNDER_LOAD): Promise<void> {
    assert.equal(server.child.exitCode, null, server.log)
    for (let i = 0; i < 5; i++) {
      const begun = performance.now()
      assert.equal((await client.call('PUT', `${configMaps}/probe`, configMap('probe', String(i)))).code, 200)
      const ms = performance.now() - begun
      assert.ok(ms < 3_000, `${ms} ms for one write`)
    }
    // The server's own is among them.
    assert.equal((await client.call('GET', `${configMaps}?limit=500`)).json.items.length, 52)
    assert.ok(server.ownMb < most, `${server.ownMb} MB`)
    assert.doesNotMatch(server.log, /ERROR/)
  }
  const many = <T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => make(i)))

  const letGo = (sockets: readonly Socket[]): void => {
    for (const socket of sockets) socket.destroy()
  }

  test('half-open connections', async () => {
    const silent = await many(500, () => openTcp(server))
    const hello = await many(200, () => openTcp(server))
    // The beginning of a TLS handshake, of which the rest never comes.
    for (const socket of hello) socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
    const begun = await many(100, () => openTls(server))
    for (const socket of begun) socket.write('GET /api HTTP/1.1\r\nhos')
    await assertServes()
    letGo([...silent, ...hello, ...begun])
  })

  test('thousands of idle connections', async (t) => {
    const idle: Socket[] = []
    // In portions, since a handshake takes both sides a millisecond.
    for (let i = 0; i < 20; i++) idle.push(...(await many(100, (n) => openTls(server, n % 2 ? 'h2' : 'http/1.1'))))
    t.diagnostic(`${server.ownMb.toFixed()} MB with ${idle.length} idle connections`)
    assert.equal(idle.filter((socket) => socket.destroyed).length, 0)
    await assertServes()
    letGo(idle)
  })

  test('slow writers', async () => {
    const body = JSON.stringify(configMap('never'))
    const slow = await many(100, () => openTls(server))
    for (const socket of slow) {
      socket.write(
        `POST ${configMaps} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
      )
    }
    for (let i = 0; i < 20; i++) {
      for (const socket of slow) socket.write(body[i]!)
      await sleep(20)
    }
    await assertServes()
    // Half of them hang up in the middle, the others without a word.
    slow.forEach((socket, i) => {
      if (i % 2) socket.end()
      else socket.destroy()
    })
    await sleep(100)
    assert.equal((await client.call('GET', `${configMaps}/never`)).code, 404)
    letGo(slow)
  })

  test('slow readers of lists', async (t) => {
    const readers = await many(40, () => openTls(server))
    for (const socket of readers) {
      socket.pause()
      socket.write(`GET ${configMaps} HTTP/1.1\r\nhost: a\r\n\r\n`)
    }
    await sleep(500)
    t.diagnostic(`${server.ownMb.toFixed()} MB with ${readers.length} answers of 5 MB that nobody reads`)
    await assertServes()
    letGo(readers)
  })

  test('watchers that never read are let go, and others miss nothing', async (t) => {
    await client.call('POST', configMaps, configMap('busy'))
    const watch = `${configMaps}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dbusy`
    const deaf = await many(5, () => openTls(server))
    for (const socket of deaf) {
      socket.pause()
      socket.write(`GET ${watch} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
    }
    const listening = await client.open('GET', watch)
    let heard = 0
    listening.on('data', (chunk: Buffer) => {
      heard += chunk.filter((byte) => byte === 10).length
    })
    const [writes, size] = [200, 300_000]
    for (let i = 0; i < writes; i++) {
      const { code } = await client.call('PUT', `${configMaps}/busy`, configMap('busy', `${i} ${'x'.repeat(size)}`))
      assert.equal(code, 200)
    }
    t.diagnostic(
      `${server.ownMb.toFixed()} MB after ${(writes * size) / 1e6} MB of events to each of ${deaf.length} that read none`,
    )
    assert.ok(server.ownMb < UNDER_LOAD, `${server.ownMb} MB`)
    for (let i = 0; i < 250 && heard <= writes; i++) await sleep(20)
    // The first tells of the object as it was.
    assert.equal(heard, writes + 1)
    listening.destroy()
    // They get what was kept for them, which isn't all, and then the end.
    for (const socket of deaf) {
      assert.ok(await closed(socket, 10_000))
      assert.ok(socket.bytesRead < (writes * size * 3) / 4, `${socket.bytesRead} bytes`)
    }
    await client.call('DELETE', `${configMaps}/busy`)
    await assertServes()
  })

  test('HTTP/2: streams opened and reset at once, and windows that never open', async () => {
    const sessions = await many(10, async () => {
      const session = connectHttp2(server.url, { ...server.admin, settings: { initialWindowSize: 0 } })
      session.on('error', () => {})
      await new Promise((resolve) => session.once('connect', resolve))
      return session
    })
    for (const session of sessions) {
      for (let i = 0; i < 300 && !session.destroyed; i++) reset(session)
      for (let i = 0; i < 20 && !session.destroyed; i++) session.request({ ':path': configMaps }).on('error', () => {})
    }
    await sleep(500)
    await assertServes()
    for (const session of sessions) session.destroy()
  })

  function reset(session: ClientHttp2Session): void {
    const stream = session.request({ ':path': configMaps })
    stream.on('error', () => {})
    stream.close(8)
  }

  test('clients that go in the middle', async () => {
    for (let round = 0; round < 5; round++) {
      const sockets = await many(60, () => openTls(server))
      sockets.forEach((socket, i) => {
        const url = i % 3 ? configMaps : `${configMaps}?watch=1&resourceVersion=0`
        socket.write(`GET ${url} HTTP/1.1\r\nhost: a\r\n\r\n`.repeat(1 + (i % 4)))
      })
      await sleep(round * 10)
      letGo(sockets)
    }
    await assertServes()
  })

  test('what they took is given back', async (t) => {
    // Garbage is collected when there is something to do.
    for (let i = 0; i < 60 && server.ownMb > AFTERWARDS; i++) {
      await sleep(500)
      await client.call('GET', configMaps)
    }
    await assertServes(AFTERWARDS)
    t.diagnostic(`${server.ownMb.toFixed()} MB at the end`)
    assert.equal((await server.stop()).code, 0)
  })
})
