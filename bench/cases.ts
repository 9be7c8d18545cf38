import { setTimeout as sleep } from 'node:timers/promises'
import { fanOut } from './fan-out.ts'
import { NAMESPACE, pod, podName } from './objects.ts'
import { cpuSeconds, memory } from './processes.ts'
import { CREATED, MANY_PODS, PODS, type Target, WATCHED } from './target.ts'
import { walk } from './walk.ts'
import { type Crowd, crowd } from './watchers.ts'
import { quantile } from './writer.ts'
import type { LoadRequest } from './wrk.ts'

export interface Measured {
  value: number
  /** Processor time of the server per request or event, in µs: what tells changes apart even where others use the machine. */
  cpu?: number
  /** What else is worth knowing of the run. */
  note?: string
}

export interface Case {
  /** A short one, for `--only` and files. */
  name: string
  title: string
  unit: '/s' | 'ms' | 'MB'
  /**
   * What the reference kube-apiserver v1.36.2 with etcd 3.5.30 reached on a machine with 2 cores: for rates as a share of what nginx did
   * there (33,300/s), else the figure itself.
   */
  reference?: number
  /** How many pods the server must hold first; unset where the case starts servers of its own. */
  pods?: number
  /** Where the server stores them: by itself when unset. */
  engine?: 'embedded' | 'etcd'
  /** For what costs seconds however long it is measured: one round is enough. */
  once?: boolean
  /** Whether the first round only warms the server up. */
  warm?: boolean
  measure(target: Target, seconds: number): Promise<Measured>
}

const pods = `/api/v1/namespaces/${NAMESPACE}/pods`
/** Long enough for what a start or a burst of writes leaves to do. */
const SETTLE = 1500
const MARK = '########'

/** All measurements, in the order in which they are made: starts and memory come before load. */
export const cases: readonly Case[] = [
  {
    name: 'start-first',
    title: 'start to ready: first, making certificates',
    unit: 'ms',
    async measure(target) {
      await using server = target.freshServer()
      await server.start()
      return { value: server.startMs }
    },
  },
  {
    name: 'start-empty',
    title: 'start to ready: empty store',
    unit: 'ms',
    reference: 3400,
    async measure(target) {
      await using server = target.freshServer()
      await server.start()
      await server.stop()
      await server.forget()
      await server.start()
      return { value: server.startMs }
    },
  },
  {
    name: 'memory-empty',
    title: 'resident memory: empty store',
    unit: 'MB',
    reference: 282,
    once: true,
    async measure(target) {
      await using server = target.freshServer()
      await server.start()
      return await settledMemory(server)
    },
  },
  memoryCreated('memory-created', PODS, 593),
  startWithPods('start-pods', PODS),
  memoryListed('memory-listed', PODS, 593),
  read('get', `GET one of ${PODS} pods`, 16, 0.056, () =>
    Array.from({ length: PODS }, (_, i) => ({ method: 'GET', path: `${pods}/${podName(i)}` })),
  ),
  read('list', `LIST ${PODS} pods`, 2, 0.000088, () => [{ method: 'GET', path: `${pods}?resourceVersion=0` }]),
  read('list-page', 'LIST 500 of them (limit)', 4, 0.00069, () => [{ method: 'GET', path: `${pods}?limit=500` }]),
  // The reference was measured on 20,000 pods, four times as many to look at.
  read('list-none', 'LIST by a label that none has', 4, 4 * 0.0026, () => [
    { method: 'GET', path: `${pods}?labelSelector=app%3Dnone` },
  ]),
  write('create', 'CREATE pods', 0.0165, creations),
  write('update', 'UPDATE pods', undefined, updates),
  write('patch', 'PATCH pods (merge patch)', undefined, () =>
    Array.from({ length: PODS }, (_, i) => ({
      method: 'PATCH',
      path: `${pods}/${podName(i)}`,
      type: 'application/merge-patch+json',
      body: JSON.stringify({ metadata: { annotations: { 'example.com/round': MARK } } }),
    })),
  ),
  { ...write('create-etcd', 'CREATE pods on etcd', 0.0165, creations), engine: 'etcd' },
  watch('watch', 'watch: 200 watchers, full speed', 0.84, 0),
  watch('watch-paced', 'watch: 200 watchers, 100 writes/s', undefined, 100),
  watchers('watchers', 'watch: 5000 watchers, 50 connections, 50 writes/s', 20, { connections: 50, streams: 100, rate: 50 }),
  watchers('watchers-stalled', 'watch: 5000 watchers, and one that never reads', 10, {
    connections: 50,
    streams: 100,
    rate: 50,
    stalled: true,
  }),
  memoryCreated('pods-20000-created', MANY_PODS, 1590),
  startWithPods('pods-20000-start', MANY_PODS, 7200),
  memoryListed('pods-20000-listed', MANY_PODS, 1590),
  // The reference wrote 5,000 pods, a quarter of the bytes.
  read(
    'pods-20000-list',
    'LIST 20000 pods',
    2,
    0.000088 / 4,
    () => [{ method: 'GET', path: `${pods}?resourceVersion=0` }],
    MANY_PODS,
  ),
  read(
    'pods-20000-none',
    'LIST 20000 pods by a label that none has',
    4,
    0.0026,
    () => [{ method: 'GET', path: `${pods}?labelSelector=app%3Dnone` }],
    MANY_PODS,
  ),
  {
    name: 'pods-20000-pages',
    title: 'LIST 20000 pods in pages of 500, 4 walks at once',
    unit: '/s',
    reference: 0.00069,
    pods: MANY_PODS,
    async measure({ server }, seconds) {
      const used = await cpuSeconds(server.pid)
      const result = await walk(server.client, pods, { walkers: 4, size: 500, total: MANY_PODS, seconds })
      const cpu = (((await cpuSeconds(server.pid)) - used) / result.pages) * 1e6
      return { value: result.pages / result.seconds, cpu, note: `pages, ${quantiles(result.latencies)}` }
    },
  },
]

