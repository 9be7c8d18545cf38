import type { ResourceV1DeviceClaim } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalidObject } from '../../machinery/field-errors.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import type { WriteContext } from '../../registry/context.ts'

const LABEL = 'resource.kubernetes.io/admin-access'

/**
 * Only namespaces with a label of their own may hold claims for devices that are in use by others (KEP-5018). Reads the namespace, so
 * it comes before validation and tells of that, too.
 * @param validate what else is wrong
 * @throws StatusError 422
 */
export async function checkAdminAccess(
  object: KubeObject,
  kind: string,
  { requests }: ResourceV1DeviceClaim,
  context: WriteContext,
  validate: () => FieldError[],
): Promise<undefined> {
  // Absent requests are null.
  const asking = requests?.findIndex(({ exactly }) => exactly?.adminAccess) ?? -1
  if (asking < 0 || !context.env.settings.feature('DRAAdminAccess')) return undefined
  const namespace = await context.env.objects('namespaces').get('', context.namespace)
  if (namespace?.metadata?.labels?.[LABEL] === 'true') return undefined
  const detail = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`
  const errors = [forbiddenField(`spec.devices.requests[${asking}].adminAccess`, detail), ...validate()]
  throw invalidObject({ group: 'resource.k8s.io', kind }, metaOf(object).name ?? '', errors)
}
