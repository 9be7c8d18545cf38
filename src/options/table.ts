import { admission } from './admission.ts'
import { apiEnablement } from './api-enablement.ts'
import { auditing } from './auditing.ts'
import { authentication } from './authentication.ts'
import { authorization } from './authorization.ts'
import { egressSelector } from './egress-selector.ts'
import { etcd } from './etcd.ts'
import { features } from './features.ts'
import type { Flag, FlagTable, Values } from './flag.ts'
import { generic } from './generic.ts'
import { global } from './global.ts'
import { logs } from './logs.ts'
import { metrics } from './metrics.ts'
import { misc } from './misc.ts'
import { secureServing } from './secure-serving.ts'
import { standalone } from './standalone.ts'
import { traces } from './traces.ts'

/** The groups in the order in which help prints them. */
export const groups: readonly (readonly [title: string, table: FlagTable])[] = [
  ['Generic', generic],
  ['Etcd', etcd],
  ['Secure serving', secureServing],
  ['Auditing', auditing],
  ['Features', features],
  ['Authentication', authentication],
  ['Authorization', authorization],
  ['API enablement', apiEnablement],
  ['Egress selector', egressSelector],
  ['Admission', admission],
  ['Metrics', metrics],
  ['Logs', logs],
  ['Traces', traces],
  ['Misc', misc],
  ['Standalone', standalone],
  ['Global', global],
]

type Table = typeof generic &
  typeof etcd &
  typeof secureServing &
  typeof auditing &
  typeof features &
  typeof authentication &
  typeof authorization &
  typeof apiEnablement &
  typeof egressSelector &
  typeof admission &
  typeof metrics &
  typeof logs &
  typeof traces &
  typeof misc &
  typeof standalone &
  typeof global

/**
 * What the command line says, one property a flag, named as the flag in camel case (`--tls-cert-file` is `tlsCertFile`).
 * Durations are in milliseconds.
 */
export type Options = Values<Table>

/** Every flag by its name. */
export const flags: ReadonlyMap<string, Flag<unknown>> = new Map(groups.flatMap(([, table]) => Object.entries(table)))
