import fc from 'fast-check'
import { ByteWriter } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { NotFoundError } from '../../../lib/errors.ts'
import type { Field } from '../../../lib/fields.ts'
import { parseFooter, readFooter, splitOffsets } from '../../../lib/parquet/footer.ts'
import { readThrift, writeThrift } from '../../../lib/parquet/thrift.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { table } from './arbitraries.ts'

const key = 'dm.parquet'
const fields: Field[] = [{ id: 1, name: 'a', type: { kind: 'integer' }, nullable: true }]
const file = (rows: number, rowGroupRows = rows) =>
  writeParquetFile(
    fields,
    makeBatch(
      fields,
      Array.from({ length: rows }, (_, row) => [row]),
    ),
    { rowGroupRows },
  )

describe('readFooter', () => {
  it('reads the end of the file once, and asks for the size only where it is not given', async () => {
    const { bytes, metadata } = await file(10)
    const store = memoryStore({ objects: { [key]: bytes } })
    expect(await readFooter(store, key)).toEqual(metadata)
    expect(store.calls.map(({ method }) => method)).toEqual(['head', 'get'])
    store.calls.length = 0
    expect(await readFooter(store, key, { size: bytes.length })).toEqual(metadata)
    expect(store.calls.map(({ method }) => method)).toEqual(['get'])
  })

  it('reads a second time what a long footer has before its last 64 KiB', async () => {
    const { bytes, metadata } = await file(2000, 1)
    const store = memoryStore({ objects: { [key]: bytes } })
    expect(metadata.metadata_length).toBeGreaterThan(70_000)
    expect(await readFooter(store, key, { size: bytes.length })).toEqual(metadata)
    expect(store.calls.map(({ start, end }) => end! - start!)).toEqual([65_536, metadata.metadata_length + 8 - 65_536])
  })

  it('says what is wrong with a file that is none', async () => {
    const { bytes } = await file(10)
    const lie = (length: number) => {
      const changed = bytes.slice()
      new DataView(changed.buffer).setUint32(changed.length - 8, length, true)
      return changed
    }
    const garbage = bytes.slice()
    garbage.fill(0x5b, -100, -8)
    const cutInside = new Uint8Array(Buffer.concat([bytes.subarray(0, 4), bytes.subarray(12)]))
    const wrong: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /dm.parquet is no Parquet file: 0 bytes are too few/],
      [bytes.slice(0, 11), /dm.parquet is no Parquet file: 11 bytes are too few/],
      [bytes.slice(0, -3), /dm.parquet is no whole Parquet file: it does not end in PAR1/],
      [lie(bytes.length), /dm.parquet is no whole Parquet file: a footer of \d+ bytes in \d+ bytes/],
      [lie(20), /dm.parquet has a damaged Parquet footer/],
      [garbage, /dm.parquet has a damaged Parquet footer/],
      [cutInside, /dm.parquet is no whole Parquet file: a column chunk lies at/],
    ]
    for (const [content, message] of wrong)
      await expect(readFooter(memoryStore({ objects: { [key]: content } }), key)).rejects.toThrow(message)
    await expect(readFooter(memoryStore(), key)).rejects.toThrow(NotFoundError)
    const short = memoryStore({ objects: { [key]: bytes } })
    await expect(readFooter(short, key, { size: bytes.length + 5 })).rejects.toThrow(
      /shorter than expected: \d+ bytes of/,
    )
  })

  it('ends with an error, and soon, for a file cut anywhere or changed at random', async () => {
    const { bytes, metadata } = await file(40, 10)
    for (let length = 0; length < bytes.length; length++) expect(() => parseFooter(bytes.slice(0, length))).toThrow()
    const footerStart = bytes.length - 8 - metadata.metadata_length
    fc.assert(
      fc.property(fc.integer({ min: footerStart, max: bytes.length - 9 }), fc.nat(255), (at, byte) => {
        const changed = bytes.slice()
        changed[at] = byte
        try {
          parseFooter(changed, { subject: key })
        } catch (error) {
          expect((error as Error).message).toMatch(/^dm\.parquet /)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('refuses a tail that does not hold the footer, and columns that lie in other files', async () => {
    const { bytes, metadata } = await file(10)
    expect(() => parseFooter(bytes.slice(-50), { size: bytes.length })).toThrow(/is not in the last 50 bytes/)
    const [group] = metadata.row_groups
    const elsewhere = { ...group, columns: [{ ...group.columns[0], file_path: 'other.parquet' }] }
    expect(() => splitOffsets({ ...metadata, row_groups: [elsewhere] })).toThrow(
      /keeps columns or their metadata elsewhere/,
    )
  })
})

describe('splitOffsets', () => {
  it('gives where each row group begins', async () => {
    const { metadata } = await file(40, 15)
    const offsets = splitOffsets(metadata)
    expect(offsets).toHaveLength(3)
    expect(offsets[0]).toBe(4)
    const sizes = metadata.row_groups.map(({ total_compressed_size }) => Number(total_compressed_size))
    expect(offsets.slice(1)).toEqual([4 + sizes[0], 4 + sizes[0] + sizes[1]])
    expect(splitOffsets((await file(0)).metadata)).toEqual([])
  })
})

describe('thrift', () => {
  it('writes every footer as it was read', async () => {
    await fc.assert(
      fc.asyncProperty(table(), async ({ fields, rows }) => {
        const { metadata } = await writeParquetFile(fields, makeBatch(fields, rows), { rowGroupRows: 20 })
        const writer = new ByteWriter()
        writeThrift(writer, readThrift(metadata.raw))
        expect(Buffer.compare(writer.getBytes(), metadata.raw)).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it('keeps types that no footer of ours has', () => {
    const struct = {
      fields: [
        { id: 1, type: 3, value: -7 },
        { id: 2, type: 4, value: -300 },
        { id: 3, type: 7, value: new Uint8Array(new Float64Array([0.1]).buffer) },
        { id: 40, type: 1, value: true },
        { id: 41, type: 2, value: false },
        { id: 42, type: 9, value: { type: 2, items: [1, 0, 2] } },
        { id: 43, type: 9, value: { type: 6, items: Array.from({ length: 20 }, (_, at) => BigInt(at) - 2n ** 40n) } },
      ],
    }
    const writer = new ByteWriter()
    writeThrift(writer, struct)
    expect(readThrift(writer.getBytes())).toEqual(struct)
    expect(() => readThrift(writer.getBytes().slice(0, -1))).toThrow()
    expect(() => readThrift(Uint8Array.of(0x1b, 0))).toThrow(/thrift type 11 has no place/)
    expect(() => readThrift(Uint8Array.of(0x18, 5, 1))).toThrow(/reaches beyond the end/)
  })
})
