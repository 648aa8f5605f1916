import { keyOfAddress } from '../../lib/layout.ts'
import { readRows } from '../../lib/parquet/read.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, UsageError } from '../support/failure.ts'
import { formatCount, formatTable } from '../support/output.ts'
import { parseStudyRef, parseTableName, requireTable, resolveRef } from '../support/refs.ts'
import { withSession } from '../support/session.ts'

/** Characters of a cell that are printed; --json has all. */
const longestCell = 40

function formatCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = String(value)
  return text.length > longestCell ? `${text.slice(0, longestCell - 1)}…` : text
}

function readCount(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new UsageError(`--rows ${JSON.stringify(text)}: a whole number from 1 is needed`)
  return number
}

export default defineStudyCommand({
  name: 'head',
  description: 'Print the first rows of a table',
  args: {
    at: { type: 'positional', required: true, valueHint: 'STUDY@REF', description: 'as in ilms@v1' },
    table: { type: 'positional', required: true, valueHint: 'LAYER.DATASET', description: 'as in base.patients' },
    rows: { type: 'string', default: '10', valueHint: 'N', description: 'How many' },
  },
  async run({ args, data, output }) {
    const { study, ref } = parseStudyRef(args.at)
    const name = parseTableName(args.table)
    const limit = readCount(args.rows)
    await withSession({ data, command: 'head', create: false }, async ({ environment }) => {
      const commit = await resolveRef(environment, study, ref)
      const table = await requireTable(environment, { study, ref, commit: commit.id, ...name })
      const { fields, files, rows: total } = table
      if (!fields)
        throw new CommandError(`${args.table} has columns of types that only SQL engines read: use studylake query`)
      const rows: unknown[][] = []
      for (const { address, content, bytes } of files) {
        if (rows.length >= limit) break
        const key = keyOfAddress(environment.lake.bucket, address)
        if (content !== 0 || key === undefined)
          throw new CommandError(
            `${args.table} was changed by another engine in a way that only such an engine can read`,
          )
        rows.push(...(await readRows(environment.lake, key, { fields, size: bytes, limit: limit - rows.length })))
      }
      output.document(rows.map(row => Object.fromEntries(fields.map(({ name }, index) => [name, row[index]]))))
      const columns = fields.map(({ name, type }) => ({
        title: name,
        align: ['integer', 'bigint', 'decimal', 'double'].includes(type.kind) ? ('right' as const) : ('left' as const),
      }))
      for (const line of formatTable(
        columns,
        rows.map(row => row.map(formatCell)),
      ))
        output.line(line)
      output.line()
      output.line(`${formatCount(rows.length)} of ${formatCount(total)} rows`)
    })
    return 0
  },
})
