import type { CoreV1ConfigMap } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { isConfigMapKey } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { base64Length, immutableData, MAX_DATA_BYTES, sizeOf, tooLarge } from './data.ts'

const count = (map: object | undefined): number => Object.keys(map ?? {}).length

export const configMap = defineKind<CoreV1ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  resource: 'configmaps',
  shortNames: ['cm'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.ConfigMap',
  validate: validateConfigMap,
  validateUpdate: (map, old) => [...immutableData(map, old, ['data', 'binaryData']), ...validateConfigMap(map)],
  columns: [column('Data', '@io.k8s.api.core.v1.ConfigMap.data', (map) => count(map.data) + count(map.binaryData)), age],
})

function validateConfigMap(map: CoreV1ConfigMap): FieldError[] {
  const errors: FieldError[] = []
  const data = map.data ?? {}
  const binary = map.binaryData ?? {}
  for (const key in data) {
    const field = `data[${key}]`
    errors.push(...isConfigMapKey(key).map((message) => invalid(field, key, message)))
    if (key in binary) errors.push(invalid(field, key, `duplicate of key present in binaryData`))
  }
  for (const key in binary) errors.push(...isConfigMapKey(key).map((message) => invalid(`binaryData[${key}]`, key, message)))
  const size = sizeOf(data, (text) => Buffer.byteLength(text)) + sizeOf(binary, base64Length)
  if (size > MAX_DATA_BYTES) errors.push(tooLarge('[]'))
  return errors
}
