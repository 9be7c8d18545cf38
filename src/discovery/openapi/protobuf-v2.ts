import type { ProtoWriter } from '../protobuf.ts'
import { protoDocument, writeAny, writeExtensions, writeLimits, writeNamed } from './protobuf-parts.ts'
import type { Schema } from './schemas.ts'
import type { DocumentV2, OperationV2, ParameterV2, PathV2 } from './v2.ts'

/** Fields of PathItem by method. */
const METHODS = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 } as const

/** A version 2 document as gnostic's openapi.v2.Document. */
export function encodeV2(document: DocumentV2): Buffer {
  return protoDocument((w) => {
    w.string(1, document.swagger)
    w.message(2, () => {
      w.string(1, document.info.title)
      w.string(2, document.info.version)
    })
    w.message(8, () => {
      for (const [path, item] of Object.entries(document.paths)) writeNamed(w, 2, path, () => writePath(w, item))
    })
    w.message(9, () => writeSchemas(w, document.definitions))
    w.message(10, () => {
      for (const [name, parameter] of Object.entries(document.parameters)) {
        writeNamed(w, 1, name, () => writeParameter(w, parameter))
      }
    })
    for (const requirement of document.security) {
      w.message(12, () => {
        for (const name of Object.keys(requirement)) writeNamed(w, 1, name, () => {})
      })
    }
    w.message(13, () => {
      for (const [name, scheme] of Object.entries(document.securityDefinitions)) {
        writeNamed(w, 1, name, () => {
          w.message(2, () => {
            w.string(1, scheme.type)
            w.string(2, scheme.name)
            w.string(3, scheme.in)
            w.string(4, scheme.description)
          })
        })
      }
    })
  })
}

function writePath(w: ProtoWriter, item: PathV2): void {
  for (const [method, field] of Object.entries(METHODS)) {
    const operation = item[method as keyof typeof METHODS]
    if (operation) w.message(field, () => writeOperation(w, operation))
  }
  for (const parameter of item.parameters ?? []) writeParametersItem(w, 9, parameter)
}

function writeOperation(w: ProtoWriter, operation: OperationV2): void {
  for (const tag of operation.tags) w.string(1, tag)
  if (operation.description) w.string(3, operation.description)
  w.string(5, operation.operationId)
  for (const type of operation.produces ?? []) w.string(6, type)
  for (const type of operation.consumes ?? []) w.string(7, type)
  for (const parameter of operation.parameters ?? []) writeParametersItem(w, 8, parameter)
  w.message(9, () => {
    for (const [code, response] of Object.entries(operation.responses)) {
      writeNamed(w, 1, code, () => {
        w.message(1, () => {
          w.string(1, response.description)
          const { schema } = response
          if (schema) w.message(2, () => w.message(1, () => writeSchema(w, schema)))
        })
      })
    }
  })
  for (const scheme of operation.schemes) w.string(10, scheme)
  writeExtensions(w, 13, operation)
}

function writeParametersItem(w: ProtoWriter, field: number, parameter: ParameterV2): void {
  const { $ref } = parameter
  w.message(field, () => {
    if ($ref) w.message(2, () => w.string(1, $ref))
    else w.message(1, () => writeParameter(w, parameter))
  })
}

function writeParameter(w: ProtoWriter, parameter: ParameterV2): void {
  const { schema } = parameter
  if (schema) {
    w.message(1, () => {
      if (parameter.description) w.string(1, parameter.description)
      w.string(2, parameter.name ?? '')
      w.string(3, parameter.in ?? '')
      if (parameter.required) w.bool(4, true)
      w.message(5, () => writeSchema(w, schema))
    })
    return
  }
  const inPath = parameter.in === 'path'
  w.message(2, () => {
    w.message(inPath ? 4 : 3, () => {
      if (parameter.required) w.bool(1, true)
      w.string(2, parameter.in ?? '')
      if (parameter.description) w.string(3, parameter.description)
      w.string(4, parameter.name ?? '')
      // Path parameters can't be empty, so what follows stands one field earlier.
      w.string(inPath ? 5 : 6, parameter.type ?? '')
      if (parameter.uniqueItems) w.bool(inPath ? 19 : 20, true)
    })
  })
}

function writeSchemas(w: ProtoWriter, schemas: Record<string, Schema>): void {
  for (const [name, schema] of Object.entries(schemas)) writeNamed(w, 1, name, () => writeSchema(w, schema))
}

function writeSchema(w: ProtoWriter, schema: Schema): void {
  const { items, properties, additionalProperties: values, type } = schema
  if (schema.$ref) w.string(1, schema.$ref)
  if (schema.format) w.string(2, schema.format)
  if (schema.title) w.string(3, schema.title)
  if (schema.description) w.string(4, schema.description)
  writeLimits(w, 6, schema)
  for (const name of schema.required ?? []) w.string(19, name)
  for (const value of schema.enum ?? []) w.message(20, () => writeAny(w, value))
  if (typeof values === 'boolean') w.message(21, () => w.bool(2, values))
  else if (values) w.message(21, () => w.message(1, () => writeSchema(w, values)))
  if (type) w.message(22, () => w.string(1, type))
  if (items) w.message(23, () => w.message(1, () => writeSchema(w, items)))
  if (properties) w.message(25, () => writeSchemas(w, properties))
  writeExtensions(w, 31, schema)
}
