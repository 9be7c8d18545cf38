import { featureGateLines, featureGateMap } from './feature-gates.ts'
import { built, unbuilt } from './flag.ts'
import { bool, duration, float, int, ip, string, strings } from './flag-types.ts'

const versions = (rule: string, byDefault: string): string =>
  [
    rule,
    'Written as [component=]major.minor; without a component, kube is meant.',
    `Possible: kube=1.33..1.36 (default:${byDefault})`,
  ].join('\n')

export const generic = {
  'advertise-address': built(
    ip,
    '',
    'Address under which the rest of the cluster reaches this server. Left out: the --bind-address, or the address of the default interface if that one is unspecified.',
  ),
  'cors-allowed-origins': unbuilt(
    strings,
    [],
    "Regular expressions for origins that browsers may call from. Each should match the whole host: from '^' or '//' to '$' or the ':' of the port. Empty switches CORS off.",
  ),
  'emulated-version': unbuilt(
    strings,
    [],
    versions('Version whose APIs and features are to be shown instead of the own ones.', '1.36'),
  ),
  'emulation-forward-compatible': unbuilt(
    bool,
    false,
    'With an emulated version, also serve later and more stable versions of the beta and GA APIs that are on.',
  ),
  'external-hostname': built(string, '', 'Host name for URLs that lead back to this server.'),
  'feature-gates': built(
    featureGateMap,
    {},
    [
      'Switches features on or off: comma-separated [component:]Gate=true|false; may be repeated. Without a component, kube is meant. Gates:',
      ...featureGateLines(),
    ].join('\n'),
  ),
  'goaway-chance': built(
    float,
    0,
    "Share of HTTP/2 requests whose connection is then told to go away (GOAWAY), so that clients spread over several servers behind a load balancer; requests in flight aren't disturbed. From 0 (never) to 0.02; leave it at 0 with one server.",
  ),
  'livez-grace-period': unbuilt(
    duration,
    0,
    'Time after the start during which /livez counts unfinished start-up steps as done.',
  ),
  'max-mutating-requests-inflight': built(
    int,
    200,
    'Number of writing requests served at once; 0 for no limit. With --enable-priority-and-fairness, its sum with --max-requests-inflight is what requests of all kinds share.',
  ),
  'max-requests-inflight': built(
    int,
    400,
    'Number of reading requests served at once; 0 for no limit. With --enable-priority-and-fairness, its sum with --max-mutating-requests-inflight is what requests of all kinds share.',
  ),
  'min-compatibility-version': unbuilt(
    strings,
    [],
    versions('Oldest version of control plane components to stay compatible with; at most the emulated version.', '1.35'),
  ),
  'min-request-timeout': built(
    int,
    1800,
    'Seconds for which a watch is kept open at least when the client sets no timeout; each gets a random time above it, so that they do not all reconnect at once.',
  ),
  'request-timeout': built(duration, 60_000, 'Time that a request may take, unless it is a long-running one.'),
  'runtime-config-emulation-forward-compatible': unbuilt(
    bool,
    false,
    'With an emulated version, also serve the versions named in --runtime-config that were introduced later, instead of failing.',
  ),
  'shutdown-delay-duration': built(
    duration,
    0,
    'Time to keep serving after the order to stop, while /readyz already fails, so that load balancers turn away.',
  ),
  'shutdown-send-retry-after': unbuilt(
    bool,
    false,
    "While stopping, keep listening and answer new requests with 429 and 'Retry-After' until those in flight are done.",
  ),
  'shutdown-watch-termination-grace-period': built(
    duration,
    0,
    'Time that open watches get to end by themselves while stopping.',
  ),
  'storage-initialization-timeout': unbuilt(
    duration,
    60_000,
    'Time that the storage may take to come up before the server counts as ready anyway.',
  ),
  'strict-transport-security-directives': built(
    strings,
    [],
    "Directives of the Strict-Transport-Security header, comma-separated; empty sends none. Example: 'max-age=86400,includeSubDomains'",
  ),
}
