import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdmissionChain, type AdmissionPlugin } from './plugin.ts'
import { asked } from './testing.ts'

test('plugins take part in their operations, in order, each phase by itself', async () => {
  const calls: string[] = []
  const plugins: AdmissionPlugin[] = []
  const chain = new AdmissionChain(plugins)
  plugins.push(
    {
      name: 'a',
      operations: ['CREATE', 'DELETE'],
      admit: async () => void calls.push('a admits'),
      validate: () => void calls.push('a validates'),
    },
    { name: 'b', operations: ['UPDATE'], admit: () => void calls.push('b admits') },
    { name: 'c', operations: ['CREATE'], admit: () => void calls.push('c admits') },
  )
  await chain.admit(asked('pods'))
  await chain.validate(asked('pods'))
  assert.deepEqual(calls, ['a admits', 'c admits', 'a validates'])
})
