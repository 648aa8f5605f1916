import { deflateRawSync, zstdCompressSync } from 'node:zlib'
import avro from 'avsc'
import fc from 'fast-check'
import { snappyCompress } from 'hyparquet-writer/src/snappy.js'
import { describe, expect, it } from 'vitest'
import { type AvroSchema, decodeAvro, encodeAvro } from '../../../lib/iceberg/avro.ts'
import { IcebergError } from '../../../lib/iceberg/error.ts'

const schema: AvroSchema = {
  type: 'record',
  name: 'sample',
  fields: [
    { name: 'id', type: 'long', 'field-id': 1 },
    // Types may be spelt as objects.
    { name: 'maybe', type: ['null', { type: 'long' }], default: null, 'field-id': 2 },
    { name: 'name', type: 'string', 'field-id': 3 },
    {
      name: 'sizes',
      type: {
        type: 'array',
        logicalType: 'map',
        items: {
          type: 'record',
          name: 'k4_v5',
          fields: [
            { name: 'key', type: 'int', 'field-id': 4 },
            { name: 'value', type: 'bytes', 'field-id': 5 },
          ],
        },
      },
      'field-id': 6,
    },
  ],
}
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const narrow = (value: bigint | null) => (value !== null && Number.isSafeInteger(Number(value)) ? Number(value) : value)
const record = fc.record({
  id: long.map(narrow),
  maybe: fc.option(long).map(narrow),
  name: fc.string({ unit: 'binary' }),
  sizes: fc.array(fc.record({ key: fc.nat(1e9), value: fc.uint8Array().map(bytes => Buffer.from(bytes)) })),
})
const subject = 'manifest x'
const metadata = { content: 'data' }
const one = { id: 1, maybe: null, name: 'a', sizes: [{ key: 3, value: Buffer.from('b') }] }

/** What avsc's own streams make of a file. */
async function readWithAvsc(bytes: Uint8Array) {
  const decoder = new avro.streams.BlockDecoder()
  let header: { meta: Record<string, Buffer> } | undefined
  decoder.on('metadata', (_type, _codec, found) => {
    header = found
  })
  decoder.end(Buffer.from(bytes))
  const records: unknown[] = []
  for await (const found of decoder) records.push(found)
  return { records, meta: header!.meta }
}

