import { AuditEvent, type EventInit } from './event.ts'
import type { Level } from './policy.ts'

/** An event with all there has to be. */
export function event(auditId: string, { level = 'Metadata', ...more }: Partial<EventInit> & { level?: Level } = {}): AuditEvent {
  return new AuditEvent({
    request: {
      level,
      auditId,
      requestUri: '/api/v1/namespaces/n/pods?limit=1',
      verb: 'list',
      user: { name: 'alice', uid: 'u', groups: ['dev', 'ops'], extra: { b: ['2'], a: ['1'] } },
      sourceIps: ['10.0.0.1', '127.0.0.1'],
      userAgent: 'test "x"',
      received: '2026-11-24T14:30:00.000000Z',
    },
    stage: 'ResponseComplete',
    impersonatedUser: undefined,
    constraint: '',
    objectRef: { resource: 'pods', namespace: 'n', apiVersion: 'v1' },
    responseStatus: { code: 200 },
    requestObject: undefined,
    responseObject: undefined,
    stageTimestamp: '2026-11-24T14:30:00.001000Z',
    annotations: undefined,
    ...more,
  })
}

export const idOf = (one: AuditEvent): string => (JSON.parse(one.json) as { auditID: string }).auditID

/** Resolves once the condition holds. @throws Error after two seconds */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 2000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it never came to that')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
