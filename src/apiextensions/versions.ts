import type {
  ApiextensionsV1CustomResourceDefinitionSpec,
  ApiextensionsV1CustomResourceDefinitionVersion,
} from '../generated/types.ts'
import { compareVersions } from '../machinery/version-order.ts'

type Spec = ApiextensionsV1CustomResourceDefinitionSpec
type Version = ApiextensionsV1CustomResourceDefinitionVersion

export function servedVersions(spec: Spec): Version[] {
  return (spec.versions ?? []).filter(({ served }) => served)
}

export function storageVersion(spec: Spec): string {
  return spec.versions?.find(({ storage }) => storage)?.name ?? ''
}

/** The Warning on every answer of a deprecated version. */
export function deprecationWarning(spec: Spec, kind: string, version: Version): string | undefined {
  if (!version.deprecated) return undefined
  if (version.deprecationWarning !== undefined && version.deprecationWarning !== null) return version.deprecationWarning
  const { group = '' } = spec
  const { name = '' } = version
  const better = servedVersions(spec)
    .filter((other) => !other.deprecated && compareVersions(other.name ?? '', name) < 0)
    .map((other) => other.name ?? '')
    .sort(compareVersions)[0]
  const text = `${group}/${name} ${kind} is deprecated`
  return better ? `${text}; use ${group}/${better} ${kind}` : text
}
