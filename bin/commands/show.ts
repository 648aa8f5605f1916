import { join } from 'node:path'
import { readUnattested } from '../../lib/gate/unattested.ts'
import { type Layer, layers } from '../../lib/layout.ts'
import { listTables } from '../../lib/pipeline/table-objects.ts'
import { defineStudyCommand } from '../support/define.ts'
import { count, formatCount, formatTable, type Output } from '../support/output.ts'
import { commandLine, showPath } from '../support/paths.ts'
import { shortCommit } from '../support/print-report.ts'
import { printUnattested } from '../support/print-unattested.ts'
import { parseStudyRef, parseTableName, requireTable, resolveRef, type Table } from '../support/refs.ts'
import { withSession } from '../support/session.ts'

const describeTable = ({ layer, dataset, columns, files, rows }: Table) => ({
  table: `${layer}.${dataset}`,
  rows,
  columns,
  files: files.map(({ address, rows, bytes }) => ({ address, rows, bytes })),
})

function printFiles(output: Output, { files }: Table): void {
  const lines = formatTable(
    [{ title: 'file' }, { title: 'rows', align: 'right' }, { title: 'bytes', align: 'right' }],
    files.map(({ address, rows, bytes }) => [address, formatCount(rows), formatCount(bytes)]),
  )
  for (const line of lines) output.line(line)
}

/** One table with a line for each column. */
function printTable(output: Output, table: Table): void {
  const columns = table.columns.map(({ name, type, nullable, label = '' }) => [
    name,
    type,
    nullable ? '' : 'not null',
    label,
  ])
  output.line(`${table.layer}.${table.dataset}: ${count(table.rows, 'row')}, ${count(table.columns.length, 'column')}`)
  output.line()
  const lines = formatTable([{ title: 'column' }, { title: 'type' }, { title: '' }, { title: 'label' }], columns)
  for (const line of lines) output.line(line)
  output.line()
  printFiles(output, table)
}

/** One table of many: its columns on as few lines as they take. */
function printSummary(output: Output, { layer, dataset, rows, columns, files }: Table): void {
  output.line(`${layer}.${dataset}: ${count(rows, 'row')}, ${count(columns.length, 'column')}`)
  let line = ' '
  for (const [index, { name, type }] of columns.entries()) {
    const text = ` ${name} ${type}${index < columns.length - 1 ? ',' : ''}`
    if (line.length + text.length > 110 && line !== ' ') {
      output.line(line)
      line = ' '
    }
    line += text
  }
  output.line(line)
  for (const { address } of files) output.line(`  ${address}`)
  output.line()
}

/** Raw first: the order in which they are made. */
const inLayerOrder = (names: { layer: Layer; dataset: string }[]) =>
  names.toSorted((a, b) => layers.indexOf(a.layer) - layers.indexOf(b.layer))

export default defineStudyCommand({
  name: 'show',
  description: "Show a version's tables: columns, types, rows, files",
  args: {
    at: { type: 'positional', required: true, valueHint: 'STUDY@REF', description: 'as in ilms@v1' },
    table: {
      type: 'positional',
      required: false,
      valueHint: 'LAYER.DATASET',
      description: 'as in base.patients; all without',
    },
  },
  async run({ args, data, output }) {
    const { study, ref } = parseStudyRef(args.at)
    const wanted = args.table === undefined ? undefined : parseTableName(args.table)
    await withSession({ data, command: 'show', create: false }, async ({ environment }) => {
      const commit = await resolveRef(environment, study, ref)
      const names = wanted ? [wanted] : inLayerOrder(await listTables(environment, study, commit.id))
      const tables: Table[] = []
      for (const name of names) tables.push(await requireTable(environment, { study, ref, commit: commit.id, ...name }))

      const unattested = await readUnattested(environment, { study, commit: commit.id })
      const { id, message } = commit
      const shown = { study, ref, commit: id, message, tables: tables.map(describeTable) }
      output.document({ ...shown, ...(unattested && { unattested }) })
      output.line(`${study}@${ref}, commit ${shortCommit(id)} (${message})`)
      if (unattested) printUnattested(output, unattested)
      output.line()
      if (wanted) for (const table of tables) printTable(output, table)
      else for (const table of tables) printSummary(output, table)
      if (!wanted && tables.length > 0)
        output.line(
          `One of them in full: ${commandLine(`show ${study}@${ref} ${tables[0]!.layer}.${tables[0]!.dataset}`, { data })}`,
        )
      if (tables.length === 0) output.line('There are no tables.')
      const { bucket } = environment.lake
      if (tables.length > 0) output.line(`\n(s3://${bucket}/… lies in ${showPath(join(data, bucket))}/…)`)
    })
    return 0
  },
})
