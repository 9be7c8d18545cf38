import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AesCbc, AesGcm, ExtendedNonceGcm } from './aes.ts'
import { EnvelopeTransformer } from './kms/envelope.ts'
import { Secretbox } from './secretbox.ts'
import { identity, PrefixTransformers, type Transformer } from './transformer.ts'

const counting = (from: number, length: number) => Buffer.from(Array.from({ length }, (_, i) => from + i))
const KEY = counting(0, 32)
const VALUE = '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}'
const PLACE = '/registry/secrets/default/a'
const ignore = () => {}

/** Made by another implementation (OpenSSL through Python's cryptography), in the reference's layout. */
const KNOWN = {
  aescbc:
    'azhzOmVuYzphZXNjYmM6djE6a2V5MToQERITFBUWFxgZGhscHR4fltU7Px1HN+9R6vXvkMFcqFzIVLv+IU0hQ4keDdUGePQ9iPzfqo9i8SwQrDHWhqJ5THpKagcM0bPxBs3/QQGmCA==',
  aesgcm:
    'azhzOmVuYzphZXNnY206djE6a2V5MToAAQIDBAUGBwgJCgs8IL1yq4HgIa8S8ujDjAxPr/TmRJktOg5LDorrP1MixDAygt7CpGb5EMULjKq9UxqAOA3oeOyBux3qV8xhXCHsBxqXlE1iWZ73z8U=',
  kms: 'azhzOmVuYzprbXM6djI6cGx1Z2luOgp3ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoMAAQIDBAUGBwgJCgvXUb6zzX3vSiTJdkY0b6rE1rJe+503Gr4VTUCdooAOLA+HCsbD8dEe+YR2ir9DHSCxkI13V7/X2pS/AglDDb+CdQUztMVSakFAVFUSBWtleS0xGih3cmFwcGVkOgABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fIiEKG2xvY2FsLWtlay5rbXMua3ViZXJuZXRlcy5pbxICAQIoAQ==',
}

const keyed = (name: string, key: string, transformer: Transformer): PrefixTransformers =>
  new PrefixTransformers(
    'no matching prefix found',
    [
      {
        prefix: `k8s:enc:${name}:v1:`,
        transformer: new PrefixTransformers('no matching key was found', [{ prefix: `${key}:`, transformer }], ignore),
      },
    ],
    ignore,
  )

test('reads what another implementation encrypted with AES', () => {
  const cbc = keyed('aescbc', 'key1', new AesCbc(KEY)).fromStorage(Buffer.from(KNOWN.aescbc, 'base64'), PLACE)
  assert.deepEqual({ ...cbc, value: cbc.value.toString() }, { value: VALUE, stale: false })
  const gcm = keyed('aesgcm', 'key1', new AesGcm(KEY)).fromStorage(Buffer.from(KNOWN.aesgcm, 'base64'), PLACE)
  assert.deepEqual({ ...gcm, value: gcm.value.toString() }, { value: VALUE, stale: false })
})

test('reads what another implementation encrypted with a KMS plugin, whose seed it asks for once', async () => {
  const asked: unknown[] = []
  const envelope = new EnvelopeTransformer({
    writeKey: () => assert.fail(),
    currentKeyId: () => 'key-1',
    decrypt: async ({ encryptedDekSource, keyId, annotations }) => {
      asked.push([keyId, annotations.map(({ key, value }) => [key, [...value]])])
      return encryptedDekSource.subarray('wrapped:'.length)
    },
    missed: ignore,
    used: ignore,
  })
  const transformer = new PrefixTransformers('no', [{ prefix: 'k8s:enc:kms:v2:plugin:', transformer: envelope }], ignore)
  const stored = Buffer.from(KNOWN.kms, 'base64')
  assert.throws(() => transformer.fromStorage(stored, PLACE), /failed to decrypt DEK/)
  await Promise.all([transformer.prepare!(stored), transformer.prepare!(stored)])
  const { value, stale } = transformer.fromStorage(stored, PLACE)
  assert.equal(value.toString(), VALUE)
  assert.equal(stale, false)
  assert.equal(transformer.prepare!(stored), undefined)
  assert.deepEqual(asked, [['key-1', [['local-kek.kms.kubernetes.io', [1, 2]]]]])
})

