import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUserHeader, userHeaders } from './user-headers.ts'

const user = (more: object = {}) => ({ name: 'ann', uid: '', groups: [], extra: {}, ...more })

test('all that is known of a user', () => {
  assert.deepEqual(userHeaders(user()), { 'x-remote-user': 'ann' })
  const whole = user({ uid: '7', groups: ['a', 'b'], extra: { 'acme.com/project': ['x', 'y'], 'a%b': ['z'] } })
  assert.deepEqual(userHeaders(whole), {
    'x-remote-user': 'ann',
    'x-remote-uid': '7',
    'x-remote-group': ['a', 'b'],
    'x-remote-extra-acme.com%2fproject': ['x', 'y'],
    'x-remote-extra-a%25b': ['z'],
  })
})

test('names are sent in UTF-8, or not at all', () => {
  assert.equal(Buffer.from(String(userHeaders(user({ name: 'Jürgen' }))['x-remote-user']), 'latin1').toString(), 'Jürgen')
  for (const name of ['a\nb', 'a\rb', 'a\0b', 'a\x7fb'])
    assert.throws(() => userHeaders(user({ name })), { message: 'net/http: invalid header field value for "X-Remote-User"' })
  assert.throws(() => userHeaders(user({ groups: ['fine', 'system:masters\n'] })), /"X-Remote-Group"/)
  assert.throws(() => userHeaders(user({ extra: { a: ['\n'] } })), /"X-Remote-Extra-a"/)
})

test('which headers say who a user is', () => {
  for (const name of ['x-remote-user', 'x-remote-uid', 'x-remote-group', 'x-remote-extra-', 'x-remote-extra-a'])
    assert.ok(isUserHeader(name), name)
  for (const name of ['x-remote', 'x-remote-users', 'remote-user', 'x-forwarded-for']) assert.ok(!isUserHeader(name), name)
})
