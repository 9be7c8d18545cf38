import { forbidden, type StatusError } from '../machinery/status.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** The 403 of a plugin. Before an object has a name, its generateName stands for it. */
export function refusal(attributes: AdmissionAttributes, cause: string): StatusError {
  const { name, generateName } = attributes.object?.metadata ?? {}
  return forbidden(attributes.resource, attributes.name || name || generateName || 'Unknown', cause)
}

/** Whether the request is about this resource itself, not about one of its subresources. */
export function isFor({ resource, subresource }: AdmissionAttributes, name: string, group = ''): boolean {
  return resource.resource === name && resource.group === group && subresource === ''
}
