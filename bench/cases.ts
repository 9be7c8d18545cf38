import { setTimeout as sleep } from 'node:timers/promises'
import { fanOut } from './fan-out.ts'
import { NAMESPACE, pod, podName } from './objects.ts'
import { cpuSeconds, memory } from './processes.ts'
import { CREATED, PODS, type Target, WATCHED } from './target.ts'
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
  /** Whether the server must hold the pods first. */
  pods: boolean
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
    pods: false,
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
    pods: false,
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
    pods: false,
    once: true,
    async measure(target) {
      await using server = target.freshServer()
      await server.start()
      return await settledMemory(server)
    },
  },
  {
    name: 'memory-created',
    title: `resident memory: ${PODS} pods, just created`,
    unit: 'MB',
    reference: 593,
    pods: true,
    once: true,
    measure: (target) => settledMemory(target.server),
  },
  {
    name: 'start-pods',
    title: `start to ready: ${PODS} pods stored`,
    unit: 'ms',
    pods: true,
    async measure(target) {
      await target.server.stop()
      await target.start()
      return { value: target.server.startMs }
    },
  },
  {
    name: 'memory-listed',
    title: `resident memory: ${PODS} pods, started again and listed`,
    unit: 'MB',
    reference: 593,
    pods: true,
    once: true,
    async measure(target) {
      await target.server.stop()
      await target.start()
      await target.server.client.demand('GET', pods)
      return settledMemory(target.server)
    },
  },
  read('get', `GET one of ${PODS} pods`, 16, 0.056, () =>
    Array.from({ length: PODS }, (_, i) => ({ method: 'GET', path: `${pods}/${podName(i)}` })),
  ),
  read('list', `LIST ${PODS} pods`, 2, 0.000088, () => [{ method: 'GET', path: `${pods}?resourceVersion=0` }]),
  read('list-page', 'LIST 500 of them (limit)', 4, 0.00069, () => [{ method: 'GET', path: `${pods}?limit=500` }]),
  // The reference was measured on 20,000 pods, four times as many to look at.
  read('list-none', 'LIST by a label that none has', 4, 4 * 0.0026, () => [
    { method: 'GET', path: `${pods}?labelSelector=app%3Dnone` },
  ]),
  write('create', 'CREATE pods', 0.0165, () => [
    {
      method: 'POST',
      path: `/api/v1/namespaces/${CREATED}/pods`,
      type: 'application/json',
      body: JSON.stringify(pod(`made-${MARK}`, CREATED)),
    },
  ]),
  write('update', 'UPDATE pods', undefined, updates),
  write('patch', 'PATCH pods (merge patch)', undefined, () =>
    Array.from({ length: PODS }, (_, i) => ({
      method: 'PATCH',
      path: `${pods}/${podName(i)}`,
      type: 'application/merge-patch+json',
      body: JSON.stringify({ metadata: { annotations: { 'example.com/round': MARK } } }),
    })),
  ),
  watch('watch', 'watch: 200 watchers, full speed', 0.84, 0),
  watch('watch-paced', 'watch: 200 watchers, 100 writes/s', undefined, 100),
]

async function settledMemory(server: Target['server']): Promise<Measured> {
  await sleep(SETTLE)
  const { resident, anonymous } = await memory(server.pid)
  return { value: resident, note: `${anonymous.toFixed(0)} MB without mapped files` }
}

function read(name: string, title: string, connections: number, reference: number, requests: () => LoadRequest[]): Case {
  return loaded(name, title, connections, reference, requests)
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
): Case {
  return {
    name,
    title: `${title}, ${connections} connections`,
    unit: '/s',
    ...(reference === undefined ? {} : { reference }),
    pods: true,
    warm: true,
    async measure(target, seconds) {
      const used = await cpuSeconds(target.server.pid)
      const result = await target.load(name, () => requests(target), connections, seconds)
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
    pods: true,
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

const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`
