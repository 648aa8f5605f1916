import { ByteWriter } from 'hyparquet-writer'
import { deltaBinaryPack } from 'hyparquet-writer/src/delta.js'
import type { Dictionary } from './dictionary.ts'

/** Values of each of the three places in a chunk whose size is measured. */
const sample = 4096

/**
 * The bytes that values take as DELTA_BINARY_PACKED; undefined where PLAIN (`width` words of 32 bits each) or their dictionary takes fewer.
 * The differences are encoded and measured, in a large chunk those of its beginning, middle and end.
 */
export function measureDeltas(
  values: Int32Array,
  width: 1 | 2,
  dictionary: Dictionary | undefined,
): number | undefined {
  const { length } = values
  if (length < 2) return undefined
  const others = Math.min(
    length * width * 4,
    dictionary ? dictionary.bytes.length + (length * dictionary.bits) / 8 : Number.POSITIVE_INFINITY,
  )
  let bytes = 0
  let measured = 0
  const starts = length <= 3 * sample ? [0] : [0, (length - sample) >> 1, length - sample]
  for (const start of starts) {
    const part = values.subarray(start, starts.length === 1 ? length : start + sample)
    bytes += packDeltas(part, width).length
    measured += part.length
  }
  const size = (bytes / measured) * length
  return size < others ? size : undefined
}

/** DELTA_BINARY_PACKED values of an INT32 (`width` 1) or INT64 column. Source: parquet-format, Encodings, Delta. */
export function packDeltas(values: Int32Array, width: 1 | 2): Uint8Array {
  const writer = new ByteWriter(Math.max(64, values.length))
  deltaBinaryPack(writer, values, width === 1 ? 'INT32' : 'INT64')
  return writer.getBytes()
}
