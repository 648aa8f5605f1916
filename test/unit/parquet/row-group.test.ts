import fc from 'fast-check'
import { ByteWriter } from 'hyparquet-writer'
import { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import { describe, expect, it } from 'vitest'
import { magic } from '../../../lib/parquet/footer.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { encodeRowGroup, placeRowGroup } from '../../../lib/parquet/row-group.ts'
import { parquetSchema } from '../../../lib/parquet/schema.ts'
import { appendFooter } from '../../../lib/parquet/write.ts'
import { batchRows, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { table } from './arbitraries.ts'

describe('encodeRowGroup', () => {
  it('makes row groups that stand anywhere in a file, posted or not', async () => {
    await fc.assert(
      fc.asyncProperty(table(), fc.nat(40), async ({ fields, rows }, cut) => {
        const schema = parquetSchema(fields)
        const writer = new ByteWriter()
        writer.appendUint32(magic)
        const parts = [rows.slice(0, cut), rows.slice(cut)].filter(part => part.length > 0)
        const groups = parts.map(part => {
          const batch = makeBatch(fields, part)
          const slices = [{ batch, start: 0, end: batch.rows }]
          const encoded = encodeRowGroup({ schema, slices, pageBytes: 64 })
          const posted = structuredClone(encoded, { transfer: [encoded.bytes.buffer] })
          expect(posted.rows).toBe(part.length)
          const placed = placeRowGroup(posted, writer.offset)
          writer.appendBytes(posted.bytes)
          return placed
        })
        writeIndexes(
          writer,
          groups.flatMap(({ chunks }) => chunks),
        )
        appendFooter(writer, { schema, rowGroups: groups.map(({ rowGroup }) => rowGroup), rows: rows.length })
        const store = memoryStore({ objects: { file: writer.getBytes().slice() } })
        expect(await batchRows(readColumns(store, 'file', { fields }))).toEqual(rows)
      }),
      { numRuns: 100 },
    )
  })
})
