import { bytes, type Fields, int, Message, many, text } from '../../etcd/wire.ts'

/** The messages of the KMS plugin API v2, and the one that envelope encryption stores, by their field numbers. */

const annotation = new Message({ key: text(1), value: bytes(2) })

const statusRequest = new Message({})
const statusResponse = new Message({ version: text(1), healthz: text(2), keyId: text(3) })
const decryptRequest = new Message({ ciphertext: bytes(1), uid: text(2), keyId: text(3), annotations: many(4, () => annotation) })
const decryptResponse = new Message({ plaintext: bytes(1) })
const encryptRequest = new Message({ plaintext: bytes(1), uid: text(2) })
const encryptResponse = new Message({ ciphertext: bytes(1), keyId: text(2), annotations: many(3, () => annotation) })

/** How the plaintext of `encryptedDekSource` leads to the key that data is encrypted with. */
export const sourceType = { key: 0, seed: 1 } as const

/** A value as it is stored, after its prefix. */
export const encryptedObject = new Message({
  encryptedData: bytes(1),
  keyId: text(2),
  encryptedDekSource: bytes(3),
  annotations: many(4, () => annotation),
  sourceType: int(5),
})

export type EncryptedObject = ReturnType<typeof encryptedObject.decode>
export type KmsStatus = ReturnType<typeof statusResponse.decode>

export interface KmsMethod<Request extends Fields, Response extends Fields> {
  readonly path: string
  readonly request: Message<Request>
  readonly response: Message<Response>
}

const method = <Request extends Fields, Response extends Fields>(
  name: string,
  request: Message<Request>,
  response: Message<Response>,
): KmsMethod<Request, Response> => ({ path: `/v2.KeyManagementService/${name}`, request, response })

export const status = method('Status', statusRequest, statusResponse)
export const decrypt = method('Decrypt', decryptRequest, decryptResponse)
export const encrypt = method('Encrypt', encryptRequest, encryptResponse)
