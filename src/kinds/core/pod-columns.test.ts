import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1ContainerStatus, CoreV1Pod } from '../../generated/types.ts'
import { podColumns } from './pod-columns.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')

const shown = (pod: CoreV1Pod) => podColumns.slice(0, 3).map((column) => column.cell(pod, NOW))

const status = (name: string, rest: CoreV1ContainerStatus): CoreV1ContainerStatus => ({
  name,
  restartCount: 0,
  ready: false,
  ...rest,
})

test('what a pod is doing', () => {
  const spec = { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }] }
  const cases: [status: NonNullable<CoreV1Pod['status']>, cells: string[]][] = [
    [{ phase: 'Pending' }, ['0/2', 'Pending', '0']],
    [{ phase: 'Failed', reason: 'Evicted' }, ['0/2', 'Evicted', '0']],
    [
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      ['0/2', 'SchedulingGated', '0'],
    ],
    [{ phase: 'Pending', initContainerStatuses: [status('i', { state: { running: {} } })] }, ['0/2', 'Init:0/2', '0']],
    [
      { phase: 'Pending', initContainerStatuses: [status('i', { restartCount: 3, state: { terminated: { exitCode: 2 } } })] },
      ['0/2', 'Init:ExitCode:2', '3'],
    ],
    [
      {
        phase: 'Running',
        initContainerStatuses: [
          status('i', { restartCount: 1, state: { terminated: { exitCode: 0 } } }),
          status('s', { started: true, ready: true, restartCount: 1, state: { running: {} } }),
        ],
        containerStatuses: [
          status('a', {
            ready: true,
            restartCount: 2,
            state: { running: {} },
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } },
          }),
        ],
      },
      ['2/2', 'Running', '3 (5m ago)'],
    ],
    [
      { phase: 'Running', containerStatuses: [status('a', { state: { waiting: { reason: 'CrashLoopBackOff' } } })] },
      ['0/2', 'CrashLoopBackOff', '0'],
    ],
  ]
  for (const [podStatus, cells] of cases) assert.deepEqual(shown({ spec, status: podStatus }), cells, JSON.stringify(podStatus))
})

test('a pod that is being deleted is terminating unless it ended or its node is lost', () => {
  const deleted = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: { containers: [{ name: 'a' }] } }
  assert.equal(shown({ ...deleted, status: { phase: 'Running' } })[1], 'Terminating')
  assert.equal(shown({ ...deleted, status: { phase: 'Succeeded' } })[1], 'Succeeded')
  assert.equal(shown({ ...deleted, status: { phase: 'Running', reason: 'NodeLost' } })[1], 'Unknown')
})
