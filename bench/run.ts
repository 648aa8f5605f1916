// Runs one benchmark: `npm run bench -- catalog`, with --json for its figures alone. Without a name, the one against other tools.
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'

/** What a benchmark file exports: its figures, one a row, all rows with the same members. */
export interface Benchmark {
  /** What is measured and what it is compared with, in a line or two. */
  title: string
  /** `quick` asks for fewer repeats, where there is a choice. */
  measure(options: { onProgress: (line: string) => void; quick?: boolean }): Promise<Record<string, string | number>[]>
}

const names = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith('.ts') && file !== basename(import.meta.filename))
  .map(file => basename(file, '.ts'))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' } },
})
const [name = 'peers'] = positionals
if (positionals.length > 1 || !names.includes(name)) {
  console.error(`usage: npm run bench -- [${names.join(' | ')}] [--quick] [--json]`)
  process.exit(2)
}
const { benchmark } = (await import(join(import.meta.dirname, `${name}.ts`))) as { benchmark: Benchmark }
const rows = await benchmark.measure({ onProgress: line => console.error(line), quick: values.quick })
if (values.json) console.log(JSON.stringify(rows, undefined, 2))
else console.log(`${benchmark.title}\n\n${formatTable(rows)}`)

function formatTable(rows: Record<string, string | number>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = [columns, ...rows.map(row => columns.map(column => String(row[column])))]
  const widths = columns.map((_, at) => Math.max(...cells.map(line => line[at]!.length)))
  return cells.map(line => line.map((cell, at) => cell.padStart(widths[at]!)).join('  ')).join('\n')
}
