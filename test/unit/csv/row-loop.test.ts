import { expect, test } from 'vitest'
import type { ColumnBatch } from '../../../lib/columns.ts'
import { createProblemLog } from '../../../lib/csv/problem-log.ts'
import { createRecordDecoder } from '../../../lib/csv/record-decoder.ts'
import type { Field } from '../../../lib/fields.ts'
import { makeFields, rowsOf } from './support.ts'

const fields = makeFields({
  S: 'string',
  I: 'integer',
  D: 'double',
  DAY: 'date',
  LARGE: { kind: 'decimal', precision: 30, scale: 2 },
  NOTE: 'string',
})

function openDecoder(declared: Field[], { lend, maxBatchRows = 1000 }: { lend: boolean; maxBatchRows?: number }) {
  const file = 'lb.csv'
  const log = createProblemLog({ file, maxProblems: 10 })
  const dialect = { separator: ',' as const, lineEnds: ['\r\n', '\n'] }
  const limits = { maxCellBytes: 100_000, maxBatchRows, maxBatchBytes: 1e9 }
  return createRecordDecoder({ file, fields: declared, dialect, onBadValue: 'reject', ...limits, log, lend })
}

/** The rows of all batches, read while each is there to be read. */
function readRows(declared: Field[], csv: Buffer, size: number, options: { lend: boolean; maxBatchRows?: number }) {
  const decoder = openDecoder(declared, options)
  const rows: unknown[][] = []
  const read = (batches: Iterable<ColumnBatch>) => {
    for (const batch of batches) rows.push(...rowsOf(batch))
  }
  for (let at = 0; at < csv.length; at += size) read(decoder.feed(csv.subarray(at, at + size)))
  read(decoder.finish())
  const { counts } = decoder
  decoder.release()
  return { rows, counts }
}

const line = (row: number): string => {
  const note = row % 3 === 0 ? '' : row % 5 === 0 ? `"a ""${row}"", b\r\n"` : `note ${row % 40}`
  const value = row % 11 === 0 ? '1e3' : row % 7 === 0 ? '' : (row / 8).toFixed(row % 5)
  return `ID-${row % 90},${row - 50},${value},2014-01-${String((row % 28) + 1).padStart(2, '0')},${row}12345678901234567890.5,${note}`
}

test('batches that are lent hold what batches of their own hold', () => {
  const lines = Array.from({ length: 3000 }, (_, row) => line(row))
  const csv = Buffer.from(`S,I,D,DAY,LARGE,NOTE\n${lines.join('\n')}\n`)
  const own = readRows(fields, csv, 5000, { lend: false, maxBatchRows: 700 })
  expect(own.counts).toEqual({ rowsOut: 3000, rowsRejected: 0, valuesNulled: 0 })
  expect(own.rows[5]).toEqual(['ID-5', -45, 1, 16076, 51234567890123456789050n, 'a "5", b\r\n'])
  expect(readRows(fields, csv, 5000, { lend: true, maxBatchRows: 700 })).toEqual(own)
})

test('records that are unusual in turns with others leave nothing behind', () => {
  const kinds = [
    '%,1,1,2014-01-01,1,x',
    '%,,,,,',
    '%,x,1,2014-01-01,1,y',
    '%,1',
    '%,1,1,02JAN2014,1.50,"z"',
    '%,1,.5,,+1,',
  ]
  const lines = Array.from({ length: 900 }, (_, row) => kinds[(row * row) % kinds.length].replace('%', `id${row}`))
  const csv = Buffer.from(`S,I,D,DAY,LARGE,NOTE\r\n${lines.join('\r\n')}\r\n`)
  const whole = readRows(fields, csv, csv.length, { lend: false })
  expect(whole.counts.rowsOut + whole.counts.rowsRejected).toBe(900)
  expect(whole.rows.map(([id]) => id)).toEqual(
    lines.filter(text => !/,x,|,1$/.test(text)).map(text => text.slice(0, text.indexOf(','))),
  )
  for (const size of [1, 7, 64, 1000]) expect(readRows(fields, csv, size, { lend: true })).toEqual(whole)
})

test('a file ends wherever it is cut', () => {
  const text = 'S,I,D,DAY,LARGE,NOTE\r\n"a ""b""",1,-1.5,2014-01-02,12,"x,y"\r\nc,,,,,\r\n'
  const csv = Buffer.from(text)
  for (let end = text.indexOf('\n') + 1; end <= csv.length; end++) {
    const { rows } = (() => {
      try {
        return readRows(fields, csv.subarray(0, end), 1000, { lend: false })
      } catch (error) {
        expect((error as { problems: unknown[] }).problems).toMatchObject([{ row: 1 }])
        return { rows: [] }
      }
    })()
    expect(rows.length).toBeLessThanOrEqual(2)
  }
  expect(readRows(fields, csv, 1000, { lend: false }).rows).toEqual([
    ['a "b"', 1, -1.5, 16072, 1200n, 'x,y'],
    ['c', null, null, null, null, null],
  ])
})
