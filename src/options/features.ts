import { built, unbuilt } from './flag.ts'
import { bool, string } from './flag-types.ts'

export const features = {
  'contention-profiling': unbuilt(bool, false, 'Profile what the server waits for, along with --profiling.'),
  'debug-socket-path': unbuilt(string, '', 'Unix socket on which to offer profiling without any authentication.'),
  'enable-priority-and-fairness': built(
    bool,
    true,
    'Queue requests by priority and share the server fairly, instead of a plain limit on those in flight.',
  ),
  profiling: built(bool, true, 'Offer profiles under /debug/pprof/.'),
}
