/**
 * A thread that holds watches, so that reading them doesn't hold up the writer. It answers `count` with what they have seen so far.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { WatchConnection } from './watch-connection.ts'

/** What a thread is to open. */
export interface WatchOrder {
  url: string
  token: string
  path: string
  connections: number
  /** Watches on each connection. */
  streams: number
}

/** What all its watches have seen. */
export interface WatchCount {
  events: number
  /** The fewest and the most events that one of them has. */
  least: number
  most: number
  disordered: number
  closed: number
}

const port = parentPort
if (!port) throw new Error('this runs as a thread only')
const { url, token, path, connections, streams } = workerData as WatchOrder
const opened: WatchConnection[] = []
for (let i = 0; i < connections; i++) {
  const connection = await WatchConnection.open(new URL(url), token, path, streams)
  await connection.opened()
  opened.push(connection)
}

port.on('message', () => {
  const count: WatchCount = { events: 0, least: Number.MAX_SAFE_INTEGER, most: 0, disordered: 0, closed: 0 }
  for (const { events, disordered, closed } of opened.flatMap((connection) => connection.streams)) {
    count.events += events
    count.least = Math.min(count.least, events)
    count.most = Math.max(count.most, events)
    count.disordered += disordered
    if (closed) count.closed++
  }
  port.postMessage(count)
})
port.postMessage('open')
