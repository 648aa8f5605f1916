import { type FileMetaData, parquetMetadata } from 'hyparquet'
import { NotFoundError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type ByteSource, objectSource } from './read-source.ts'

export { type ColumnMetrics, columnMetrics } from './metrics.ts'

/** A footer as hyparquet reads it, and as it stands in the file. */
export interface ParquetMetadata extends FileMetaData {
  /** The footer's thrift bytes, without length and magic: what hyparquet rounds or leaves out is only here. */
  raw: Uint8Array
}

/** `PAR1`, little endian. */
export const magic = 0x31524150

/** Bytes of the first read: enough for the footers of most files. */
const firstRead = 65_536

/**
 * The metadata of a Parquet file, with one range read, or two where the footer is long. Without `size` (bytes) it asks for it first.
 * Throws NotFoundError, and for a truncated file or one that is not Parquet an Error that names the key and what is wrong.
 */
export async function readFooter(
  source: ObjectStore,
  key: string,
  { size }: { size?: number } = {},
): Promise<ParquetMetadata> {
  const length = size ?? (await source.head(key))?.size
  if (length === undefined) throw new NotFoundError(`s3://${source.bucket}/${key} does not exist`)
  return readFooterOf(objectSource(source, key), length)
}

/** The same of any source of `length` bytes. */
export async function readFooterOf(source: ByteSource, length: number): Promise<ParquetMetadata> {
  const { subject } = source
  const start = Math.max(0, length - firstRead)
  let tail = await source.read(start, length)
  if (tail.length !== length - start)
    throw new Error(`${subject} is shorter than expected: ${start + tail.length} bytes of ${length}`)
  const missing = footerLength(tail, length, subject) + 8 - tail.length
  if (missing > 0) {
    const head = await source.read(start - missing, start)
    tail = new Uint8Array(Buffer.concat([head, tail]))
  }
  return parseFooter(tail, { size: length, subject })
}

/**
 * The metadata of a Parquet file from its last bytes. `size` is the whole file's, where `tail` is not all of it; `subject` is named in
 * errors. Throws an Error that says what is wrong.
 */
export function parseFooter(
  tail: Uint8Array,
  { size = tail.length, subject = 'the file' }: { size?: number; subject?: string } = {},
): ParquetMetadata {
  const length = footerLength(tail, size, subject)
  if (length + 8 > tail.length)
    throw new Error(`${subject}: the footer of ${length} bytes is not in the last ${tail.length} bytes`)
  const raw = tail.slice(-8 - length, -8)
  let metadata: ParquetMetadata
  try {
    metadata = { ...parquetMetadata(tail, { geoparquet: false }), raw }
  } catch (cause) {
    throw new Error(`${subject} has a damaged Parquet footer`, { cause })
  }
  checkExtents(metadata, size - 8 - length, subject)
  return metadata
}

function footerLength(tail: Uint8Array, size: number, subject: string): number {
  if (size < 12 || tail.length < 8) throw new Error(`${subject} is no Parquet file: ${size} bytes are too few`)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  if (view.getUint32(tail.length - 4, true) !== magic)
    throw new Error(`${subject} is no whole Parquet file: it does not end in PAR1`)
  const length = view.getUint32(tail.length - 8, true)
  if (length + 12 > size)
    throw new Error(`${subject} is no whole Parquet file: a footer of ${length} bytes in ${size} bytes`)
  return length
}

/** A file can be cut in its middle and still end well; then its chunks reach into the footer. */
function checkExtents({ row_groups }: FileMetaData, end: number, subject: string): void {
  for (const { columns, num_rows } of row_groups) {
    if (num_rows === 0n) continue
    for (const column of columns) {
      const { start, end: chunkEnd } = chunkExtent(column, subject)
      if (start < 4 || chunkEnd > end)
        throw new Error(`${subject} is no whole Parquet file: a column chunk lies at ${start} to ${chunkEnd} of ${end}`)
    }
  }
}

/** Where a column chunk lies, in bytes from the file's beginning; `end` is behind its last byte. */
export function chunkExtent(
  { meta_data, file_path }: FileMetaData['row_groups'][number]['columns'][number],
  subject: string,
): { start: number; end: number } {
  if (!meta_data || file_path) throw new Error(`${subject} keeps columns or their metadata elsewhere`)
  // Some writers put 0 where there is no dictionary.
  const data = Number(meta_data.data_page_offset)
  const start = Math.min(data, Number(meta_data.dictionary_page_offset ?? 0) || data)
  return { start, end: start + Number(meta_data.total_compressed_size) }
}

/** Where each row group that has rows begins, in bytes, ascending: Iceberg's `split_offsets`. */
export function splitOffsets({ row_groups }: FileMetaData): number[] {
  const starts = row_groups
    .filter(({ num_rows }) => num_rows > 0n)
    .map(({ columns }) => Math.min(...columns.map(column => chunkExtent(column, 'the file').start)))
  return starts.sort((a, b) => a - b)
}
