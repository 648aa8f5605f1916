import { MessageChannel, type Worker } from 'node:worker_threads'
import { zstdDecompressSync } from 'node:zlib'
import { parquetRead } from 'hyparquet'
import { answerParts } from '../../../lib/convert/answer-parts.ts'
import { type ConvertCsvOptions, type CsvConversion, convertCsv } from '../../../lib/convert/convert-csv.ts'
import { decodeCsv } from '../../../lib/csv/decode-csv.ts'
import { Rejection } from '../../../lib/errors.ts'
import { collectNaturalKeys } from '../../../lib/keys/collect.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'

/** The answering side of a worker in this very thread, over the same kind of channel: a conversion of several threads without their start. */
export function startFakeThread(): Worker {
  const { port1, port2 } = new MessageChannel()
  answerParts(port2)
  const thread = {
    on: (event: string, listener: (...values: unknown[]) => void) => event === 'message' && port1.on(event, listener),
    postMessage: port1.postMessage.bind(port1),
    terminate: async () => port1.close(),
  }
  return thread as unknown as Worker
}

/** The rows of a Parquet file by hyparquet's own reader, its conversions of times left out. */
export async function readRows(bytes: Uint8Array): Promise<unknown[][]> {
  const buffer = bytes.slice().buffer
  let rows: unknown[][] = []
  await parquetRead({
    file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
    compressors: { ZSTD: page => zstdDecompressSync(page) },
    parsers: { timestampFromMicroseconds: micros => micros, dateFromDays: days => days },
    onComplete: read => {
      rows = read
    },
  })
  return rows
}

/** The Parquet bytes and the result of a conversion, or the problems that it ends in. */
export async function convert(
  options: ConvertCsvOptions,
): Promise<{ bytes: Uint8Array; result: CsvConversion } | { problems: unknown }> {
  const { body, result } = convertCsv(options)
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of body) pieces.push(new Uint8Array(piece))
  } catch (error) {
    if (error instanceof Rejection) return { problems: error.problems }
    throw error
  }
  return { bytes: new Uint8Array(Buffer.concat(pieces)), result: result() }
}

/** All that can be seen of a conversion by parts. */
export async function observe(options: ConvertCsvOptions) {
  const converted = await convert(options)
  if ('problems' in converted) return converted
  const { keys, parquet, ...result } = converted.result
  return { rows: await readRows(converted.bytes), keys: await describeKeys(keys), result }
}

/** The same of decoding the whole file in one piece. */
export async function observeWhole({ body, entities = [], ...options }: ConvertCsvOptions) {
  const collected = collectNaturalKeys(options.fields, entities)
  try {
    const decoding = decodeCsv(body, options)
    const batches = []
    let step = await decoding.next()
    for (; !step.done; step = await decoding.next()) {
      collected.add(step.value)
      batches.push(step.value)
    }
    const { bytes } = await writeParquetFile(options.fields, batches)
    return { rows: await readRows(bytes), keys: await describeKeys(collected.result()), result: step.value }
  } catch (error) {
    if (error instanceof Rejection) return { problems: error.problems }
    throw error
  }
}

const describeKeys = (keys: CsvConversion['keys']) =>
  Promise.all(
    keys.map(async ({ batches, fields, ...counts }) => ({
      ...counts,
      rows: await readRows((await writeParquetFile(fields, batches)).bytes),
    })),
  )
