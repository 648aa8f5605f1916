import { createHash } from 'node:crypto'
import type { RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import { writeMetadata } from 'hyparquet-writer/src/metadata.js'
import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import { boundBytes, defaultPageBytes, type WrittenChunk } from './chunk.ts'
import { magic, type ParquetMetadata, parseFooter } from './footer.ts'
import { cutByLimits, gatherRowGroups } from './gather.ts'
import { type EncodedRowGroup, encodeRowGroup, placeRowGroup } from './row-group.ts'
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
 * Writes a Parquet file as it is read: consuming `body` pulls the batches, and beside the row group that is gathered
 * its encoded bytes are in memory. Equal rows give equal bytes. `summary()` and `metadata()` throw until `body` has ended. `body` throws for a batch that does not fit the fields.
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
  const file = createParquetFile({ fields, kvMetadata })

  async function* body(): AsyncGenerator<Uint8Array> {
    yield file.begin()
    const { schema } = file
    const cut = cutByLimits({ fields, rows: rowGroupRows, bytes: rowGroupBytes })
    for await (const slices of gatherRowGroups({ fields, batches, cut })) {
      yield file.append(encodeRowGroup({ schema, slices, pageBytes }))
    }
    yield file.end()
  }

  return { body: body(), summary: file.summary, metadata: file.metadata }
}

/**
 * A Parquet file from row groups that are encoded elsewhere: returns the bytes of the file one piece after the other, in the order `begin`, `append`
 * for each row group, `end`. `summary()` and `metadata()` throw before `end`.
 */
export function createParquetFile({
  fields,
  kvMetadata,
  hash = true,
}: {
  fields: Field[]
  kvMetadata?: Record<string, string> | undefined
  /** Whether the SHA-256 is wanted. */
  hash?: boolean
}) {
  const schema = parquetSchema(fields)
  const sha256 = hash ? createHash('sha256') : undefined
  const rowGroups: RowGroup[] = []
  const indexed: WrittenChunk[] = []
  let rows = 0
  let size = 0
  let written: { summary: ParquetSummary; footer: Uint8Array } | undefined
  const give = (bytes: Uint8Array): Uint8Array => {
    sha256?.update(bytes)
    size += bytes.length
    return bytes
  }
  const finished = () => {
    if (!written) throw new Error('the Parquet file is not written to its end')
    return written
  }

  return {
    schema,
    begin: (): Uint8Array => give(new TextEncoder().encode('PAR1')),
    append(encoded: EncodedRowGroup): Uint8Array {
      const { rowGroup, chunks } = placeRowGroup(encoded, size)
      rowGroups.push(rowGroup)
      indexed.push(...chunks.filter(({ columnIndex, offsetIndex }) => columnIndex || offsetIndex))
      rows += encoded.rows
      return give(encoded.bytes)
    },
    end(): Uint8Array {
      const writer = new ByteWriter()
      // The places of the indexes are counted from the file's beginning.
      writer.offset = size
      writeIndexes(writer, indexed)
      const footerStart = writer.index
      appendFooter(writer, { schema, rowGroups, rows, kvMetadata })
      const bytes = give(writer.getBytes().slice())
      const summary = { rows, bytes: size, rowGroups: rowGroups.length, sha256: sha256?.digest('hex') ?? '' }
      written = { summary, footer: bytes.subarray(footerStart) }
      return bytes
    },
    summary: (): ParquetSummary => finished().summary,
    /** The footer, as readFooter would give it. */
    metadata: (): ParquetMetadata => parseFooter(finished().footer, { size: finished().summary.bytes }),
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
