import type { ProtoWriter } from '../protobuf.ts'
import { protoDocument, writeAny, writeExtensions, writeLimits, writeNamed } from './protobuf-parts.ts'
import type { Schema } from './schemas.ts'
import type { DocumentV3, MediaTypes, OperationV3, ParameterV3, PathV3 } from './v3.ts'

/** Fields of PathItem by method. */
const METHODS = { get: 4, put: 5, post: 6, delete: 7, options: 8, head: 9, patch: 10 } as const

/** A version 3 document as gnostic's openapi.v3.Document. */
export function encodeV3(document: DocumentV3): Buffer {
  return protoDocument((w) => {
    w.string(1, document.openapi)
    w.message(2, () => {
      w.string(1, document.info.title)
      w.string(6, document.info.version)
    })
    w.message(4, () => {
      for (const [path, item] of Object.entries(document.paths)) writeNamed(w, 1, path, () => writePath(w, item))
    })
    w.message(5, () => {
      const { schemas, securitySchemes } = document.components
      if (schemas) w.message(1, () => writeSchemas(w, schemas))
      if (!securitySchemes) return
      w.message(7, () => {
        for (const [name, scheme] of Object.entries(securitySchemes)) {
          writeNamed(w, 1, name, () => {
            w.message(1, () => {
              w.string(1, scheme.type)
              w.string(2, scheme.description)
              w.string(3, scheme.name)
              w.string(4, scheme.in)
            })
          })
        }
      })
    })
  })
}

function writePath(w: ProtoWriter, item: PathV3): void {
  for (const [method, field] of Object.entries(METHODS)) {
    const operation = item[method as keyof typeof METHODS]
    if (operation) w.message(field, () => writeOperation(w, operation))
  }
  for (const parameter of item.parameters ?? []) writeParameter(w, 13, parameter)
}

function writeOperation(w: ProtoWriter, operation: OperationV3): void {
  for (const tag of operation.tags) w.string(1, tag)
  if (operation.description) w.string(3, operation.description)
  w.string(5, operation.operationId)
  for (const parameter of operation.parameters ?? []) writeParameter(w, 6, parameter)
  const body = operation.requestBody
  if (body) {
    w.message(7, () => {
      w.message(1, () => {
        w.message(2, () => writeContent(w, body.content))
        if (body.required) w.bool(3, true)
      })
    })
  }
  w.message(8, () => {
    for (const [code, response] of Object.entries(operation.responses)) {
      writeNamed(w, 2, code, () => {
        w.message(1, () => {
          w.string(1, response.description)
          const { content } = response
          if (content) w.message(3, () => writeContent(w, content))
        })
      })
    }
  })
  writeExtensions(w, 13, operation)
}

function writeParameter(w: ProtoWriter, field: number, parameter: ParameterV3): void {
  w.message(field, () => {
    w.message(1, () => {
      w.string(1, parameter.name)
      w.string(2, parameter.in)
      if (parameter.description) w.string(3, parameter.description)
      if (parameter.required) w.bool(4, true)
      w.message(10, () => writeSchema(w, parameter.schema))
    })
  })
}

function writeContent(w: ProtoWriter, content: MediaTypes): void {
  for (const [name, { schema }] of Object.entries(content)) {
    writeNamed(w, 1, name, () => {
      if (schema) w.message(1, () => writeSchema(w, schema))
    })
  }
}

function writeSchemas(w: ProtoWriter, schemas: Record<string, Schema>): void {
  for (const [name, schema] of Object.entries(schemas)) writeNamed(w, 1, name, () => writeSchema(w, schema))
}

/** A SchemaOrReference. */
function writeSchema(w: ProtoWriter, schema: Schema): void {
  const { $ref } = schema
  if ($ref) {
    w.message(2, () => w.string(1, $ref))
    return
  }
  writePlainSchema(w, 1, schema)
}

function writePlainSchema(w: ProtoWriter, field: number, schema: Schema): void {
  w.message(field, () => {
    const { items, properties, additionalProperties: values } = schema
    if (schema.nullable) w.bool(1, true)
    if (schema.title) w.string(9, schema.title)
    writeLimits(w, 10, schema)
    for (const name of schema.required ?? []) w.string(23, name)
    for (const value of schema.enum ?? []) w.message(24, () => writeAny(w, value))
    if (schema.type) w.string(25, schema.type)
    for (const part of schema.allOf ?? []) w.message(26, () => writeSchema(w, part))
    for (const part of schema.oneOf ?? []) w.message(27, () => writeSchema(w, part))
    for (const part of schema.anyOf ?? []) w.message(28, () => writeSchema(w, part))
    if (schema.not) writePlainSchema(w, 29, schema.not)
    if (items) w.message(30, () => w.message(1, () => writeSchema(w, items)))
    if (properties) w.message(31, () => writeSchemas(w, properties))
    if (typeof values === 'boolean') w.message(32, () => w.bool(2, values))
    else if (values) w.message(32, () => w.message(1, () => writeSchema(w, values)))
    writeDefault(w, schema)
    if (schema.description) w.string(34, schema.description)
    if (schema.format) w.string(35, schema.format)
    writeExtensions(w, 36, schema)
  })
}

/** Only scalars can be said. */
function writeDefault(w: ProtoWriter, { default: value }: Schema): void {
  if (typeof value === 'number') w.message(33, () => w.double(1, value))
  else if (typeof value === 'boolean') w.message(33, () => w.bool(2, value))
  else if (typeof value === 'string') w.message(33, () => w.string(3, value))
}
