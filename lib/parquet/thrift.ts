import { readVarInt, readZigZag, readZigZagBigInt } from 'hyparquet/src/thrift.js'
import type { ByteWriter } from 'hyparquet-writer'

/**
 * Thrift's compact protocol, read and written without losing anything: fields that this project does not know, their types and
 * their order come out as they went in. Source: Apache Thrift, "Thrift Compact protocol encoding".
 */
export interface ThriftStruct {
  fields: ThriftField[]
}
export interface ThriftField {
  id: number
  /** The compact protocol's type number. */
  type: number
  value: ThriftValue
}
export interface ThriftList {
  /** Of the items. */
  type: number
  items: ThriftValue[]
}
/** Integers of up to 32 bits are numbers, those of 64 bits bigints; a double stays its 8 bytes. */
export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftList | ThriftStruct

export const thriftType = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
}

interface Reader {
  view: DataView
  offset: number
}

/** Reads one struct from the beginning of `bytes`. Binary values are views on `bytes`. Throws on anything but a whole struct. */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  return readStruct({ view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 })
}

function readStruct(reader: Reader): ThriftStruct {
  const fields: ThriftField[] = []
  let id = 0
  for (;;) {
    const byte = reader.view.getUint8(reader.offset++)
    if (byte === 0) return { fields }
    const type = byte & 0x0f
    id = byte >> 4 ? id + (byte >> 4) : readZigZag(reader)
    fields.push({ id, type, value: readValue(reader, type) })
  }
}

function readValue(reader: Reader, type: number): ThriftValue {
  switch (type) {
    case thriftType.true:
      return true
    case thriftType.false:
      return false
    case thriftType.byte:
      return reader.view.getInt8(reader.offset++)
    case thriftType.i16:
    case thriftType.i32:
      return readZigZag(reader)
    case thriftType.i64:
      return readZigZagBigInt(reader)
    case thriftType.double:
      return readBytes(reader, 8)
    case thriftType.binary:
      return readBytes(reader, readVarInt(reader))
    case thriftType.list:
      return readList(reader)
    case thriftType.struct:
      return readStruct(reader)
    default:
      throw new Error(`thrift type ${type} has no place in a Parquet footer`)
  }
}

function readBytes(reader: Reader, length: number): Uint8Array {
  const { view, offset } = reader
  if (length < 0 || offset + length > view.byteLength) throw new Error('a thrift value reaches beyond the end')
  reader.offset += length
  return new Uint8Array(view.buffer, view.byteOffset + offset, length)
}

function readList(reader: Reader): ThriftList {
  const byte = reader.view.getUint8(reader.offset++)
  const type = byte & 0x0f
  const size = byte >> 4 === 15 ? readVarInt(reader) : byte >> 4
  const isBoolean = type === thriftType.true || type === thriftType.false
  const items: ThriftValue[] = []
  // In a list a boolean takes a byte, and writers differ in which byte is false.
  for (let item = 0; item < size; item++) items.push(readValue(reader, isBoolean ? thriftType.byte : type))
  return { type, items }
}

/** Appends a struct. */
export function writeThrift(writer: ByteWriter, { fields }: ThriftStruct): void {
  let last = 0
  for (const { id, type, value } of fields) {
    const delta = id - last
    if (delta > 0 && delta <= 15) writer.appendUint8((delta << 4) | type)
    else {
      writer.appendUint8(type)
      writer.appendZigZag(id)
    }
    last = id
    writeValue(writer, type, value)
  }
  writer.appendUint8(0)
}

function writeValue(writer: ByteWriter, type: number, value: ThriftValue): void {
  if (typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (type === thriftType.i16 || type === thriftType.i32) writer.appendZigZag(value)
    else writer.appendUint8(value & 0xff)
  } else if (typeof value === 'bigint') writer.appendZigZag(value)
  else if (value instanceof Uint8Array) {
    if (type === thriftType.binary) writer.appendVarInt(value.length)
    writer.appendBytes(value)
  } else if ('items' in value) writeList(writer, value)
  else writeThrift(writer, value)
}

function writeList(writer: ByteWriter, { type, items }: ThriftList): void {
  writer.appendUint8((Math.min(items.length, 15) << 4) | type)
  if (items.length >= 15) writer.appendVarInt(items.length)
  for (const item of items) writeValue(writer, type, item)
}

/** The field's value, or undefined where the struct has none of that id. */
export function thriftField(struct: ThriftStruct, id: number): ThriftValue | undefined {
  return struct.fields.find(field => field.id === id)?.value
}

/** The struct in that field; undefined where there is none. */
export function structField(struct: ThriftStruct, id: number): ThriftStruct | undefined {
  const value = thriftField(struct, id)
  return typeof value === 'object' && 'fields' in value ? value : undefined
}

/** The structs of the list in that field; none where there is no such list. The array is the struct's own. */
export function structList(struct: ThriftStruct, id: number): ThriftStruct[] {
  const value = thriftField(struct, id)
  return typeof value === 'object' && 'items' in value ? (value.items as ThriftStruct[]) : []
}

/** Puts a field into a struct: in place of the one with its id, or in the order of ids. */
export function setField({ fields }: ThriftStruct, field: ThriftField): void {
  const same = fields.findIndex(({ id }) => id === field.id)
  if (same >= 0) fields[same] = field
  else {
    const next = fields.findIndex(({ id }) => id > field.id)
    fields.splice(next < 0 ? fields.length : next, 0, field)
  }
}
