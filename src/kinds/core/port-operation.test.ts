import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PortAllocator } from '../../registry/context.ts'
import { PortOperation } from './port-operation.ts'

const free: PortAllocator = {
  range: { base: 30_000, size: 100 },
  has: (port) => port === 2,
  allocateNext: () => assert.fail('a dry run takes nothing'),
  allocate: () => assert.fail('a dry run takes nothing'),
  release: () => assert.fail('a dry run takes nothing'),
}

test('ports that a dry run makes up follow the greatest that it takes', () => {
  const alone = new PortOperation(free, true)
  assert.deepEqual([alone.allocateNext(), alone.allocateNext()], [32_769, 32_770])
  const beside = new PortOperation(free, true)
  beside.allocate(30_080)
  assert.equal(beside.allocateNext(), 30_081)
  assert.throws(() => beside.allocate(30_080), /already allocated/)
})

test('low ones are those that are free', () => {
  const low = new PortOperation(free, true)
  low.allocate(-1)
  assert.deepEqual([low.allocateNext(), low.allocateNext()], [1, 3])
})
