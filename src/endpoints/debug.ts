import type { Exchange } from '../machinery/exchange.ts'
import { goQuote } from '../machinery/go-text.ts'
import { ProfilerBusyError, type Profiles } from '../observability/profiles.ts'

export interface DebugDeps {
  /** `--profiling`; without it there are neither profiles nor flags. */
  profiling: boolean
  profiles: Profiles
  /** Sets how much is logged. */
  setVerbosity(level: number): void
  /** Whether requests are queued by priority: the table for each dump, or undefined where none are. */
  flowControl?: (dump: FlowControlDump) => string
}

export type FlowControlDump = keyof typeof DUMPS

const PLAIN = 'text/plain; charset=utf-8'
const NO_SNIFF = { 'x-content-type-options': 'nosniff' }

const PROFILES: Readonly<Record<string, string>> = {
  allocs: 'What was allocated during ?seconds (5 unless given), sampled.',
  goroutine: 'What the event loop waits for: how many of each kind. This server has no goroutines.',
  heap: 'What was allocated during ?seconds (5 unless given) and is still in use, sampled.',
  profile: 'Where the CPU time goes during ?seconds (30 unless given).',
}

const DUMPS = {
  dump_priority_levels: [
    'PriorityLevelName,ActiveQueues,IsIdle,IsQuiescing,WaitingRequests,ExecutingRequests',
    'DispatchedRequests,RejectedRequests,TimedoutRequests,CancelledRequests',
  ].join(','),
  dump_queues:
    'PriorityLevelName,Index,PendingRequests,ExecutingRequests,SeatsInUse,NextDispatchR,InitialSeatsSum,MaxSeatsSum,TotalWorkSum',
  dump_requests:
    'PriorityLevelName,FlowSchemaName,QueueIndex,RequestIndexInQueue,FlowDistingsher,ArriveTime,InitialSeats,FinalSeats,AdditionalLatency,StartTime',
}

/** What is under `/debug/`: profiles in pprof's form, the log's verbosity, and what flow control does. None of these is listed at `/`. */
export class DebugEndpoints {
  readonly #deps: DebugDeps

  constructor(deps: DebugDeps) {
    this.#deps = deps
  }

  /** @returns false when the path is none of these */
  handle(exchange: Exchange): boolean | Promise<boolean> {
    const { path } = exchange
    if (!path.startsWith('/debug/')) return false
    const dump = path.slice('/debug/api_priority_and_fairness/'.length)
    if (path.startsWith('/debug/api_priority_and_fairness/') && Object.hasOwn(DUMPS, dump))
      return this.#dump(exchange, dump as FlowControlDump)
    if (!this.#deps.profiling) return false
    if (path === '/debug/pprof') return redirect(exchange, '/debug/pprof/')
    if (path.startsWith('/debug/pprof/')) return this.#profile(exchange, path.slice('/debug/pprof/'.length))
    if (path === '/debug/flags/v') return this.#verbosity(exchange)
    if (path === '/debug/flags' || path.startsWith('/debug/flags/')) return page(exchange, '/debug/flags/', { v: '' })
    return false
  }

  #dump(exchange: Exchange, dump: FlowControlDump): true {
    const text = this.#deps.flowControl?.(dump) ?? `${DUMPS[dump].split(',').join(', ')}\n`
    exchange.respond(200, PLAIN, text)
    return true
  }

  async #profile(exchange: Exchange, name: string): Promise<boolean> {
    if (name === '') return page(exchange, '/debug/pprof/', PROFILES)
    if (name === 'goroutine') return this.#waiting(exchange)
    if (!Object.hasOwn(PROFILES, name)) {
      exchange.respond(404, PLAIN, 'Unknown profile\n', { ...NO_SNIFF, 'x-go-pprof': '1' })
      return true
    }
    const asked = Number(exchange.query.get('seconds') ?? '')
    const seconds = asked > 0 ? Math.min(asked, MAX_SECONDS) : name === 'profile' ? 30 : 5
    const { profiles } = this.#deps
    exchange.transport.onClose(() => exchange.abort(new Error('the client is gone')))
    try {
      const ms = seconds * 1000
      const body =
        name === 'profile' ? await profiles.cpu(ms, exchange.signal) : await profiles.memory(ms, name === 'heap', exchange.signal)
      exchange.respond(200, 'application/octet-stream', body, {
        ...NO_SNIFF,
        'content-disposition': `attachment; filename="${name}"`,
      })
    } catch (error) {
      if (!(error instanceof ProfilerBusyError)) throw error
      exchange.respond(500, PLAIN, `Could not enable profiling: ${error.message}\n`, { ...NO_SNIFF, 'x-go-pprof': '1' })
    }
    return true
  }

  #waiting(exchange: Exchange): true {
    const counts = new Map<string, number>()
    for (const resource of this.#deps.profiles.waitedFor()) counts.set(resource, (counts.get(resource) ?? 0) + 1)
    const lines = [...counts].sort(([, a], [, b]) => b - a).map(([resource, count]) => `${count} ${resource}\n`)
    exchange.respond(200, PLAIN, lines.join(''), NO_SNIFF)
    return true
  }

  async #verbosity(exchange: Exchange): Promise<true> {
    if (exchange.method !== 'PUT') {
      exchange.respond(406, PLAIN, 'unsupported http method', NO_SNIFF)
      return true
    }
    const text = (await exchange.transport.readBody(64)).toString()
    const level = /^[+-]?\d+$/.test(text) ? Number(text) : undefined
    if (level === undefined || Math.abs(level) > 0x7fffffff) {
      const problem = level === undefined ? 'invalid syntax' : 'value out of range'
      const detail = `strconv.ParseInt: parsing ${goQuote(text)}: ${problem}`
      exchange.respond(400, PLAIN, `failed set klog.logging.verbosity ${text}: ${detail}`, NO_SNIFF)
      return true
    }
    this.#deps.setVerbosity(level)
    exchange.respond(200, PLAIN, `successfully set klog.logging.verbosity to ${text}`, NO_SNIFF)
    return true
  }
}

/** Longer profiles say no more, and keep the profiler from others. */
const MAX_SECONDS = 300

function redirect(exchange: Exchange, to: string): true {
  exchange.respond(302, 'text/html; charset=utf-8', `<a href="${to}">Found</a>.\n\n`, { location: to })
  return true
}

function page(exchange: Exchange, title: string, links: Readonly<Record<string, string>>): true {
  const items = Object.entries(links).map(([name, text]) => `<li><a href="${title}${name}">${name}</a> ${text}</li>\n`)
  const html = `<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n${title}<br>\n<ul>\n${items.join('')}</ul>\n</body>\n</html>\n`
  exchange.respond(200, 'text/html; charset=utf-8', html, NO_SNIFF)
  return true
}
