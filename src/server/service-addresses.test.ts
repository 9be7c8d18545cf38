import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestObjects } from '../admission/testing.ts'
import type { JsonObject } from '../machinery/json.ts'
import { ServiceAddresses } from './service-addresses.ts'

const service = (spec: JsonObject): JsonObject => ({
  metadata: { namespace: 'n', name: 's' },
  spec: { type: 'ClusterIP', clusterIP: '10.0.0.7', ports: [{ name: 'https', port: 443 }], ...spec },
})

const slice = (address: string, more: JsonObject = {}, conditions: JsonObject = {}): JsonObject => ({
  metadata: { namespace: 'n', name: address, labels: { 'kubernetes.io/service-name': 's' } },
  ports: [
    { name: 'metrics', port: 9000 },
    { name: 'https', port: 8443 },
  ],
  endpoints: [{ addresses: [address], conditions }],
  ...more,
})

function addresses(toEndpoints: boolean, services: JsonObject[], slices: JsonObject[] = []): ServiceAddresses {
  const objects = new TestObjects({ services, 'endpointslices.discovery.k8s.io': slices })
  return new ServiceAddresses({ objects, toEndpoints, random: (max) => max - 1 })
}

test('a service is reached by its cluster IP', async () => {
  const found = addresses(false, [service({})])
  assert.deepEqual(await found.resolve('n', 's', 443), { host: '10.0.0.7', port: 443 })
  await assert.rejects(found.resolve('n', 's', 80), { message: 'no service port 80 found for service "s"' })
  await assert.rejects(found.resolve('n', 'other', 443), { message: 'service "other" not found' })
  await assert.rejects(addresses(false, [service({ clusterIP: 'None' })]).resolve('n', 's', 443), {
    message: 'cannot route to service with ClusterIP "None"',
  })
})

test('a service of another name is reached there', async () => {
  const external = service({ type: 'ExternalName', externalName: 'example.com', clusterIP: '' })
  assert.deepEqual(await addresses(false, [external]).resolve('n', 's', 8443), { host: 'example.com', port: 8443 })
  await assert.rejects(addresses(true, [external]).resolve('n', 's', 443), { message: 'unsupported service type "ExternalName"' })
})

test('a service is reached by an endpoint that is ready', async () => {
  const slices = [slice('10.1.0.1'), slice('10.1.0.2', {}, { ready: true }), slice('10.1.0.3', {}, { ready: false })]
  assert.deepEqual(await addresses(true, [service({ clusterIP: 'None' })], slices).resolve('n', 's', 443), {
    host: '10.1.0.2',
    port: 8443,
  })
  const none = { message: 'no endpoints available for service "s"' }
  await assert.rejects(addresses(true, [service({})], [slice('10.1.0.3', {}, { ready: false })]).resolve('n', 's', 443), none)
  await assert.rejects(addresses(true, [service({})], [slice('10.1.0.1', { ports: [] })]).resolve('n', 's', 443), none)
})
