import { createHash } from 'node:crypto'
import type { RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import { writeMetadata } from 'hyparquet-writer/src/metadata.js'
import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import {
  boundBytes,
  type CompressedChunk,
  compressChunk,
  defaultPageBytes,
  encodeColumnChunk,
  type WrittenChunk,
  writeColumnChunk,
} from './chunk.ts'
import { magic, type ParquetMetadata, parseFooter } from './footer.ts'
import { cutByLimits, gatherRowGroups } from './gather.ts'
import { parquetSchema } from './schema.ts'

/** What a written file is. */
export interface ParquetSummary {
  rows: number
  /** Of the whole file. */
  bytes: number
  rowGroups: number
  /** Of the whole file, lower-case hex. */
  sha256: string
}

export interface WriteParquetOptions {
  fields: Field[]
  /** Columns in the order of `fields`. How rows are cut into batches does not show in the file. */
  batches: AsyncIterable<ColumnBatch>
  rowGroupRows?: number
  /** Bytes of a row group's values, uncompressed and without dictionaries. */
  rowGroupBytes?: number
  /** Uncompressed bytes of a page. */
  pageBytes?: number
  kvMetadata?: Record<string, string>
}

/**
 * Writes a Parquet file as it is read: consuming `body` pulls the batches, and beside the one that is gathered one
 * encoded row group is in memory. Equal rows give
 * equal bytes. `summary()` and `metadata()` throw until `body` has ended. `body` throws for a batch that does not fit the fields.
 */
export function writeParquet({
  fields,
  batches,
  rowGroupRows = 131_072,
  rowGroupBytes = 64 * 2 ** 20,
  pageBytes = defaultPageBytes,
  kvMetadata,
}: WriteParquetOptions): {
  body: AsyncIterable<Uint8Array>
  summary(): ParquetSummary
  /** The footer, as readFooter would give it. */
  metadata(): ParquetMetadata
} {
  let written: { summary: ParquetSummary; metadata: ParquetMetadata } | undefined
  const finished = () => {
    if (!written) throw new Error('the Parquet file is not written to its end')
    return written
  }

  async function* body(): AsyncGenerator<Uint8Array> {
    const schema = parquetSchema(fields)
    const writer = new ByteWriter()
    const hash = createHash('sha256')
    const drain = (): Uint8Array => {
      const bytes = writer.getBytes().slice()
      writer.index = 0
      hash.update(bytes)
      return bytes
    }
    const rowGroups: RowGroup[] = []
    const indexed: WrittenChunk[] = []
    let rows = 0
    writer.appendUint32(magic)
    const cut = cutByLimits({ fields, rows: rowGroupRows, bytes: rowGroupBytes })
    async function* flush({ groupRows, encoded }: Encoded): AsyncGenerator<Uint8Array> {
      const chunks: WrittenChunk[] = []
      for (const compressed of encoded) {
        chunks.push(writeColumnChunk(writer, await compressed))
        yield drain()
      }
      rowGroups.push(describeRowGroup(chunks, groupRows))
      indexed.push(...chunks.filter(({ columnIndex, offsetIndex }) => columnIndex || offsetIndex))
      rows += groupRows
    }
    // One row group is being compressed while the batches of the next are made.
    let last: Encoded | undefined
    for await (const slices of gatherRowGroups({ fields, batches, cut })) {
      const groupRows = slices.reduce((sum, { start, end }) => sum + end - start, 0)
      const encoded = fields.map((_, at) => compressChunk(encodeColumnChunk({ schema, at, slices, pageBytes })))
      if (last) yield* flush(last)
      last = { groupRows, encoded }
    }
    if (last) yield* flush(last)
    writeIndexes(writer, indexed)
    const footerStart = writer.index
    appendFooter(writer, { schema, rowGroups, rows, kvMetadata })
    const metadata = parseFooter(writer.getBytes().slice(footerStart), { size: writer.offset })
    yield drain()
    const summary = { rows, bytes: writer.offset, rowGroups: rowGroups.length, sha256: hash.digest('hex') }
    written = { summary, metadata }
  }

  return { body: body(), summary: () => finished().summary, metadata: () => finished().metadata }
}

/** A row group whose chunks are being compressed. */
interface Encoded {
  groupRows: number
  encoded: Promise<CompressedChunk>[]
}

/** The footer's entry for a row group whose chunks are written. */
export function describeRowGroup(chunks: WrittenChunk[], rows: number): RowGroup {
  const total = (field: 'total_uncompressed_size' | 'total_compressed_size') =>
    chunks.reduce((sum, { chunk }) => sum + chunk.meta_data![field], 0n)
  return {
    columns: chunks.map(({ chunk }) => chunk),
    num_rows: BigInt(rows),
    total_byte_size: total('total_uncompressed_size'),
    total_compressed_size: total('total_compressed_size'),
  }
}

/** Appends footer, length and magic: the end of a Parquet file. */
export function appendFooter(
  writer: ByteWriter,
  {
    schema,
    rowGroups,
    rows,
    kvMetadata,
  }: { schema: SchemaElement[]; rowGroups: RowGroup[]; rows: number; kvMetadata?: Record<string, string> },
): void {
  const metadata = {
    version: 2,
    created_by: 'studylake',
    schema,
    num_rows: BigInt(rows),
    row_groups: rowGroups,
    key_value_metadata: kvMetadata && Object.entries(kvMetadata).map(([key, value]) => ({ key, value })),
    metadata_length: 0,
  }
  writeMetadata(writer, metadata, boundBytes)
  writer.appendUint32(magic)
}

/** Writes a small Parquet file in memory. */
export async function writeParquetFile(
  fields: Field[],
  batches: ColumnBatch | ColumnBatch[],
  options: Omit<WriteParquetOptions, 'fields' | 'batches'> = {},
): Promise<{ bytes: Uint8Array; summary: ParquetSummary; metadata: ParquetMetadata }> {
  async function* each() {
    yield* Array.isArray(batches) ? batches : [batches]
  }
  const { body, summary, metadata } = writeParquet({ ...options, fields, batches: each() })
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return { bytes: new Uint8Array(Buffer.concat(chunks)), summary: summary(), metadata: metadata() }
}
