import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { connect } from 'node:http2'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AdminClient, configMap, configMaps } from './support/client.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

// How a server starts and ends. Times are printed, not judged, but for bounds that hold on a slow and busy machine.

const options = { timeout: 60_000 }

test('a restart keeps data, certificates and kubeconfig', options, async (t) => {
  const dataDir = temporaryFolder('restart')
  t.after(() => rmSync(dataDir, { recursive: true }))
  let resourceVersion: string
  let admin: object
  {
    await using server = await ServerProcess.start({ dataDir })
    t.diagnostic(`first start ${server.startMs.toFixed()} ms, ${server.residentMb.toFixed()} MB`)
    using client = new AdminClient(server)
    const created = await client.call('POST', configMaps, configMap('kept'))
    assert.equal(created.code, 201)
    resourceVersion = created.json.metadata.resourceVersion
    admin = server.admin
    assert.equal((await server.stop()).code, 0)
  }
  {
    await using server = await ServerProcess.start({ dataDir })
    t.diagnostic(`start on an existing store ${server.startMs.toFixed()} ms, ${server.residentMb.toFixed()} MB`)
    using client = new AdminClient(server)
    const found = await client.call('GET', `${configMaps}/kept`)
    assert.deepEqual([found.code, found.json.metadata.resourceVersion], [200, resourceVersion])
    assert.deepEqual(server.admin, admin)
    // Where a watch broke off it goes on.
    await client.call('POST', configMaps, configMap('next'))
    const watch = await client.open('GET', `${configMaps}?watch=1&resourceVersion=${resourceVersion}&timeoutSeconds=1`)
    const events = (await lines(watch)).map((line) => JSON.parse(line))
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.metadata.name]),
      [['ADDED', 'next']],
    )
  }
})

test('SIGTERM ends watches and exits with 0 in time', options, async (t) => {
  await using server = await ServerProcess.start()
  using client = new AdminClient(server)
  const older = await client.open('GET', `${configMaps}?watch=1&resourceVersion=0`)
  const session = connect(server.url, server.admin)
  t.after(() => session.destroy())
  const newer = session.request({ ':path': `${configMaps}?watch=1&resourceVersion=0`, accept: 'application/json' })
  await new Promise((resolve, reject) => newer.once('response', resolve).once('error', reject))
  const ended = Promise.all([lines(older), lines(newer)])
  // An idle connection, and one in the middle of a request.
  await client.call('GET', '/version')
  const { code, ms } = await server.stop()
  t.diagnostic(`stopped in ${ms.toFixed()} ms`)
  assert.equal(code, 0, server.log)
  assert.ok(ms < 10_000, `${ms} ms`)
  await ended
})

test('SIGTERM in the middle of a request lets it finish', options, async () => {
  await using server = await ServerProcess.start()
  using client = new AdminClient(server)
  const calls = Array.from({ length: 20 }, (_, i) =>
    client.call('POST', configMaps, configMap(`late-${i}`)).catch(() => undefined),
  )
  await sleep(5)
  const { code } = await server.stop()
  assert.equal(code, 0, server.log)
  // One that came too late finds the door closed; whoever was let in has an answer.
  for (const answer of await Promise.all(calls)) if (answer) assert.equal(answer.code, 201, answer.text)
})

test('kill -9 loses nothing that was acknowledged', options, async (t) => {
  const dataDir = temporaryFolder('kill')
  t.after(() => rmSync(dataDir, { recursive: true }))
  const acknowledged: string[] = []
  let last = 0
  for (let round = 0; round < 3; round++) {
    await using server = await ServerProcess.start({ dataDir })
    using client = new AdminClient(server)
    const found = await client.call('GET', configMaps)
    const names = new Set(found.json.items.map((item: { metadata: { name: string } }) => item.metadata.name))
    assert.deepEqual(
      acknowledged.filter((name) => !names.has(name)),
      [],
    )
    assert.ok(Number(found.json.metadata.resourceVersion) >= last, 'the revision went back')
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(client, `r${round}-w${writer}`)).concat(kill(server)))
  }
  assert.ok(acknowledged.length > 100, `${acknowledged.length} writes`)
  t.diagnostic(`${acknowledged.length} writes acknowledged`)

  async function write(client: AdminClient, prefix: string): Promise<void> {
    for (let i = 0; ; i++) {
      const answer = await client.call('POST', configMaps, configMap(`${prefix}-${i}`)).catch(() => undefined)
      if (answer?.code !== 201) return
      acknowledged.push(`${prefix}-${i}`)
      last = Math.max(last, Number(answer.json.metadata.resourceVersion))
    }
  }
  async function kill(server: ServerProcess): Promise<void> {
    const enough = acknowledged.length + 60
    while (acknowledged.length < enough) await sleep(2)
    assert.equal((await server.stop('SIGKILL')).signal, 'SIGKILL')
  }
})

test('a second server on the same folder is refused with one line', options, async () => {
  await using server = await ServerProcess.start()
  await assert.rejects(ServerProcess.start({ dataDir: server.dataDir }), /the server ended with 1:[\s\S]*^Error: .*$/m)
  using client = new AdminClient(server)
  assert.equal((await client.call('GET', '/readyz')).text, 'ok')
})

test('a bad flag stops the start with one line', options, async (t) => {
  const dataDir = temporaryFolder('flags')
  t.after(() => rmSync(dataDir, { recursive: true }))
  const start = (...args: string[]) => ServerProcess.start({ dataDir, args })
  await assert.rejects(start('--no-such-flag'), /ended with 1:\nError: unknown flag: --no-such-flag\n$/)
  await assert.rejects(start('--request-timeout=soon'), /ended with 1:\nError: .*request-timeout.*\n$/)
})

/** Reads a stream to its end, which may be an abrupt one. */
async function lines(stream: AsyncIterable<Buffer | string>): Promise<string[]> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text.split('\n').filter((line) => line !== '')
}
