import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTimeZone, scheduleError } from './cron-schedule.ts'

test('schedules of five fields, and named ones', () => {
  for (const schedule of [
    '* * * * *',
    '*/15 2-5,22 1,15 * MON-FRI',
    '0 0 31 dec ?',
    '5/10 * * * 0-6/2',
    '@hourly',
    '@every 1h30m',
    'TZ=Etc/UTC 0 0 * * *',
  ]) {
    assert.equal(scheduleError(schedule), undefined, schedule)
  }
})

test('what is wrong with others', () => {
  const problems: Record<string, string> = {
    '': 'empty spec string',
    'a b': 'expected exactly 5 fields, found 2: [a b]',
    '@soon': 'unrecognized descriptor: @soon',
    '@every 1x': 'failed to parse duration @every 1x: time: unknown unit "x" in duration "1x"',
    '* * * * MON-FRI-SUN': 'too many hyphens: MON-FRI-SUN',
    '*/2/3 * * * *': 'too many slashes: */2/3',
    '60 * * * *': 'end of range (60) above maximum (59): 60',
    '* * 0 * *': 'beginning of range (0) below minimum (1): 0',
    '5-2 * * * *': 'beginning of range (5) beyond end of range (2): 5-2',
    '*/0 * * * *': 'step of range should be a positive number: */0',
    '* * * foo *': 'failed to parse int from foo: strconv.Atoi: parsing "foo": invalid syntax',
  }
  for (const [schedule, problem] of Object.entries(problems)) assert.equal(scheduleError(schedule), problem)
})

test('time zones by name only', () => {
  assert.ok(isTimeZone('Etc/UTC'))
  assert.ok(isTimeZone('Europe/Berlin'))
  assert.ok(!isTimeZone('Etc/UTC-other'))
  assert.ok(!isTimeZone('+05:00'))
})