function memoryCreated(name: string, count: number, reference: number): Case {
  return {
    name,
    title: `resident memory: ${count} pods, just created`,
    unit: 'MB',
    reference,
    pods: count,
    once: true,
    measure: (target) => settledMemory(target.server),
  }
}

function startWithPods(name: string, count: number, reference?: number): Case {
  return {
    name,
    title: `start to ready: ${count} pods stored`,
    unit: 'ms',
    ...(reference === undefined ? {} : { reference }),
    pods: count,
    async measure(target) {
      await target.server.stop()
      await target.start()
      return { value: target.server.startMs }
    },
  }
}

function memoryListed(name: string, count: number, reference: number): Case {
  return {
    name,
    title: `resident memory: ${count} pods, started again and listed`,
    unit: 'MB',
    reference,
    pods: count,
    once: true,
    async measure(target) {
      await target.server.stop()
      await target.start()
      await target.server.client.demand('GET', pods)
      return settledMemory(target.server)
    },
  }
}

async function settledMemory(server: Target['server']): Promise<Measured> {
  await sleep(SETTLE)
  const { resident, anonymous } = await memory(server.pid)
  return { value: resident, note: `${anonymous.toFixed(0)} MB without mapped files` }
}

function read(
  name: string,
  title: string,
  connections: number,
  reference: number,
  requests: () => LoadRequest[],
  count = PODS,
): Case {
  return loaded(name, title, connections, reference, requests, count)
}

function write(
  name: string,
  title: string,
  reference: number | undefined,
  requests: (target: Target) => LoadRequest[] | Promise<LoadRequest[]>,
): Case {
  return loaded(name, title, 16, reference, requests)
}

