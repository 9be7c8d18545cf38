import type { ObjectForms } from '../admission/forms.ts'
import type { ObjectReader } from '../admission/objects.ts'
import type { MutatingPolicyDeps } from '../admission/policies/mutating.ts'
import type { ParamSource, ParamSources } from '../admission/policies/params.ts'
import type { Equivalents, VersionedKind } from '../admission/policies/rules.ts'
import type { PolicyDeps } from '../admission/policies/validating.ts'
import type { Attributes } from '../authorization/attributes.ts'
import type { Authorizer, Decision } from '../authorization/authorizer.ts'
import type { AuthorizationAnswer } from '../cel/library/authorizer.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { KindDefinition } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'

/** What admission policies have to know of the server around them. */
export function policyDeps(
  objects: ObjectReader,
  registry: Registry,
  authorizer: Authorizer,
  forms: ObjectForms,
): PolicyDeps & MutatingPolicyDeps {
  return {
    objects,
    equivalents: equivalents(registry),
    params: paramSources(registry),
    show: forms.show,
    forms,
    authorize: (user, question) => {
      const decision = authorizer.authorize(user as UserInfo, question as Attributes)
      return decision instanceof Promise ? decision.then(answerOf) : answerOf(decision)
    },
  }
}

function answerOf({ verdict, reason, error }: Decision): AuthorizationAnswer {
  return { allowed: verdict === 'allow', reason, ...(error === undefined ? {} : { error }) }
}

const NONE: readonly never[] = []

/** The other versions in which a resource's objects are served. */
function equivalents(registry: Registry): Equivalents {
  return ({ group, version, resource: name }) => {
    const endpoint = registry.find(group, version, name)
    if (!endpoint) return NONE
    const { kind } = endpoint.resource
    const versions = kind.custom ? customVersions(registry, kind) : kind.alsoServed?.length ? [kind, ...kind.alsoServed] : NONE
    if (versions.length === 0) return NONE
    return versions
      .filter((other) => other.group !== group || other.version !== version)
      .filter((other) => registry.find(other.group, other.version, name) !== undefined)
      .map((other) => ({
        resource: { group: other.group, version: other.version, resource: name },
        kind: { group: other.group, version: other.version, kind: kind.kind },
      }))
  }
}

/** Each version of a custom resource is a kind of its own. */
function customVersions(registry: Registry, { group, resource }: KindDefinition): readonly KindDefinition[] {
  return registry.kinds().filter((kind) => kind.custom && kind.group === group && kind.resource === resource)
}

/** Kinds by their names, found again when the server's kinds change. */
function paramSources(registry: Registry): ParamSources {
  let generation = -1
  const known = new Map<string, ParamSource | undefined>()
  return (kind) => {
    if (generation !== registry.generation) {
      generation = registry.generation
      known.clear()
    }
    const key = `${kind.group}/${kind.version}/${kind.kind}`
    if (!known.has(key)) known.set(key, sourceOf(registry, kind))
    return known.get(key)
  }
}

function sourceOf(registry: Registry, wanted: VersionedKind): ParamSource | undefined {
  const endpoint = registry.resourceOf(wanted)
  if (!endpoint || endpoint.served.kind.virtual) return undefined
  const { served, resource } = endpoint
  return {
    group: resource.kind.group,
    resource: resource.kind.resource,
    namespaced: served.kind.scope === 'Namespaced',
    show: (object) => served.fromStorage(object) as JsonObject,
  }
}
