import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream, type Settings } from 'node:http2'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CANCEL, REFUSED_STREAM } from './frame.ts'
import type { Headers } from './hpack.ts'
import { Session, type SessionStream, type StreamEvents } from './session.ts'

/** Keeps what a stream tells. */
class Recorded implements StreamEvents {
  readonly headers: Headers[] = []
  readonly chunks: Buffer[] = []
  reset: number | undefined
  error: Error | undefined
  readonly closed: Promise<void>
  #close!: () => void
  closes = 0

  constructor() {
    this.closed = new Promise((resolve) => (this.#close = resolve))
  }

  onHeaders(headers: Headers): void {
    this.headers.push(headers)
  }

  onData(chunk: Buffer, start: number, end: number): void {
    this.chunks.push(chunk.subarray(start, end))
  }

  onClose(reset: number | undefined, error?: Error): void {
    this.closes++
    this.reset = reset
    this.error = error
    this.#close()
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

interface Peer {
  readonly session: Session
  readonly peers: ServerHttp2Session[]
  /** Breaks the connection. */
  cut(): void
  ask(path: string, body?: Buffer): Recorded & { stream: SessionStream }
}

/** A session with Node's own HTTP/2 server, which is nghttp2. */
async function peer(
  t: TestContext,
  onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void,
  settings?: Settings,
): Promise<Peer> {
  const server = createServer(settings ? { settings } : {})
  const peers: ServerHttp2Session[] = []
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => sockets.push(socket))
  server.on('session', (session) => peers.push(session))
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    onStream(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = new Session(connect((server.address() as AddressInfo).port, '127.0.0.1'))
  t.after(() => {
    session.destroy()
    for (const one of peers) one.destroy()
    server.close()
  })
  await session.opened
  return {
    session,
    peers,
    cut: () => sockets[0]?.resetAndDestroy(),
    ask: (path, body) => asked(session, path, body),
  }
}

function asked(session: Session, path: string, body?: Buffer): Recorded & { stream: SessionStream } {
  const events = new Recorded()
  const fields = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'test'],
    [':path', path],
  ] as const
  const bytes = body ?? Buffer.alloc(0)
  const sent = { size: bytes.length, write: (out: Buffer, at: number) => bytes.copy(out, at) }
  return Object.assign(events, { stream: session.request((encoder) => encoder.encode(fields), events, sent) })
}

const echo = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 })
  stream.pipe(stream)
}

