import { createHash } from 'node:crypto'
import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import avro from 'avsc'
import { snappyUncompress } from 'hyparquet'
import { IcebergError } from './error.ts'

/** A value of an Avro record. Longs are numbers where a double holds them, otherwise bigints; bytes are Buffers. */
export type AvroValue = null | boolean | number | bigint | string | Buffer | AvroValue[] | AvroRecord
export type AvroRecord = { [field: string]: AvroValue }

/** An Avro record schema as JSON, with the `field-id` attributes that Iceberg puts on it. Never changed once it is made. */
export interface AvroSchema {
  type: 'record'
  name: string
  fields: { name: string; type: unknown; 'field-id'?: number; [attribute: string]: unknown }[]
  [attribute: string]: unknown
}

/** An Avro object container file: records of one schema, and what its header says beside it. */
export interface AvroFile {
  schema: AvroSchema
  /** The header's entries, without those that start with `avro.`. */
  metadata: Record<string, string>
  records: AvroRecord[]
}

const magic = Buffer.from('Obj\x01', 'latin1')
const syncLength = 16

// Snapshot ids of engines take 63 bits: avsc's own long refuses them.
const long = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => narrow(bytes.readBigInt64LE()),
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: (value: number | bigint) => value,
  toJSON: (value: number | bigint) => value,
  isValid: (value: unknown) =>
    typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value),
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

/** Some writers spell a type as an object, `{"type": "long"}`, where avsc would take its own. */
const typeHook = (schema: avro.Schema): avro.Type | undefined =>
  typeof schema === 'object' && 'type' in schema && schema.type === 'long' ? long : undefined

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const types = new WeakMap<AvroSchema, avro.Type>()

function typeOf(schema: AvroSchema): avro.Type {
  const known = types.get(schema)
  if (known) return known
  const type = avro.Type.forSchema(schema as avro.Schema, { registry: { long }, typeHook, omitRecordMethods: true })
  types.set(schema, type)
  return type
}

const headerType = avro.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: magic.length } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: syncLength } },
  ],
})
const blockType = avro.Type.forSchema({
  type: 'record',
  name: 'Block',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'data', type: 'bytes' },
    { name: 'sync', type: { type: 'fixed', name: 'BlockSync', size: syncLength } },
  ],
})

/**
 * Writes an Avro object container file (Avro spec, "Object Container Files"): one block, no compression, and a sync marker made from the
 * content, so that equal records give equal bytes on every machine. Without records there is no block. Throws IcebergError for a record
 * that does not fit the schema.
 */
export function encodeAvro({ schema, metadata, records }: AvroFile): Uint8Array {
  const type = typeOf(schema)
  const data = Buffer.concat(records.map((record, index) => encodeRecord(type, record, `${schema.name} ${index + 1}`)))
  const entries = { 'avro.schema': JSON.stringify(schema), 'avro.codec': 'null', ...metadata }
  const sync = createHash('sha256').update(JSON.stringify(entries)).update(data).digest().subarray(0, syncLength)
  const meta = Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, Buffer.from(value)]))
  const header = headerType.toBuffer({ magic, meta, sync })
  const block = records.length === 0 ? Buffer.alloc(0) : blockType.toBuffer({ count: records.length, data, sync })
  return Buffer.concat([header, block])
}

function encodeRecord(type: avro.Type, record: AvroRecord, subject: string): Buffer {
  try {
    return type.toBuffer(record)
  } catch {
    // Without its cause, whose message quotes the value: bounds are values of cells.
    throw new IcebergError(`record ${subject} does not fit its Avro schema`)
  }
}

const asWritten: ReadonlyMap<number, string> = new Map()

/**
 * Reads an Avro object container file, with any codec that Iceberg writers use. `names` gives the names that record fields shall have,
 * by field id: the spec identifies fields by id, and writers differ in names. Throws IcebergError, which names `subject`.
 */
