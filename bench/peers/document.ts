import { cpus, totalmem } from 'node:os'
import type { CaseResult } from './compare.ts'

export interface Findings {
  cases: CaseResult[]
  limits: { copy: number; scan: number; sha256: number }
  /** Bytes of the laboratory data's file by tool, all with zstd. */
  sizes: { contender: string; bytes: number }[]
  requirements: string
}

const head = `# Benchmarks

Whole processes, as a user would run them: start, imports, reading, writing. Ours is \`dist/studylake.mjs\` (\`npm run build\`), the others are
pandas, pyarrow, polars and DuckDB in the versions below. In each case the tools take turns, ours between the others; a ratio is the
median over the rounds of our cost to theirs beside it, so that below 1 is better. Every file that we write is compared with what pyarrow reads
from the same input before it counts.

\`npm run bench\` makes the data, gets the other tools into a folder of its own, measures, and writes this page; \`npm run bench -- peers --quick\`
leaves out the largest file and prints only. Everything that is measured depends on the machine; the ratios do so less.
`

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
const seconds = (value: number): string => value.toFixed(2)

function table(header: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

function describeCase({ name, costs }: CaseResult): string {
  const rows = costs.map(({ contender, cost, ratios }, at) => [
    contender,
    seconds(cost.wall),
    seconds(cost.cpu),
    megabytes(cost.peak),
    megabytes(cost.written),
    ...(at === 0 ? ['', '', ''] : [ratios.wall, ratios.cpu, ratios.peak].map(seconds)),
  ])
  const header = ['', 'wall s', 'CPU s', 'peak MB', 'written MB', 'our wall : its', 'our CPU : its', 'our peak : its']
  return `## ${name}\n\n${table(header, rows)}\n`
}

/** The text of docs/benchmarks.md. */
export function describeFindings({ cases, limits, sizes, requirements }: Findings): string {
  const tools = requirements.split('\n').filter(line => line.includes('=='))
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.version}; ${tools.join(', ')}`
  return [
    head,
    `Measured on: ${machine}.\n`,
    ...cases.map(describeCase),
    `## Bytes with the same codec\n\nThe laboratory data of 1,000,000 rows, zstd everywhere.\n\n${table(
      ['', 'MB'],
      sizes.map(({ contender, bytes }) => [contender, (bytes / 1e6).toFixed(2)]),
    )}\n`,
    `## What the machine can do\n\nOne core, measured in the same run, in GB a second: copying memory ${limits.copy.toFixed(1)}, looking at each byte once (SIMD) ${limits.scan.toFixed(1)}, SHA-256 ${limits.sha256.toFixed(1)}.\n`,
  ].join('\n')
}
