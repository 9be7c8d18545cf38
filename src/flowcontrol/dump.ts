import type { Exchange } from '../machinery/exchange.ts'
import { type PriorityLevel, Seat, type Waiting } from './priority-level.ts'

export interface DumpDeps {
  levels(): Iterable<PriorityLevel>
  /** Requests under way. */
  exchanges(): Iterable<Exchange>
  /** Turns the levels' time into RFC 3339. */
  time(now: number): string
}

const NEVER = '0001-01-01T00:00:00Z'

/** Priority levels, their queues, or their requests, as a table for people. */
export type Dump = 'dump_priority_levels' | 'dump_queues' | 'dump_requests'

/** @see https://kubernetes.io/docs/reference/debug-cluster/flow-control/ */
export function dumpFlowControl(deps: DumpDeps, what: Dump): string {
  const levels = [...deps.levels()].sort((a, b) => (a.name < b.name ? -1 : 1))
  if (what === 'dump_priority_levels') return table([LEVEL_COLUMNS, ...levels.map(levelRow)])
  if (what === 'dump_queues') return table([QUEUE_COLUMNS, ...levels.flatMap(queueRows)])
  return table([REQUEST_COLUMNS, ...executingRows(deps), ...levels.flatMap((level) => waitingRows(level, deps))])
}

const LEVEL_COLUMNS =
  'PriorityLevelName ActiveQueues IsIdle IsQuiescing WaitingRequests ExecutingRequests DispatchedRequests RejectedRequests TimedoutRequests CancelledRequests'.split(
    ' ',
  )
const QUEUE_COLUMNS =
  'PriorityLevelName Index PendingRequests ExecutingRequests SeatsInUse NextDispatchR InitialSeatsSum MaxSeatsSum TotalWorkSum'.split(
    ' ',
  )
const REQUEST_COLUMNS =
  'PriorityLevelName FlowSchemaName QueueIndex RequestIndexInQueue FlowDistingsher ArriveTime InitialSeats FinalSeats AdditionalLatency StartTime'.split(
    ' ',
  )

const levelRow = (level: PriorityLevel): string[] =>
  [
    level.name,
    (level.queues?.queues ?? []).filter(({ waiting }) => waiting.length > 0).length,
    level.isIdle,
    level.quiescing,
    level.waiting,
    level.executing,
    level.dispatched,
    level.refused,
    level.timedOut,
    level.cancelled,
  ].map(String)

/** Seats times ms, as seats times seconds. */
const seatSeconds = (work: number): string => `${(work / 1000).toFixed(8)}ss`

const queueRows = ({ name, queues }: PriorityLevel): string[][] =>
  (queues?.queues ?? []).map((queue, i) =>
    [
      name,
      i,
      queue.waiting.length,
      queue.executing,
      queue.seatsInUse,
      seatSeconds(queue.nextDispatch),
      queue.initialSeatsWaiting,
      queue.seatsWaiting,
      seatSeconds(queue.workWaiting),
    ].map(String),
  )

/** Requests being served belong to no place in a queue any more. */
function* executingRows({ exchanges, time }: DumpDeps): Iterable<string[]> {
  for (const { held, user, info } of exchanges()) {
    if (!(held instanceof Seat) || !held.isHeld) continue
    const { schema, work, level, since } = held
    const flow = schema.distinguisher === 'ByUser' ? user.name : schema.distinguisher ? info.namespace : ''
    yield [level.name, schema.name, '-1', '-1', flow, time(since), ...workCells(work), time(since)]
  }
}

function waitingRows({ name, queues }: PriorityLevel, { time }: DumpDeps): string[][] {
  return (queues?.queues ?? []).flatMap((queue, i) =>
    (queue.waiting as Waiting[]).map(({ schema, distinguisher, since, work }, j) => [
      name,
      schema.name,
      String(i),
      String(j),
      distinguisher,
      time(since),
      ...workCells(work),
      NEVER,
    ]),
  )
}

const workCells = (work: Waiting['work']): string[] => [
  String(work.initial),
  String(work.final),
  work.linger > 0 ? `${work.linger}ms` : '0s',
]

const MIN_WIDTH = 8

/** Cells end with a comma and stand below each other. */
function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]!.length
  const widths = Array.from({ length: columns - 1 }, (_, i) =>
    rows.reduce((most, row) => Math.max(most, row[i]!.length + 2), MIN_WIDTH),
  )
  return rows
    .map((row) => `${row.map((cell, i) => (i < columns - 1 ? `${cell},`.padEnd(widths[i]!) : cell)).join('')}\n`)
    .join('')
}
