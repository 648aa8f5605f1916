import type { Encoding } from '../csv/normalise-text.ts'
import { tokenize } from '../csv/tokenize.ts'
import { type Problem, Rejection } from '../errors.ts'
import { formatType } from '../fields.ts'
import { createTypeInference } from './infer-type.ts'

export interface DraftFile {
  dataset: string
  body: AsyncIterable<Uint8Array>
}

const maxProblems = 100

/**
 * Drafts a contents file of the plain dialect for someone who has none: reads each CSV to its end and proposes for each column the
 * narrowest type that fits every value. It is a draft: types guessed from one delivery are to be read and corrected before they are
 * declared. Labels are empty and every column is nullable. Throws Rejection for a file that cannot be read, an unnamed or repeated column,
 * and rows of another length than the header.
 */
export async function draftContents(files: DraftFile[], { encoding }: { encoding?: Encoding } = {}): Promise<string> {
  const lines = ['dataset,field,type,label,nullable,format']
  for (const { dataset, body } of files) {
    for (const { name, type } of await inferColumns({ dataset, body, encoding })) {
      lines.push([dataset.toLowerCase(), name, formatType(type), '', 'true', ''].map(quoteCell).join(','))
    }
  }
  return `${lines.join('\n')}\n`
}

async function inferColumns({ dataset, body, encoding }: DraftFile & { encoding: Encoding | undefined }) {
  const file = `${dataset}.csv`
  const problems: Problem[] = []
  let header: string[] | undefined
  let inferences: ReturnType<typeof createTypeInference>[] = []
  let row = 0
  for await (const records of tokenize(body, { file, names: [], encoding })) {
    for (const record of records) {
      if (!header) {
        header = record.map(name => name.trim())
        checkHeader(header, file)
        inferences = header.map(createTypeInference)
        continue
      }
      row++
      if (record.length === 1 && record[0] === '') continue
      if (record.length !== header.length) {
        const message = `the row has ${record.length} cells, and the header has ${header.length}`
        if (problems.length < maxProblems) problems.push({ code: 'ragged-row', message, file, row })
        continue
      }
      for (const [i, cell] of record.entries()) inferences[i]!.add(cell)
    }
  }
  if (!header)
    throw new Rejection({ code: 'empty-file', message: 'the file is empty: it has no line of column names', file })
  if (problems.length > 0) throw new Rejection(problems)
  return header.map((name, i) => ({ name, type: inferences[i]!.result() }))
}

function checkHeader(header: string[], file: string): void {
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const [i, name] of header.entries()) {
    const key = name.toLowerCase()
    if (name === '') problems.push({ code: 'field-name-missing', message: `column ${i + 1} has no name`, file })
    else if (seen.has(key)) {
      const message = 'the column stands in the file more than once (names are matched without case)'
      problems.push({ code: 'column-duplicate', message, file, column: name })
    }
    seen.add(key)
  }
  if (problems.length > 0) throw new Rejection(problems)
}

const quoteCell = (cell: string): string => (/[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