/** A file as avsc's own streams write it, in blocks of about `blockSize` bytes. */
async function writeWithAvsc(
  records: unknown[],
  codec: string,
  compress: (data: Buffer) => Buffer,
  blockSize = 65_536,
) {
  const encoder = new avro.streams.BlockEncoder(schema as avro.Schema, {
    codec,
    blockSize,
    codecs: {
      [codec]: (data: Buffer, done: (error: Error | null, data?: Buffer) => void) => done(null, compress(data)),
    },
  })
  for (const each of records) encoder.write(each)
  encoder.end()
  const chunks: Buffer[] = []
  for await (const chunk of encoder) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('encodeAvro', () => {
  it('is read back, with 63-bit longs', () => {
    fc.assert(
      fc.property(fc.array(record), records => {
        const decoded = decodeAvro(encodeAvro({ schema, metadata, records }), { subject })
        expect(decoded).toEqual({ schema, metadata, records })
      }),
    )
  })

  it('is read by another reader, header and all', async () => {
    const records = Array.from({ length: 500 }, (_, index) => ({ ...one, id: index }))
    const { records: found, meta } = await readWithAvsc(encodeAvro({ schema, metadata, records }))
    expect(found).toEqual(records)
    expect(meta.content!.toString()).toBe('data')
    expect(JSON.parse(meta['avro.schema']!.toString())).toEqual(schema)
  })

  it('makes equal bytes of equal records, and a file without blocks of none', async () => {
    const encode = (records: (typeof one)[]) => Buffer.from(encodeAvro({ schema, metadata, records }))
    expect(encode([one]).equals(encode([{ ...one }]))).toBe(true)
    expect(encode([one]).equals(encode([{ ...one, id: 2 }]))).toBe(false)
    expect(await readWithAvsc(encode([]))).toMatchObject({ records: [] })
  })

  it('names a record that does not fit, without its values', () => {
    const records = [one, { ...one, name: Buffer.from('secret') }]
    expect(() => encodeAvro({ schema, metadata, records })).toThrow(
      new IcebergError('record sample 2 does not fit its Avro schema'),
    )
    const long = [{ ...one, id: 2n ** 63n }]
    expect(() => encodeAvro({ schema, metadata, records: long })).toThrow('record sample 1 does not fit')
  })
})

describe('decodeAvro', () => {
  it.each<[string, (data: Buffer) => Buffer]>([
    ['null', data => data],
    ['deflate', data => deflateRawSync(data)],
    ['zstandard', data => zstdCompressSync(data)],
    ['snappy', data => Buffer.concat([snappyCompress(data), Buffer.alloc(4)])],
  ])('reads blocks of the codec %s', async (codec, compress) => {
    const records = Array.from({ length: 300 }, (_, id) => ({ ...one, id, name: 'a'.repeat(200) }))
    const bytes = await writeWithAvsc(records, codec, compress, 4_096)
    expect(decodeAvro(bytes, { subject }).records).toEqual(records)
  })

  it('names fields by their ids', () => {
    const names = new Map([
      [2, 'perhaps'],
      [4, 'k'],
    ])
    const { records, schema: renamed } = decodeAvro(encodeAvro({ schema, metadata, records: [one] }), {
      subject,
      names,
    })
    expect(records).toEqual([{ id: 1, perhaps: null, name: 'a', sizes: [{ k: 3, value: Buffer.from('b') }] }])
    expect(renamed.fields.map(({ name }) => name)).toEqual(['id', 'perhaps', 'name', 'sizes'])
  })

  const sound = Buffer.from(encodeAvro({ schema, metadata, records: [one] }))
  const meta = (entries: Record<string, string>) => {
    const pairs = Object.entries(entries).flatMap(([name, value]) => [
      Buffer.from([name.length * 2]),
      Buffer.from(name),
      Buffer.from([value.length * 2]),
      Buffer.from(value),
    ])
    return Buffer.concat([
      Buffer.from('Obj\x01'),
      Buffer.from([Object.keys(entries).length * 2]),
      ...pairs,
      Buffer.alloc(17),
    ])
  }
  it.each<[string, Buffer, string]>([
    ['something else', Buffer.from('PAR1 and more'), 'does not start with Obj 1'],
    ['half a header', sound.subarray(0, 60), 'ends too early'],
    ['half a block', sound.subarray(0, -3), 'ends too early'],
    [
      'a foreign sync marker',
      Buffer.concat([sound.subarray(0, -1), Buffer.from([~sound.at(-1)! & 0xff])]),
      'sync marker',
    ],
    [
      'an unknown codec',
      meta({ 'avro.schema': '"int"', 'avro.codec': 'bzip2' }),
      'its codec is bzip2, expected one of null, deflate',
    ],
    ['no schema', meta({ content: 'data' }), 'its header has no schema'],
  ])('names the file that is %s', (_, bytes, reason) => {
    expect(() => decodeAvro(bytes, { subject })).toThrow(IcebergError)
    expect(() => decodeAvro(bytes, { subject })).toThrow(`manifest x is not a readable Avro file: `)
    expect(() => decodeAvro(bytes, { subject })).toThrow(reason)
  })

  it('tells schemas apart, however many it has seen', () => {
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 100; index++) {
        const one: AvroSchema = {
          type: 'record',
          name: 'one',
          fields: [{ name: `f${index}`, type: 'int', 'field-id': 1 }],
        }
        const bytes = encodeAvro({ schema: one, metadata, records: [{ [`f${index}`]: index }] })
        expect(decodeAvro(bytes, { subject }).records).toEqual([{ [`f${index}`]: index }])
        expect(decodeAvro(bytes, { subject, names: new Map([[1, 'x']]) }).records).toEqual([{ x: index }])
      }
    }
  })

  it('never fails otherwise, whatever is broken', () => {
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const broken = Buffer.from(sound)
        broken[at]! ^= change
        try {
          decodeAvro(broken, { subject })
        } catch (error) {
          expect(error).toBeInstanceOf(IcebergError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
