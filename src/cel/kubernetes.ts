import { Environment } from './environment.ts'
import type { Overload } from './functions.ts'
import { addresses, addressTypes } from './library/addresses.ts'
import { authorization } from './library/authorizer.ts'
import { formats } from './library/formats.ts'
import { lists } from './library/lists.ts'
import { operators } from './library/operators.ts'
import { optionals } from './library/optionals.ts'
import { quantities } from './library/quantities.ts'
import { regularExpressions } from './library/regular-expressions.ts'
import { versions } from './library/semver.ts'
import { sets } from './library/sets.ts'
import { standard } from './library/standard.ts'
import { strings } from './library/strings.ts'
import { urls } from './library/urls.ts'
import { DYN, optionalType } from './types.ts'

const LIBRARIES: readonly Overload[] = [
  ...operators,
  ...standard,
  ...optionals,
  ...strings,
  ...lists,
  ...sets,
  ...regularExpressions,
  ...urls,
  ...quantities,
  ...addresses,
  ...formats,
  ...versions,
  ...authorization,
]

/**
 * What every expression in Kubernetes can use, without any variables.
 *
 * @see https://kubernetes.io/docs/reference/using-api/cel/
 */
export const kubernetes: Environment = new Environment({
  functions: LIBRARIES,
  types: {
    optional_type: optionalType(DYN),
    ...Object.fromEntries(addressTypes.map((type) => [type.name, type])),
  },
})