suite('session', { timeout: 30_000 }, () => {
  test('bodies of any size go there and back, many at a time', async (t) => {
    const { ask } = await peer(t, echo)
    const sizes = [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 1_000_000, 10_000_000]
    const bodies = sizes.map((size) => Buffer.alloc(size, size % 251))
    const answers = bodies.map((body) => ask('/', body))
    for (const [i, answer] of answers.entries()) {
      await answer.closed
      assert.equal(answer.headers[0]?.[':status'], '200')
      assert.equal(answer.error, undefined)
      assert.ok(answer.body.equals(bodies[i]!), `${sizes[i]} bytes`)
    }
  })

  test('more than both windows comes in, on one stream and on all', async (t) => {
    const { ask } = await peer(t, (stream) => {
      stream.respond({ ':status': 200 })
      Readable.from(Array.from({ length: 640 }, () => Buffer.alloc(65_536, 7))).pipe(stream)
    })
    const answers = [ask('/'), ask('/'), ask('/')]
    for (const answer of answers) {
      await answer.closed
      assert.equal(answer.error, undefined)
      assert.equal(answer.reset, undefined)
      assert.equal(answer.body.length, 40 << 20)
    }
  })

  test('headers come with every character, in blocks of any size, and as trailers', async (t) => {
    const all = Array.from({ length: 126 - 32 }, (_, i) => String.fromCharCode(33 + i)).join('')
    const large = all.repeat(500)
    const { ask } = await peer(t, (stream) => {
      stream.respond({ ':status': 200, all, large }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': all }))
      stream.end('x')
    })
    for (let round = 0; round < 3; round++) {
      const answer = ask('/')
      await answer.closed
      assert.deepEqual(
        answer.headers.map(({ date: _date, ...rest }) => rest),
        [
          { ':status': '200', all, large },
          { 'grpc-status': '0', 'grpc-message': all },
        ],
      )
      assert.equal(answer.body.toString(), 'x')
    }
  })

  test('no more streams are open than the server wants', async (t) => {
    let open = 0
    let most = 0
    const { ask } = await peer(
      t,
      async (stream, headers) => {
        most = Math.max(most, ++open)
        await sleep(5)
        open--
        stream.respond({ ':status': 200 })
        stream.end(String(headers[':path']))
      },
      { maxConcurrentStreams: 3 },
    )
    const answers = Array.from({ length: 20 }, (_, i) => ask(`/${i}`))
    for (const [i, answer] of answers.entries()) {
      await answer.closed
      assert.equal(answer.body.toString(), `/${i}`)
    }
    assert.ok(most <= 3, `${most} were open`)
  })

  test('a stream goes on in both directions until one side ends it', async (t) => {
    const { session } = await peer(t, echo)
    const events = new Recorded()
    const stream = session.request(
      (encoder) =>
        encoder.encode([
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/'],
          [':authority', 'x'],
        ]),
      events,
    )
    for (const word of ['one', 'two']) {
      session.write(stream, Buffer.from(word))
      while (!events.body.toString().endsWith(word)) await sleep(1)
    }
    session.reset(stream, CANCEL)
    await events.closed
    assert.equal(events.closes, 1)
    assert.equal(events.reset, undefined)
    session.write(stream, Buffer.from('more'))
    await sleep(10)
    assert.equal(events.body.toString(), 'onetwo')
  })

  test('what the server breaks off tells its code', async (t) => {
    const { ask } = await peer(t, (stream) => stream.close(REFUSED_STREAM))
    const answer = ask('/', Buffer.alloc(1 << 20))
    await answer.closed
    assert.equal(answer.reset, REFUSED_STREAM)
  })

  test('an answer before the whole body ends the stream', async (t) => {
    const { ask, session } = await peer(t, (stream) => {
      stream.respond({ ':status': 200, 'grpc-status': '8' }, { endStream: true })
    })
    const answer = ask('/', Buffer.alloc(1 << 20))
    await answer.closed
    assert.equal(answer.headers[0]?.['grpc-status'], '8')
    assert.ok(session.usable)
    const next = ask('/')
    await next.closed
    assert.equal(next.headers[0]?.['grpc-status'], '8')
  })

  test('signs of life go both ways', async (t) => {
    const { session, peers } = await peer(t, echo)
    await new Promise<void>((resolve) => session.ping(resolve))
    const payload = Buffer.from('12345678')
    const back = await new Promise<Buffer>((resolve) => peers[0]!.ping(payload, (_error, _duration, answer) => resolve(answer)))
    assert.deepEqual(back, payload)
  })

  test('a server that goes away finishes what it has begun, and gets nothing more', async (t) => {
    const { ask, session, peers } = await peer(t, (stream) => {
      stream.respond({ ':status': 200 })
      setTimeout(() => stream.end('done'), 50)
    })
    const answer = ask('/')
    while (answer.headers.length === 0) await sleep(1)
    peers[0]!.goaway(0, answer.stream.id)
    while (session.usable) await sleep(1)
    assert.throws(() => ask('/'))
    await answer.closed
    assert.equal(answer.body.toString(), 'done')
    await new Promise<void>((resolve) => session.onClose(resolve))
  })

  test('a connection that breaks ends every stream with the reason', async (t) => {
    const { ask, session, cut } = await peer(t, () => {})
    const answers = [ask('/'), ask('/')]
    await sleep(20)
    cut()
    for (const answer of answers) {
      await answer.closed
      assert.ok(answer.error)
      assert.equal(answer.closes, 1)
    }
    assert.equal(session.usable, false)
  })

  test('a server that goes away gets none of those that wait, even when others end with it', async (t) => {
    const oneAtATime = Buffer.from('000006040000000000000300000001', 'hex')
    const sockets: Socket[] = []
    const server = createTcpServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write(oneAtATime)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = new Session(connect((server.address() as AddressInfo).port, '127.0.0.1'))
    t.after(() => {
      session.destroy()
      server.close()
    })
    await session.opened
    const first = asked(session, '/')
    const waiting = asked(session, '/')
    sockets[0]!.write(Buffer.from('0000080700000000000000000000000000', 'hex'))
    await Promise.all([first.closed, waiting.closed])
    assert.equal(first.reset, REFUSED_STREAM)
    assert.equal(waiting.reset, REFUSED_STREAM)
    assert.equal(waiting.stream.id, 0)
    assert.equal(session.usable, false)
  })

  test('a server that asks for signs of life and reads none is left', async (t) => {
    const pings = Buffer.alloc(17 * 1000)
    for (let i = 0; i < 1000; i++) Buffer.from('0000080600000000000000000000000000', 'hex').copy(pings, i * 17)
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.pause()
      socket.write(Buffer.from('000000040000000000', 'hex'))
      const more = (): boolean => !socket.destroyed && socket.write(pings, () => setImmediate(more))
      more()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const session = new Session(connect((server.address() as AddressInfo).port, '127.0.0.1'))
    await session.opened
    const answer = asked(session, '/')
    await answer.closed
    assert.equal(answer.error?.message, 'the server asks for answers that it does not read')
  })

  test('whoever breaks the protocol is left', async (t) => {
    const settings = Buffer.from('000000040000000000', 'hex')
    const broken: Record<string, string> = {
      'a frame of 16777215 bytes': 'ffffff000000000001',
      'a push that nobody asked for': '000004050400000001 00000002',
      'there is no header with index 127': '000002010400000001 ff00',
      'a header block is interrupted': '000001010000000001 88 000000060000000000',
      'a header block goes on that never began': '000001090400000001 88',
      'a frame is too short': '000002080000000000 0000',
      'a settings frame is cut off': '000003040000000000 000000',
      'a frame is all padding': '000002000800000001 0900',
      'a header frame is too short': '000001010c00000001 05',
      'a window grows by nothing': '000004080000000000 00000000',
      'a window of 2147549182 bytes': '000004080000000000 7fffffff',
      'a window of 4294967295 bytes': '000006040000000000 0004ffffffff',
      'frames of at most 0 bytes': '000006040000000000 000500000000',
      'frames of at most 4294967295 bytes': '000006040000000000 0005ffffffff',
      'a ping frame of the wrong size': '000001060000000000 00',
      'a frame of type 4 on stream 1': '000000040000000001',
      'a frame of type 0 on stream 0': '000000000000000000',
      'more than 262144 bytes of headers': `000001010000000001 88${'000000090000000001'.repeat(30_000)}`,
    }
    for (const [reason, bytes] of Object.entries(broken)) {
      const sockets: Socket[] = []
      const server = createTcpServer((socket) => {
        sockets.push(socket)
        socket.on('error', () => {})
        socket.write(settings)
        socket.once('data', () => setTimeout(() => socket.write(Buffer.from(bytes.replaceAll(' ', ''), 'hex')), 5))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      const session = new Session(connect((server.address() as AddressInfo).port, '127.0.0.1'))
      await session.opened
      const answer = asked(session, '/')
      await answer.closed
      assert.equal(answer.error?.message, reason)
      assert.equal(session.usable, false)
    }
  })

  test('nobody there, or nobody who speaks HTTP/2', async (t) => {
    const closed = createTcpServer()
    closed.listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')
    await assert.rejects(new Session(connect(port, '127.0.0.1')).opened, /ECONNREFUSED/)
    const web = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    web.listen(0, '127.0.0.1')
    await once(web, 'listening')
    t.after(() => web.close())
    await assert.rejects(new Session(connect((web.address() as AddressInfo).port, '127.0.0.1')).opened, /a frame of/)
  })
})
