import type {
  ApiextensionsV1CustomResourceDefinition,
  ApiextensionsV1CustomResourceDefinitionSpec,
  ApiextensionsV1CustomResourceDefinitionVersion,
  ApiextensionsV1CustomResourceSubresources,
} from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import type { Schema } from '../../machinery/json-schema/schema.ts'

type Version = ApiextensionsV1CustomResourceDefinitionVersion

/** What versions share or have each for themselves. */
const SHAREABLE = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const
type Shareable = Pick<Version, (typeof SHAREABLE)[number]>

/**
 * A spec as the reference validates it: what all versions have alike is told once, at the top, and nowhere else, which is where
 * errors find it.
 */
export interface InternalSpec {
  spec: ApiextensionsV1CustomResourceDefinitionSpec
  /** What is the same in all versions. */
  shared: Shareable
  /** Each version with what it has for itself. */
  versions: Version[]
}

export function internalSpec(object: ApiextensionsV1CustomResourceDefinition): InternalSpec {
  const spec = object.spec ?? {}
  const given = spec.versions ?? []
  const [first] = given
  const shared: Shareable = {}
  const versions = given.map((version) => ({ ...version }))
  for (const name of SHAREABLE) {
    if (!first || !given.every((version) => equal(version[name], first[name]))) continue
    Object.assign(shared, { [name]: first[name] })
    for (const version of versions) version[name] = undefined as never
  }
  return { spec, shared, versions }
}

/** Every schema of a spec, wherever it stands. */
export function schemasOf({ shared, versions }: InternalSpec): Schema[] {
  return [shared, ...versions].map(({ schema }) => schema?.openAPIV3Schema).filter((schema) => schema !== undefined)
}

export const hasStatus = (subresources: ApiextensionsV1CustomResourceSubresources | undefined): boolean =>
  subresources?.status !== undefined
