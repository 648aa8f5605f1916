import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { parseContents } from '../../lib/contents/parse.ts'
import type { CsvConversion } from '../../lib/convert/convert-csv.ts'
import { type Problem, Rejection } from '../../lib/errors.ts'
import type { Dataset } from '../../lib/fields.ts'
import { convertFile } from '../support/convert-file.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, exitCodes, UsageError } from '../support/failure.ts'
import { onInterrupt } from '../support/interrupt.ts'
import { count, formatCount, type Output } from '../support/output.ts'
import { resolveFromUser, showPath } from '../support/paths.ts'
import { formatProblems } from '../support/print-report.ts'

class Interrupted extends Error {}

/** Throws UsageError where there is no such file. */
async function findFile(given: string): Promise<string> {
  const path = resolveFromUser(given)
  const info = await stat(path).catch(() => undefined)
  if (!info?.isFile()) throw new UsageError(`${showPath(path)} ${info ? 'is not a file' : 'does not exist'}`)
  return path
}

function readThreads(given: string | undefined): number {
  if (given === undefined) return availableParallelism()
  if (!/^[1-9]\d{0,2}$/.test(given)) throw new UsageError(`--threads is ${JSON.stringify(given)}, expected 1 to 999`)
  return Number(given)
}

/** The declared dataset. Throws Rejection for a contents file that cannot be read, UsageError where it does not declare the dataset. */
async function findDataset(contents: string, name: string): Promise<Dataset> {
  const { datasets } = parseContents(await readFile(contents), { file: basename(contents) })
  const dataset = datasets.find(declared => declared.name === name)
  if (dataset) return dataset
  throw new UsageError(
    `${showPath(contents)} does not declare ${JSON.stringify(name)}, and does ${datasets.map(declared => declared.name).join(', ')}; name it with --dataset`,
  )
}

function refuse(output: Output, path: string, problems: Problem[]): number {
  output.document({ converted: false, problems })
  output.line(`${showPath(path)}: not converted, nothing was written`)
  output.line(`\n${count(problems.length, 'problem')}:`)
  for (const line of formatProblems(problems)) output.line(line)
  return exitCodes.refused
}

function tell(output: Output, path: string, out: string, { parquet, problems, ...found }: CsvConversion): number {
  const { rowsIn, rowsOut, rowsRejected, bytes } = found
  output.document({
    converted: true,
    out,
    rowsIn,
    rowsOut,
    rowsRejected,
    csvBytes: bytes,
    parquetBytes: parquet.bytes,
    rowGroups: parquet.rowGroups,
    problems,
  })
  const size = `${formatCount(bytes)} bytes to ${formatCount(parquet.bytes)}`
  output.line(`${showPath(path)} → ${showPath(out)}: ${count(rowsOut, 'row')}, ${size}`)
  return exitCodes.done
}

export default defineStudyCommand({
  name: 'convert',
  description: 'Convert one CSV file into a typed Parquet file, without a platform',
  args: {
    file: { type: 'positional', required: true, description: 'The dataset: a CSV file' },
    contents: { type: 'string', required: true, valueHint: 'FILE', description: 'The contents file that declares it' },
    out: { type: 'string', required: true, valueHint: 'FILE', description: 'The Parquet file to write' },
    threads: { type: 'string', valueHint: 'N', description: 'Threads that convert (default: one for each processor)' },
    dataset: { type: 'string', valueHint: 'NAME', description: "The dataset's name (default: the file's)" },
    force: { type: 'boolean', default: false, description: 'Write over a file that is there' },
  },
  async run({ args, output }) {
    const threads = readThreads(args.threads)
    const [path, contents, out] = [await findFile(args.file), await findFile(args.contents), resolveFromUser(args.out)]
    const name = (args.dataset ?? basename(path).replace(/\.csv$/i, '')).toLowerCase()
    if (existsSync(out) && !args.force)
      throw new CommandError(`${showPath(out)} is there already; remove it, or write over it with --force`)
    let interrupted = false
    const settle = onInterrupt(() => {
      interrupted = true
    })
    try {
      const { fields } = await findDataset(contents, name)
      const onProgress = (written: number): void => {
        if (interrupted) throw new Interrupted()
        output.progress(`converting ${basename(path)}: ${formatCount(written)} bytes written`)
      }
      const conversion = await convertFile({ path, out, fields, threads, onProgress })
      return tell(output, path, out, conversion)
    } catch (error) {
      if (error instanceof Interrupted) return exitCodes.interrupted
      if (!(error instanceof Rejection)) throw error
      return refuse(output, path, error.problems)
    } finally {
      settle()
    }
  },
})
