import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { type CsvConversion, convertCsv, type DecodedCsv } from '../../lib/convert/convert-csv.ts'
import { Rejection } from '../../lib/errors.ts'
import type { Field } from '../../lib/fields.ts'

/** Bytes of one read. */
const readBytes = 1 << 20

/** The file's bytes; every piece is in the same buffer. */
async function* readFile(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(readBytes)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, readBytes)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Writes all of the bytes. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

/**
 * Converts a CSV file into a Parquet file, which is there whole or not at all: it is written beside `out` under a name of this process, and
 * renamed. Throws Rejection where a row was rejected, as decodeCsv does where the file cannot be read, and what the file system says.
 * `onProgress` is told the bytes written so far; what it throws ends the work.
 */
export async function convertFile({
  path,
  out,
  fields,
  threads,
  onProgress,
}: {
  path: string
  out: string
  fields: Field[]
  threads: number
  onProgress: (written: number) => void
}): Promise<CsvConversion> {
  const source = await open(path)
  try {
    const { size } = await source.stat()
    const temporary = `${out}.${process.pid}.tmp`
    const target = await open(temporary, 'w')
    try {
      const { body, result } = convertCsv({
        body: readFile(source),
        size,
        file: basename(path),
        fields,
        threads,
        hash: false,
        accept: refuseRejected,
      })
      let written = 0
      for await (const bytes of body) {
        await writeAll(target, bytes)
        written += bytes.length
        onProgress(written)
      }
      await target.close()
      await rename(temporary, out)
      return result()
    } catch (error) {
      await target.close().catch(() => undefined)
      await rm(temporary, { force: true })
      throw error
    }
  } finally {
    await source.close()
  }
}

/** As a load of the version would. */
function refuseRejected({ rowsRejected, problems }: DecodedCsv): void {
  if (rowsRejected > 0) throw new Rejection(problems)
}