test("secretbox passes NaCl's own test", async () => {
  const hex = (text: string) => Buffer.from(text, 'hex')
  const box = await Secretbox.create(hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389'))
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
  const message = hex(
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705',
  )
  const sealed = hex(
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5',
  )
  assert.deepEqual(box.fromStorage(Buffer.concat([nonce, sealed])).value, message)
})

const secretbox = await Secretbox.create(KEY)
const ALL: readonly [name: string, transformer: Transformer, bound: boolean][] = [
  ['AES-CBC with 128 bits', new AesCbc(KEY.subarray(0, 16)), false],
  ['AES-CBC with 192 bits', new AesCbc(KEY.subarray(0, 24)), false],
  ['AES-CBC', new AesCbc(KEY), false],
  ['AES-GCM with 128 bits', new AesGcm(KEY.subarray(0, 16)), true],
  ['AES-GCM with 192 bits', new AesGcm(KEY.subarray(0, 24)), true],
  ['AES-GCM', new AesGcm(KEY), true],
  ['AES-GCM with derived keys', new ExtendedNonceGcm(KEY), true],
  ['secretbox', secretbox, false],
]

for (const [name, transformer, bound] of ALL) {
  test(`${name}: what is written is read again, whatever its length`, () => {
    for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 4096]) {
      const value = Buffer.alloc(length, 7)
      const stored = transformer.toStorage(value, PLACE)
      assert.notDeepEqual(stored, transformer.toStorage(value, PLACE), 'twice the same is encrypted differently')
      assert.deepEqual(transformer.fromStorage(stored, PLACE), { value, stale: false })
    }
  })

  test(`${name}: a change anywhere, and a value that was cut off, are noticed or give another value`, () => {
    const value = Buffer.from(VALUE)
    const stored = transformer.toStorage(value, PLACE)
    for (let i = 0; i < stored.length; i++) {
      const tampered = Buffer.from(stored)
      tampered[i]! ^= 1
      const read = () => transformer.fromStorage(tampered, PLACE).value
      if (transformer instanceof AesCbc) {
        try {
          assert.notDeepEqual(read(), value)
        } catch (error) {
          assert.match((error as Error).message, /padding|padded|to be/)
        }
      } else assert.throws(read, /message authentication failed|output array was not large enough/)
    }
    for (const length of [0, 1, 11, 15, stored.length - 1])
      assert.throws(() => transformer.fromStorage(stored.subarray(0, length), PLACE))
  })

  test(`${name}: ${bound ? 'is' : 'is not'} bound to where it is stored`, () => {
    const stored = transformer.toStorage(Buffer.from(VALUE), PLACE)
    const read = () => transformer.fromStorage(stored, `${PLACE}b`).value.toString()
    if (bound) assert.throws(read, { message: 'cipher: message authentication failed' })
    else assert.equal(read(), VALUE)
  })
}

test('the first of several writes, all read, and what another one wrote is stale', () => {
  const prefixed = (...keys: [name: string, byte: number][]) =>
    new PrefixTransformers(
      'no matching key was found for the provided AES transformer',
      keys.map(([name, byte]) => ({ prefix: `${name}:`, transformer: new AesGcm(Buffer.alloc(32, byte)) })),
      ignore,
    )
  const before = prefixed(['old', 1])
  const rotating = prefixed(['new', 2], ['old', 1])
  const after = prefixed(['new', 2])
  const old = before.toStorage(Buffer.from(VALUE), PLACE)
  assert.equal(old.subarray(0, 4).toString(), 'old:')
  assert.deepEqual(rotating.fromStorage(old, PLACE), { value: Buffer.from(VALUE), stale: true })
  const fresh = rotating.toStorage(Buffer.from(VALUE), PLACE)
  assert.equal(fresh.subarray(0, 4).toString(), 'new:')
  assert.deepEqual(after.fromStorage(fresh, PLACE), { value: Buffer.from(VALUE), stale: false })
  assert.throws(() => after.fromStorage(old, PLACE), { message: 'no matching key was found for the provided AES transformer' })
})

test('one provider given twice, with a key each, finds the right one; a wrong key of the same name says why', () => {
  const provider = (name: string, byte: number) => ({
    prefix: 'k8s:enc:aescbc:v1:',
    transformer: new PrefixTransformers(
      'no matching key was found for the provided AES transformer',
      [{ prefix: `${name}:`, transformer: new AesGcm(Buffer.alloc(32, byte)) }],
      ignore,
    ),
  })
  const old = new PrefixTransformers('no', [provider('1', 1)], ignore).toStorage(Buffer.from(VALUE), PLACE)
  const both = new PrefixTransformers('no', [provider('2', 2), provider('1', 1)], ignore)
  assert.deepEqual(both.fromStorage(old, PLACE), { value: Buffer.from(VALUE), stale: true })
  assert.throws(() => new PrefixTransformers('no', [provider('1', 3)], ignore).fromStorage(old, PLACE), {
    message: 'cipher: message authentication failed',
  })
  assert.throws(() => new PrefixTransformers('no', [provider('2', 3), provider('1', 3)], ignore).fromStorage(old, PLACE), {
    message: '[no matching key was found for the provided AES transformer, cipher: message authentication failed]',
  })
})

test('identity leaves values alone, reads no encrypted ones, and gives way to whom it is before', () => {
  const value = Buffer.from(VALUE)
  assert.equal(identity.toStorage(value, PLACE), value)
  const gcm = { prefix: 'k8s:enc:aesgcm:v1:', transformer: new AesGcm(KEY) }
  const encrypting = new PrefixTransformers('no matching prefix found', [gcm, { prefix: '', transformer: identity }], ignore)
  assert.deepEqual(encrypting.fromStorage(value, PLACE), { value, stale: true })
  const stored = encrypting.toStorage(value, PLACE)
  const decrypting = new PrefixTransformers('no matching prefix found', [{ prefix: '', transformer: identity }, gcm], ignore)
  assert.equal(decrypting.toStorage(value, PLACE), value, 'the very buffer is stored')
  assert.deepEqual(decrypting.fromStorage(stored, PLACE), { value, stale: true })
  assert.throws(() => identity.fromStorage(stored, PLACE), { message: 'identity transformer tried to read encrypted data' })
  const none = new PrefixTransformers('no matching prefix found', [{ prefix: '', transformer: identity }], ignore)
  assert.throws(() => none.fromStorage(stored, PLACE), { message: 'no matching prefix found' })
})