function loaded(
  name: string,
  title: string,
  connections: number,
  reference: number | undefined,
  requests: (target: Target) => LoadRequest[] | Promise<LoadRequest[]>,
  count = PODS,
): Case {
  return {
    name,
    title: `${title}, ${connections} connections`,
    unit: '/s',
    ...(reference === undefined ? {} : { reference }),
    pods: count,
    warm: true,
    async measure(target, seconds) {
      const used = await cpuSeconds(target.server.pid)
      const result = await target.load(name, () => requests(target), connections, seconds)
      if (result.requests === 0) throw new Error(`not one request was answered within ${seconds} s`)
      const cpu = ((await cpuSeconds(target.server.pid)) - used) / result.requests
      const rate = result.bytes / result.seconds / 1e6
      return {
        value: result.requests / result.seconds,
        cpu: cpu * 1e6,
        note: `p50 ${milliseconds(result.p50)}, p99 ${milliseconds(result.p99)}${rate >= 20 ? `, ${rate.toFixed(0)} MB/s` : ''}`,
      }
    },
  }
}

function creations(): LoadRequest[] {
  return [
    {
      method: 'POST',
      path: `/api/v1/namespaces/${CREATED}/pods`,
      type: 'application/json',
      body: JSON.stringify(pod(`made-${MARK}`, CREATED)),
    },
  ]
}

/** Whole pods as the server gave them out, each with something changed. They name no version, so that none conflicts. */
async function updates(target: Target): Promise<LoadRequest[]> {
  interface Stored {
    metadata: { name: string; resourceVersion?: string; annotations: Record<string, string> }
  }
  const { items } = JSON.parse(await target.server.client.demand('GET', `${pods}?limit=1000`)) as { items: Stored[] }
  return items.map((stored) => {
    delete stored.metadata.resourceVersion
    stored.metadata.annotations['example.com/round'] = MARK
    const { name } = stored.metadata
    const body = JSON.stringify({ kind: 'Pod', apiVersion: 'v1', ...stored })
    return { method: 'PUT', path: `${pods}/${name}`, type: 'application/json', body }
  })
}

function watch(name: string, title: string, reference: number | undefined, rate: number): Case {
  return {
    name,
    title,
    unit: '/s',
    ...(reference === undefined ? {} : { reference }),
    pods: PODS,
    async measure({ server }, seconds) {
      const { url, token } = server
      const shape = { namespace: WATCHED, watchers: 200, connections: 20, writers: 8 }
      const used = await cpuSeconds(server.pid)
      const result = await fanOut({ url, token, ...shape, seconds, rate })
      if (result.dropped) throw new Error(`${result.dropped} of ${shape.watchers} watchers were dropped`)
      const delays = `late p50 ${milliseconds(result.p50)}, p99 ${milliseconds(result.p99)}`
      const cpu = (((await cpuSeconds(server.pid)) - used) / result.events) * 1e6
      return { value: result.eventsPerSecond, cpu, note: `events, ${delays}, ${result.writesPerSecond.toFixed(0)} writes/s` }
    },
  }
}

/** @param times how many times as long as a round it takes */
function watchers(name: string, title: string, times: number, shape: Omit<Crowd, 'seconds'>): Case {
  return {
    name,
    title,
    unit: '/s',
    pods: 0,
    once: true,
    async measure({ server }, seconds) {
      const used = await cpuSeconds(server.pid)
      const result = await crowd(server, { ...shape, seconds: seconds * times })
      const { writesPerSecond, latencies, cores, memory, cutOff } = result
      const cpu = (((await cpuSeconds(server.pid)) - used) / result.events) * 1e6
      const notes = [
        `events, ${writesPerSecond.toFixed(1)} writes/s, ${quantiles(latencies)}`,
        `server ${(cores * 100).toFixed(0)} % of a core, client ${(result.clientCores * 100).toFixed(0)} %`,
        `MB resident by quarters: ${memory.map((mb) => mb.toFixed(0)).join(', ')}`,
      ]
      if (cutOff !== undefined) notes.push(`cut off after ${cutOff.toFixed(1)} s`)
      return { value: result.eventsPerSecond, cpu, note: notes.join('; ') }
    },
  }
}

const quantiles = (latencies: readonly number[]): string =>
  `p50 ${milliseconds(quantile(latencies, 0.5))}, p99 ${milliseconds(quantile(latencies, 0.99))}`

const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`
