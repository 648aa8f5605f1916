import type { Encoding } from '../csv/normalise-text.ts'
import { parseBoolean, parseInt32 } from '../csv/parse-numbers.ts'
import { tokenizeWhole } from '../csv/tokenize.ts'
import { type Problem, Rejection } from '../errors.ts'
import type { FieldType } from '../fields.ts'
import { parsePlainType, parseProcType, quote } from './parse-type.ts'

/** One row of a contents file, read by itself. What could not be read is undefined and stands among the problems. */
export interface Declaration {
  /** 1 is the first row after the header. */
  row: number
  dataset: string
  name: string
  type?: FieldType
  format?: string
  label: string
  nullable: boolean
  /** Columns of a dataset stand in this order, then in that of the rows. */
  position: number
}

/** A declaration's cells by lower-case column name; '' where the contents file has no such column. */
type Cells = (column: string) => string
type Report = (column: string, problem: { code: string; message: string }) => void

interface Dialect {
  required: string[]
  optional: string[]
  read(cells: Cells, report: Report): Omit<Declaration, 'row'>
}

const dialects: Dialect[] = [
  { required: ['memname', 'name', 'type'], optional: ['varnum', 'label', 'format'], read: readProcRow },
  { required: ['dataset', 'field', 'type'], optional: ['label', 'nullable', 'format'], read: readPlainRow },
]

/**
 * The rows of a contents file of either dialect, told apart by the header. Blank rows are passed over. Throws Rejection where the file
 * cannot be read at all: not CSV, no such header, no rows; problems of single rows are returned.
 */
export function readDeclarations(
  bytes: Uint8Array,
  { file, encoding }: { file: string; encoding?: Encoding },
): { declarations: Declaration[]; problems: Problem[] } {
  const names = dialects.flatMap(({ required, optional }) => [...required, ...optional])
  const [header, ...records] = tokenizeWhole(bytes, { file, names, encoding })
  if (!header || (header.length === 1 && header[0]!.trim() === '' && records.length === 0)) {
    throw new Rejection({ code: 'empty-file', message: 'the contents file is empty', file })
  }
  const { dialect, positions } = recogniseHeader(header, file)
  const problems: Problem[] = []
  const declarations: Declaration[] = []
  for (const [index, record] of records.entries()) {
    const row = index + 1
    if (record.every(cell => cell.trim() === '')) continue
    if (record.length !== header.length) {
      const message = `the row has ${record.length} cells, and the header has ${header.length}`
      problems.push({ code: 'ragged-row', message, file, row })
      continue
    }
    const cells: Cells = column => {
      const position = positions.get(column)
      return position === undefined ? '' : record[position]!.trim()
    }
    const report: Report = (column, problem) => {
      problems.push({ ...problem, file, row, column: header[positions.get(column)!]!.trim() })
    }
    declarations.push({ row, ...dialect.read(cells, report) })
  }
  if (declarations.length === 0 && problems.length === 0) {
    throw new Rejection({
      code: 'no-rows',
      message: 'the contents file declares nothing: it has a header and no rows',
      file,
    })
  }
  return { declarations, problems }
}

function recogniseHeader(header: string[], file: string): { dialect: Dialect; positions: Map<string, number> } {
  const columns = header.map(cell => cell.trim().toLowerCase())
  const dialect = dialects.find(({ required }) => required.every(name => columns.includes(name)))
  if (!dialect) {
    const message =
      'the header is of neither dialect: expected MEMNAME,NAME,TYPE,LENGTH,VARNUM,LABEL,FORMAT (PROC CONTENTS) or dataset,field,type[,label,nullable,format]'
    throw new Rejection({ code: 'header-unknown', message, file })
  }
  const positions = new Map<string, number>()
  const problems: Problem[] = []
  for (const name of [...dialect.required, ...dialect.optional]) {
    const position = columns.indexOf(name)
    if (position < 0) continue
    positions.set(name, position)
    if (columns.indexOf(name, position + 1) < 0) continue
    const message = 'the column stands in the header more than once: keep one of them'
    problems.push({ code: 'column-duplicate', message, file, column: header[position]!.trim() })
  }
  if (problems.length > 0) throw new Rejection(problems)
  return { dialect, positions }
}

function readProcRow(cells: Cells, report: Report): Omit<Declaration, 'row'> {
  const outcome = parseProcType(cells('type'), cells('format'))
  if ('reason' in outcome) report(outcome.code === 'type-unknown' ? 'type' : 'format', describe(outcome))
  const varnum = cells('varnum')
  // Without VARNUM the order of the rows is all that there is.
  const position = varnum === '' ? Number.MAX_SAFE_INTEGER : parseInt32(varnum)
  if (typeof position === 'string' || position < 1) {
    const message = `VARNUM is ${quote(varnum)}, expected the column's number, counted from 1`
    report('varnum', { code: 'varnum-invalid', message })
  }
  return {
    dataset: cells('memname'),
    name: cells('name'),
    ...('reason' in outcome ? {} : outcome),
    label: cells('label'),
    nullable: true,
    position: typeof position === 'string' ? 0 : position,
  }
}

function readPlainRow(cells: Cells, report: Report): Omit<Declaration, 'row'> {
  const outcome = parsePlainType(cells('type'), cells('format'))
  if ('reason' in outcome) report(outcome.code === 'format-unknown' ? 'format' : 'type', describe(outcome))
  const nullable = cells('nullable') === '' ? true : parseBoolean(cells('nullable'))
  if (typeof nullable === 'string') {
    const message = `nullable is ${quote(cells('nullable'))}, expected true or false, or nothing for true`
    report('nullable', { code: 'nullable-invalid', message })
  }
  return {
    dataset: cells('dataset'),
    name: cells('field'),
    ...('reason' in outcome ? {} : outcome),
    label: cells('label'),
    nullable: nullable === true,
    position: 0,
  }
}

const describe = ({ code, reason }: { code: string; reason: string }) => ({ code, message: reason })
