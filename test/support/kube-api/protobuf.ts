import type { JsonObject } from '../../../src/cli/validation/json.ts'

/**
 * `kubectl create secret|configmap|namespace` speak protobuf and know no other way. This reads those three, as far as
 * kubectl fills them in; undefined for anything else. Answers are always JSON, which those commands accept.
 */
export function readProtobuf(body: Buffer): JsonObject | undefined {
  if (body.subarray(0, 4).toString('latin1') !== 'k8s\0') return undefined
  const envelope = fieldsIn(body.subarray(4))
  const typeMeta = fieldsIn(message(envelope, 1))
  const content = fieldsIn(message(envelope, 2))
  const kind = text(typeMeta, 2)
  const head = { apiVersion: text(typeMeta, 1), kind, metadata: metadataIn(fieldsIn(message(content, 1))) }
  switch (kind) {
    case 'Namespace':
      return head
    case 'ConfigMap':
      return { ...head, ...mapIn(content, 2, 'data', 'utf8'), ...mapIn(content, 3, 'binaryData', 'base64') }
    case 'Secret': {
      const type = text(content, 3) === '' ? {} : { type: text(content, 3) }
      return { ...head, ...mapIn(content, 2, 'data', 'base64'), ...mapIn(content, 4, 'stringData', 'utf8'), ...type }
    }
    default:
      return undefined
  }
}

type Field = { readonly number: number; readonly value: Buffer }

function metadataIn(fields: readonly Field[]): JsonObject {
  const metadata: JsonObject = { ...mapIn(fields, 11, 'labels', 'utf8'), ...mapIn(fields, 12, 'annotations', 'utf8') }
  for (const [number, name] of [
    [1, 'name'],
    [2, 'generateName'],
    [3, 'namespace'],
  ] as const) {
    if (text(fields, number) !== '') metadata[name] = text(fields, number)
  }
  return metadata
}

/** The length-delimited fields of a message; numbers are read over. */
function fieldsIn(buffer: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = buffer[at++]
      if (byte === undefined) throw new Error('protobuf: unexpected end')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < buffer.length) {
    const tag = varint()
    const wire = tag & 7
    if (wire === 0) varint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else {
      const length = varint()
      fields.push({ number: tag >>> 3, value: buffer.subarray(at, at + length) })
      at += length
    }
  }
  return fields
}

function message(fields: readonly Field[], number: number): Buffer {
  return fields.find((field) => field.number === number)?.value ?? Buffer.alloc(0)
}

function text(fields: readonly Field[], number: number): string {
  return message(fields, number).toString()
}

/** The map under its name; nothing where it is empty. */
function mapIn(fields: readonly Field[], number: number, name: string, encoding: 'utf8' | 'base64'): JsonObject {
  const entries = fields.filter((field) => field.number === number).map((field) => fieldsIn(field.value))
  if (entries.length === 0) return {}
  return { [name]: Object.fromEntries(entries.map((entry) => [text(entry, 1), message(entry, 2).toString(encoding)])) }
}
