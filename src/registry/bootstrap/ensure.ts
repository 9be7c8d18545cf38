import type { KubeObject } from '../../machinery/object.ts'
import { StatusError } from '../../machinery/status.ts'
import type { ObjectAccess } from '../context.ts'

/** Creates an object unless there is one of its name already, whoever made it. */
export async function ensureObject(access: ObjectAccess, object: KubeObject): Promise<void> {
  const { namespace = '', name = '' } = object.metadata ?? {}
  if (await access.get(namespace, name)) return
  try {
    await access.create(object)
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error
  }
}

export const isReason = (error: unknown, reason: string): boolean => error instanceof StatusError && error.reason === reason
