import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiscoveryV1EndpointSlice } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { endpointSlice } from './endpoint-slice.ts'
import { validateEndpointSlice } from './endpoint-slice-validation.ts'

const slice = (addressType: string, more: object = {}): DiscoveryV1EndpointSlice => ({
  metadata: { name: 's', generation: 3 },
  addressType,
  endpoints: [{ addresses: ['10.0.0.1'], ...more }],
})

test('an empty address is missing as a name, and none as an IP address', () => {
  const messages = (type: string) => validateEndpointSlice(slice(type, { addresses: [''] })).map(({ message }) => message)
  assert.deepEqual(messages('FQDN'), ['Required value'])
  assert.deepEqual(messages('IPv4'), ['Invalid value: "": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
})

test('topology of earlier versions is dropped and still counts as a change; an empty one does not', () => {
  const updated = (deprecatedTopology: Record<string, string>) => {
    const now = slice('IPv4', { deprecatedTopology })
    endpointSlice.prepareForUpdate?.(now, slice('IPv4'), writeContext())
    return [now.metadata?.generation, now.endpoints?.[0]?.deprecatedTopology]
  }
  assert.deepEqual(updated({ rack: '1' }), [4, undefined])
  assert.deepEqual(updated({}), [3, undefined])
})