export function decodeAvro(
  bytes: Uint8Array,
  { subject, names = asWritten }: { subject: string; names?: ReadonlyMap<number, string> },
): AvroFile {
  try {
    return decodeContainer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), names)
  } catch (cause) {
    throw new IcebergError(`${subject} is not a readable Avro file: ${(cause as Error).message}`, { cause })
  }
}

function decodeContainer(bytes: Buffer, names: ReadonlyMap<number, string>): AvroFile {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new Error('it does not start with Obj 1')
  const { value: header, offset: start } = decodeAt(headerType, bytes, 0)
  const entries = Object.entries(header.meta as Record<string, Buffer>).map(
    ([name, value]) => [name, value.toString()] as const,
  )
  const { 'avro.schema': schemaText, 'avro.codec': codec = 'null' } = Object.fromEntries(entries)
  if (schemaText === undefined) throw new Error('its header has no schema')
  const decompress = codecs[codec]
  if (!decompress) throw new Error(`its codec is ${codec}, expected one of ${Object.keys(codecs).join(', ')}`)
  const { schema, type } = readerOf(schemaText, names)

  const records: AvroRecord[] = []
  for (let offset = start; offset < bytes.length; ) {
    const block = decodeAt(blockType, bytes, offset)
    if (!block.value.sync.equals(header.sync)) throw new Error('a block does not end with the sync marker')
    const data = decompress(block.value.data)
    let position = 0
    for (let index = 0; index < block.value.count; index++) {
      const record = decodeAt(type, data, position)
      records.push(record.value)
      position = record.offset
    }
    offset = block.offset
  }
  return { schema, metadata: Object.fromEntries(entries.filter(([name]) => !name.startsWith('avro.'))), records }
}

interface Reader {
  schema: AvroSchema
  type: avro.Type
}

// Making a type compiles code, which takes longer than to read a manifest; most manifests of a lake share their schema.
const readers = new WeakMap<ReadonlyMap<number, string>, Map<string, Reader>>()
const readersKept = 64

function readerOf(schemaText: string, names: ReadonlyMap<number, string>): Reader {
  const known = readers.get(names) ?? new Map<string, Reader>()
  readers.set(names, known)
  const found = known.get(schemaText)
  if (found) return found
  const schema = renameFields(JSON.parse(schemaText), names) as AvroSchema
  const reader = { schema, type: typeOf(schema) }
  if (known.size >= readersKept) known.clear()
  known.set(schemaText, reader)
  return reader
}

function decodeAt(type: avro.Type, bytes: Buffer, position: number) {
  const { value, offset } = type.decode(bytes, position)
  if (offset < 0) throw new Error('it ends too early')
  return { value, offset }
}

const codecs: Record<string, (data: Buffer) => Buffer> = {
  null: data => data,
  deflate: data => inflateRawSync(data),
  zstandard: data => zstdDecompressSync(data),
  snappy: data => decompressSnappy(data),
}

/** Avro's snappy block: a raw snappy stream, which starts with its length as a varint, and a CRC of four bytes. */
function decompressSnappy(data: Buffer): Buffer {
  let length = 0
  for (let index = 0, byte = 0x80; byte & 0x80; index++) {
    byte = data[index]!
    length += (byte & 0x7f) * 2 ** (7 * index)
  }
  const output = new Uint8Array(length)
  snappyUncompress(data.subarray(0, -4), output)
  return Buffer.from(output.buffer)
}

// Frozen, as all files of one schema share it.
function renameFields(schema: unknown, names: ReadonlyMap<number, string>): unknown {
  if (Array.isArray(schema)) return Object.freeze(schema.map(member => renameFields(member, names)))
  if (schema === null || typeof schema !== 'object') return schema
  const members = Object.entries(schema).map(([name, value]) => [name, renameFields(value, names)])
  const renamed = Object.fromEntries(members) as Record<string, unknown>
  const known = names.get(renamed['field-id'] as number)
  return Object.freeze(known === undefined ? renamed : { ...renamed, name: known })
}
