import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileDeviceSelector, DEVICE_SELECTOR_COST, deviceValue } from './devices.ts'

const device = deviceValue('gpu.example.com', {
  attributes: {
    model: { string: 'A100' },
    'pci.example.com/slot': { int: 3 },
    ready: { bool: true },
    driverVersion: { version: '1.2.3' },
  },
  capacity: { memory: { value: '40Gi' } },
})

function matches(expression: string): unknown {
  const selector = compileDeviceSelector(expression)
  if (typeof selector === 'string') return selector.split('\n')[0]
  assert.ok(selector.maxCost <= DEVICE_SELECTOR_COST, `${expression}: ${selector.maxCost}`)
  return selector.program.evaluate({ device }).value
}

test('selectors of devices', () => {
  const cases: Record<string, unknown> = {
    "device.driver == 'gpu.example.com' && device.attributes['gpu.example.com'].model == 'A100'": true,
    "device.attributes['pci.example.com'].slot < 2": false,
    "device.attributes['gpu.example.com'].ready": true,
    "device.attributes['gpu.example.com'].driverVersion.isGreaterThan(semver('1.2.0'))": true,
    "device.capacity['gpu.example.com'].memory.compareTo(quantity('80Gi')) < 0": true,
    "has(device.attributes['nowhere.example.com'].x)": false,
    "cel.bind(gpu, device.attributes['gpu.example.com'], gpu.ready && gpu.model.startsWith('A'))": true,
    'device.nosuch': "compilation failed: ERROR: <input>:1:7: undefined field 'nosuch'",
    'device.driver': 'must evaluate to bool or the unknown type, not string',
  }
  for (const [expression, wanted] of Object.entries(cases)) assert.equal(matches(expression), wanted, expression)
})

test('selectors that may cost too much', () => {
  const all = 'device.attributes.all(a, device.attributes.all(b, '
  const selector = compileDeviceSelector(`${all.repeat(3)}true${'))'.repeat(3)}`.replaceAll(/\b([ab])\b,/g, '$1,'))
  assert.ok(typeof selector !== 'string' && selector.maxCost > DEVICE_SELECTOR_COST)
})
