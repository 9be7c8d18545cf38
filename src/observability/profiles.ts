import { Session } from 'node:inspector/promises'
import { getActiveResourcesInfo } from 'node:process'
import { gzipSync } from 'node:zlib'
import { type PprofSample, pprof, type StackFrame } from './pprof.ts'

/** Bytes between two allocations that are looked at, as Go's profiler has it. */
const SAMPLING_BYTES = 512 * 1024

interface CallFrame {
  functionName: string
  url: string
  lineNumber: number
}

interface HeapNode {
  callFrame: CallFrame
  selfSize: number
  children: HeapNode[]
}

/** A profile is being taken already: the engine takes one at a time. */
export class ProfilerBusyError extends Error {
  override readonly name = 'ProfilerBusyError'
}

/** Profiles of this process, in the form that `go tool pprof` and others read (gzipped `profile.proto`). */
export class Profiles {
  #busy = false

  /** Where the time goes. @param ms how long to look @throws ProfilerBusyError (rejects) */
  cpu(ms: number, signal: AbortSignal): Promise<Buffer> {
    return this.#with(async (session) => {
      await session.post('Profiler.enable')
      await session.post('Profiler.start')
      await pause(ms, signal)
      const { profile } = await session.post('Profiler.stop')
      const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
      const parents = new Map<number, number>()
      for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node.id)
      const found = new Map<number, { count: number; micros: number }>()
      profile.samples?.forEach((id, i) => {
        const sum = found.get(id) ?? { count: 0, micros: 0 }
        sum.count++
        sum.micros += profile.timeDeltas?.[i] ?? 0
        found.set(id, sum)
      })
      const samples = [...found].map(([id, { count, micros }]): PprofSample => {
        const stack: StackFrame[] = []
        for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
          const frame = nodes.get(at)
          if (frame && parents.has(at)) stack.push(frameOf(frame.callFrame))
        }
        return { stack, values: [count, Math.max(micros, 0) * 1000] }
      })
      const units = [
        { type: 'samples', unit: 'count' },
        { type: 'cpu', unit: 'nanoseconds' },
      ]
      return gzipSync(pprof({ units, samples, durationNanos: ms * 1e6, period: 1_000_000 }))
    })
  }

  /**
   * What was allocated while this looked. @param live only what is still in use at the end
   * @throws ProfilerBusyError (rejects)
   */
  memory(ms: number, live: boolean, signal: AbortSignal): Promise<Buffer> {
    return this.#with(async (session) => {
      await session.post('HeapProfiler.startSampling', {
        samplingInterval: SAMPLING_BYTES / 16,
        includeObjectsCollectedByMajorGC: !live,
        includeObjectsCollectedByMinorGC: !live,
      })
      await pause(ms, signal)
      const { profile } = await session.post('HeapProfiler.stopSampling')
      const samples: PprofSample[] = []
      collect(profile.head as unknown as HeapNode, [], samples)
      const units = [{ type: live ? 'inuse_space' : 'alloc_space', unit: 'bytes' }]
      return gzipSync(pprof({ units, samples, durationNanos: ms * 1e6, period: SAMPLING_BYTES / 16 }))
    })
  }

  /** What keeps the event loop alive, such as `TCPSocketWrap`, one item each. */
  waitedFor(): readonly string[] {
    return getActiveResourcesInfo()
  }

  async #with(work: (session: Session) => Promise<Buffer>): Promise<Buffer> {
    if (this.#busy) throw new ProfilerBusyError('a profile is being taken already')
    this.#busy = true
    const session = new Session()
    try {
      session.connect()
      return await work(session)
    } finally {
      session.disconnect()
      this.#busy = false
    }
  }
}

const frameOf = ({ functionName, url, lineNumber }: CallFrame): StackFrame => ({
  name: functionName || '(anonymous)',
  file: url,
  line: lineNumber + 1,
})

function collect(node: HeapNode, above: readonly StackFrame[], into: PprofSample[]): void {
  const stack = node.callFrame.functionName === '(root)' ? above : [frameOf(node.callFrame), ...above]
  if (node.selfSize > 0) into.push({ stack, values: [node.selfSize] })
  for (const child of node.children) collect(child, stack, into)
}

/** Ends early when whoever asked is gone. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
