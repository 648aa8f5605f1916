import { constants, type ZstdOptions, zstdCompressSync } from 'node:zlib'

/** Bytes below which a page is left as it is: the frame of a compressed one would cost about as much as it spares. */
const leastCompressed = 64
/** What compression must at least spare, as a part of the bytes, for readers to undo it. */
const leastGain = 0.05
/**
 * Level 2 gave smaller chunks of numbers than levels 1 and 3, and half the time of hyparquet-writer's Snappy for two thirds of its bytes.
 * Source: RFC 8878; parquet-format, Compression, ZSTD.
 */
const zstdParams = { [constants.ZSTD_c_compressionLevel]: 2 }

/** Room for the largest outcome, so that it comes in one piece (ZSTD_COMPRESSBOUND). */
const roomFor = (body: Uint8Array): ZstdOptions => ({
  params: zstdParams,
  chunkSize: Math.max(64, body.length + (body.length >> 8) + 512),
})

/** Whether so many bytes are worth it to be kept compressed. */
export const isGain = (compressed: number, bytes: number): boolean => compressed <= bytes * (1 - leastGain)

/** The bytes of packed pages that are tried first, in pieces from their whole length. */
const sampleBytes = 12_288
const samplePieces = 3

/** Bits that are packed are mostly as dense as they can be: what a few pieces say of them spares to compress all. */
function looksDense(body: Uint8Array): boolean {
  if (body.length < 4 * sampleBytes) return false
  const sample = new Uint8Array(sampleBytes)
  const piece = sampleBytes / samplePieces
  for (let at = 0; at < samplePieces; at++) {
    const from = Math.floor(((body.length - piece) * at) / (samplePieces - 1))
    sample.set(body.subarray(from, from + piece), at * piece)
  }
  return !isGain(zstdCompressSync(sample, roomFor(sample)).length, sampleBytes)
}

/** The ZSTD frame of a page's values; undefined where it would not be worth it. `isPacked` says that they are packed bits. */
export function compressPage(body: Uint8Array, { isPacked }: { isPacked: boolean }): Uint8Array | undefined {
  if (body.length < leastCompressed || (isPacked && looksDense(body))) return undefined
  const compressed = zstdCompressSync(body, roomFor(body))
  return isGain(compressed.length, body.length) ? compressed : undefined
}

/** The ZSTD frame of a dictionary page, which must be one in a chunk that has others. */
export const compressDictionary = (body: Uint8Array): Uint8Array => zstdCompressSync(body, roomFor(body))
