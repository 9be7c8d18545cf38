import type { AdmissionregistrationV1ParamKind, AdmissionregistrationV1ParamRef } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalidObject } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { SYSTEM_PRIVILEGED_GROUP, type UserInfo } from '../../machinery/user.ts'
import type { WriteContext } from '../../registry/context.ts'
import { ADMISSION_GROUP } from './rules.ts'

type Policy = KubeObject & { spec?: { paramKind?: AdmissionregistrationV1ParamKind } }
type Binding = KubeObject & { spec?: { paramRef?: AdmissionregistrationV1ParamRef; policyName?: string } }

/**
 * Whoever stores a policy could read its parameters through it, and so must be able to read them anyway.
 *
 * @param old unset on create
 * @param errors what else is wrong with the policy, which goes first
 * @throws StatusError 422
 */
export async function checkParamKind(
  policy: Policy,
  old: Policy | undefined,
  context: WriteContext,
  errors: () => readonly FieldError[],
): Promise<undefined> {
  const paramKind = policy.spec?.paramKind
  if (!paramKind || isPrivileged(context) || equal(paramKind, old?.spec?.paramKind)) return
  if (await may(context, { verb: 'get', ...resourceOf(paramKind, context), name: '*', namespace: '*' })) return
  if (errors().length) return
  const { kind = '', apiVersion = '' } = paramKind
  const which = `must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`
  throw refused(policy, 'spec.paramKind', `user ${goUser(context.user)} ${which}`)
}

/**
 * The same for the parameters that a binding names.
 *
 * @param policies the resource of the policies that it can bind
 * @param old unset on create
 * @param errors what else is wrong with the binding, which goes first
 * @throws StatusError 422
 */
export async function checkParamRef(
  policies: string,
  binding: Binding,
  old: Binding | undefined,
  context: WriteContext,
  errors: () => readonly FieldError[],
): Promise<undefined> {
  const { paramRef, policyName = '' } = binding.spec ?? {}
  if (!paramRef || isPrivileged(context)) return
  if (equal(paramRef, old?.spec?.paramRef) && policyName === old?.spec?.policyName) return
  const policy: Policy | undefined = await context.env.objects(policies, ADMISSION_GROUP.group).get('', policyName)
  const verb = paramRef.name ? 'get' : 'list'
  const resource = resourceOf(policy?.spec?.paramKind, context)
  if (await may(context, { verb, ...resource, name: paramRef.name ?? '', namespace: paramRef.namespace ?? '' })) return
  if (errors().length) return
  const what = `does not have "${verb}" permission on the object referenced by paramRef`
  throw refused(binding, 'spec.paramRef', `user ${goUser(context.user)} ${what}`)
}

const isPrivileged = ({ user }: WriteContext): boolean => user.groups.includes(SYSTEM_PRIVILEGED_GROUP)

interface Question {
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly name: string
  readonly namespace: string
}

async function may({ user, env }: WriteContext, question: Question): Promise<boolean> {
  return (await env.access.authorize({ user, subresource: '', ...question })).allowed
}

/** As much of a kind's resource as is known: nothing but everything will do for what isn't. */
function resourceOf(paramKind: AdmissionregistrationV1ParamKind | undefined, { env }: WriteContext) {
  if (!paramKind) return { group: '*', version: '*', resource: '*' }
  const { apiVersion = '', kind = '' } = paramKind
  const slash = apiVersion.indexOf('/')
  const group = apiVersion.slice(0, Math.max(slash, 0))
  const version = apiVersion.slice(slash + 1)
  return { group, version, resource: env.resourceOf?.({ group, version, kind }) ?? '*' }
}

function refused(object: KubeObject, field: string, why: string) {
  const { kind = '', metadata } = object
  return invalidObject({ group: ADMISSION_GROUP.group, kind }, metadata?.name ?? '', [forbiddenField(field, why)])
}

/** A user as Go prints its struct. */
function goUser({ name, uid, groups, extra }: UserInfo): string {
  const keys = Object.keys(extra).sort()
  const map = keys.map((key) => `${key}:[${extra[key]?.join(' ') ?? ''}]`).join(' ')
  return `&{${name} ${uid} [${groups.join(' ')}] map[${map}]}`
}
