// Our encoding of column chunks against hyparquet-writer's own: the same typed columns into a file. Prints ratios, ours first.
// Run: node bin/with-node.mjs test/unit/parquet/write.bench.ts [rows]
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { ColumnBatch } from '../../../lib/columns.ts'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { parquetSchema } from '../../../lib/parquet/schema.ts'
import { writeParquet } from '../../../lib/parquet/write.ts'
import { columnCells } from '../../support/columns.ts'

const rows = Number(process.argv[2] ?? 300_000)
const batchRows = 8192
const groupRows = 131_072
const kinds: FieldType['kind'][] = ['string', 'string', 'string', 'integer', 'bigint', 'double', 'double', 'boolean']
const fields = kinds.map(
  (kind, at): Field => ({ id: at + 1, name: `c${at}`, type: { kind } as FieldType, nullable: true }),
)

function makeBatch(start: number, count: number): ColumnBatch {
  const each = Array.from({ length: count }, (_, row) => start + row)
  const nulls = Uint8Array.from({ length: Math.ceil(count / 8) }, () => 0x11)
  const text = (entries: number) => ({
    kind: 'text' as const,
    values: Array.from({ length: entries }, (_, at) => `text ${at} of ${entries}`),
    indices: Uint32Array.from(each, row => (row * 7919) % entries),
    nulls,
  })
  return {
    rows: count,
    columns: [
      text(5),
      text(1000),
      { kind: 'text', values: each.map(row => `only in row ${row}`), indices: Uint32Array.from(each.keys()) },
      { kind: 'int32', values: Int32Array.from(each, row => row % 40), nulls },
      { kind: 'int64', values: BigInt64Array.from(each, BigInt) },
      { kind: 'double', values: Float64Array.from(each, row => (row % 900) / 10), nulls },
      { kind: 'double', values: Float64Array.from(each, Math.sin) },
      { kind: 'boolean', values: Uint8Array.from(each, row => row % 2) },
    ],
  }
}

const batches = Array.from({ length: Math.ceil(rows / batchRows) }, (_, at) =>
  makeBatch(at * batchRows, Math.min(batchRows, rows - at * batchRows)),
)

async function writeOurs(): Promise<number> {
  const { body, summary } = writeParquet({
    fields,
    rowGroupRows: groupRows,
    batches: (async function* () {
      yield* batches
    })(),
  })
  for await (const _ of body);
  return summary().bytes
}

async function writePeer(): Promise<number> {
  const writer = new ByteWriter()
  const parquet = new ParquetWriter({ writer, schema: parquetSchema(fields), statisticsTruncateLength: 64 })
  for (let at = 0; at < batches.length; at += groupRows / batchRows) {
    const group = batches.slice(at, at + groupRows / batchRows)
    parquet.write({
      rowGroupSize: groupRows,
      columnData: fields.map(({ name }, column) => ({
        name,
        columnIndex: true,
        data: group.flatMap(({ columns, rows }) => columnCells(columns[column], rows)),
      })),
    })
  }
  parquet.finish()
  return writer.offset
}

async function measure(write: () => Promise<number>): Promise<{ ms: number; bytes: number }> {
  let ms = Number.POSITIVE_INFINITY
  let bytes = 0
  for (let turn = 0; turn < 3; turn++) {
    const start = performance.now()
    bytes = await write()
    ms = Math.min(ms, performance.now() - start)
  }
  return { ms, bytes }
}

const [ours, peer] = [await measure(writeOurs), await measure(writePeer)]
const ratio = (name: 'ms' | 'bytes') => (ours[name] / peer[name]).toFixed(2)
console.log(
  `time ${ratio('ms')}, size ${ratio('bytes')} of hyparquet-writer's (${rows} rows, ${fields.length} columns)`,
)
