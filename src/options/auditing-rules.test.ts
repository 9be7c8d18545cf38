import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionsError } from './flag.ts'
import { parseOptions } from './options.ts'

const refused = (line: string, message: string): void =>
  assert.throws(
    () => parseOptions(line.split(' ')),
    (error) => error instanceof OptionsError && error.message === message,
  )

test('what the flags of audit can not be', () => {
  refused(
    '--audit-log-path=- --audit-log-mode=later',
    'invalid audit log mode later, allowed modes are "batch,blocking,blocking-strict"',
  )
  refused('--audit-log-path=- --audit-log-format=xml', 'invalid audit log format xml, allowed formats are "legacy,json"')
  refused('--audit-log-path=- --audit-log-maxage=-1', "--audit-log-maxage -1 can't be a negative number")
  refused(
    '--audit-log-path=- --audit-log-mode=batch --audit-log-batch-buffer-size=0',
    'invalid audit batch log buffer size 0, must be a positive number',
  )
  refused(
    '--audit-webhook-config-file=f --audit-webhook-batch-throttle-qps=0',
    'invalid audit batch webhook throttle QPS 0, must be a positive number',
  )
  refused(
    '--audit-webhook-config-file=f --audit-webhook-truncate-enabled --audit-webhook-truncate-max-batch-size=5',
    'invalid audit truncate webhook max batch size 5, must be greater than max event size (102400)',
  )
  refused(
    '--audit-log-path=- --audit-log-version=audit.k8s.io/v2',
    'invalid group version, allowed versions are [{"audit.k8s.io" "v1"}]',
  )
})

test('flags of a backend that is not used do not matter', () => {
  for (const line of [
    '--audit-log-mode=later --audit-log-maxage=-1',
    '--audit-webhook-batch-throttle-qps=0',
    '--audit-log-path=- --audit-log-batch-buffer-size=0',
    '--audit-webhook-config-file=f --audit-webhook-batch-throttle-enable=false --audit-webhook-batch-throttle-qps=0',
  ])
    assert.equal(parseOptions(line.split(' ')).kind, 'options')
})
