import { createDialectFinder, type Dialect } from '../csv/find-dialect.ts'
import { RecordScanner } from '../csv/scan-record.ts'

/** The beginning of a file: how it separates, and its header where that can be read apart. */
export interface FileStart {
  dialect: Dialect
  /** Undefined where the header is at fault or too large: then the file is for one decoder, which says so. */
  header: string[] | undefined
  /** Behind the header's line end. */
  next: number
}

/** Reads a file's header from its first bytes of many; undefined where they do not hold all of it. */
export function readHeader(
  bytes: Uint8Array,
  { names, maxCellBytes }: { names: readonly string[]; maxCellBytes: number },
): FileStart | undefined {
  const finder = createDialectFinder({ names })
  if (!finder.push(bytes)) return undefined
  const { dialect } = finder.finish()
  const scanner = new RecordScanner(dialect)
  const outcome = scanner.scan(bytes, 0, bytes.length, false)
  if (outcome === 'open' || scanner.needs > bytes.length) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const places = Array.from({ length: scanner.count }, (_, at) => at)
  const fits = outcome === 'whole' && places.every(at => scanner.cellBytes(buffer, at) <= maxCellBytes)
  return { dialect, header: fits ? places.map(at => scanner.cell(buffer, at)) : undefined, next: scanner.next }
}
