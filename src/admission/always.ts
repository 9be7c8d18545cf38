import type { AdmissionPlugin } from './plugin.ts'
import { refusal } from './refusal.ts'

const ALL = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const

/** Lets everything through, as if it weren't there. */
export const alwaysAdmit: AdmissionPlugin = { name: 'AlwaysAdmit', operations: ALL }

/** Refuses everything, for tests. */
export const alwaysDeny: AdmissionPlugin = {
  name: 'AlwaysDeny',
  operations: ALL,
  admit(attributes) {
    throw refusal(attributes, 'admission control is denying all modifications')
  },
}
