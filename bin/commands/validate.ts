import { readConfig } from '../../lib/config.ts'
import { type CsvResult, decodeCsv } from '../../lib/csv/decode-csv.ts'
import { type Problem, Rejection } from '../../lib/errors.ts'
import { type LandedDataset, readLandingState } from '../../lib/pipeline/landing-state.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { defineStudyCommand } from '../support/define.ts'
import { exitCodes } from '../support/failure.ts'
import { createFolderStore } from '../support/folder-store.ts'
import { count, formatCount, formatTable } from '../support/output.ts'
import { showPath } from '../support/paths.ts'
import { formatProblems } from '../support/print-report.ts'
import { landingUploads, readStudyFolder } from '../support/study-folder.ts'

/** Nothing is uploaded, so any lawful names do. */
const names = { study: 'study', version: 'version' }

/** The limits of a conversion are what is needed of it; nothing listens at these addresses. */
const config = readConfig({
  LANDING_BUCKET: 'folder',
  LAKE_BUCKET: 'none',
  LAKEFS_ENDPOINT: 'http://127.0.0.1:1',
  LAKEFS_ACCESS_KEY_ID: 'none',
  LAKEFS_SECRET_ACCESS_KEY: 'none',
  GATE_URL: 'http://127.0.0.1:1',
  GATE_TOKEN: 'none'.repeat(4),
})

interface CheckedDataset {
  dataset: string
  file: string
  columns: number
  rowsIn: number
  rowsOut: number
  rowsRejected: number
  problems: Problem[]
}

/** Reads a CSV to its end, as a conversion would. */
async function checkDataset(
  store: ObjectStore,
  { dataset, file, object, inputs }: LandedDataset,
): Promise<CheckedDataset> {
  const common = { dataset: dataset.name, file, columns: dataset.fields.length }
  const { body } = await store.stream(object.key)
  const { encoding, onBadValue } = inputs.options
  const decoding = decodeCsv(body, {
    file,
    fields: dataset.fields,
    encoding,
    onBadValue,
    maxCellBytes: config.maxCellBytes,
  })
  try {
    let step: IteratorResult<unknown, CsvResult> = await decoding.next()
    while (!step.done) step = await decoding.next()
    const { rowsIn, rowsOut, rowsRejected, problems } = step.value
    return { ...common, rowsIn, rowsOut, rowsRejected, problems }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    return { ...common, rowsIn: 0, rowsOut: 0, rowsRejected: 0, problems: error.problems }
  }
}

export default defineStudyCommand({
  name: 'validate',
  description: 'Check a folder as a load would, without loading it: contents and every value of every CSV',
  args: {
    folder: { type: 'positional', required: true, description: 'The folder with contents.csv and the datasets' },
    options: { type: 'string', valueHint: 'FILE', description: 'Use this file as study.json' },
  },
  async run({ args, output }) {
    const folder = await readStudyFolder(args.folder, { options: args.options })
    const store = createFolderStore(landingUploads(folder, names.study, names.version))
    const state = await readLandingState({ landing: store, config }, names)
    const datasets: CheckedDataset[] = []
    for (const item of state.landed) {
      output.progress(`checking ${item.file}, ${datasets.length + 1} of ${state.landed.length}`)
      datasets.push(await checkDataset(store, item))
    }
    const lossless = ({ rowsIn, rowsRejected, problems }: CheckedDataset): boolean =>
      rowsRejected === 0 && (problems.length === 0 || rowsIn > 0)
    const problems = [...state.problems, ...datasets.flatMap(item => (lossless(item) ? [] : item.problems))]
    const warnings = [...state.warnings, ...datasets.flatMap(item => (lossless(item) ? item.problems : []))]
    const valid = problems.length === 0 && state.missing.length === 0

    output.document({
      valid,
      datasets: datasets.map(({ problems: _, ...counts }) => counts),
      entities: state.entities,
      missing: state.missing,
      problems,
      warnings,
    })
    output.line(`${showPath(folder.folder)}: ${valid ? 'fit to be loaded' : 'not fit to be loaded yet'}`)
    if (datasets.length > 0) {
      output.line()
      const lines = formatTable(
        [
          { title: 'dataset' },
          { title: 'columns', align: 'right' },
          { title: 'rows', align: 'right' },
          { title: 'rejected', align: 'right' },
        ],
        datasets.map(({ dataset, columns, rowsIn, rowsRejected }) => [
          dataset,
          ...[columns, rowsIn, rowsRejected].map(formatCount),
        ]),
      )
      for (const line of lines) output.line(line)
    }
    if (state.missing.length > 0) output.line(`\n${count(state.missing.length, 'file')} missing:`)
    for (const file of state.missing) output.line(`  ${file}`)
    if (problems.length > 0) output.line(`\n${count(problems.length, 'problem')}:`)
    for (const line of formatProblems(problems)) output.line(line)
    if (warnings.length > 0) output.line('\nWorth knowing:')
    for (const line of formatProblems(warnings)) output.line(line)
    return valid ? exitCodes.done : exitCodes.refused
  },
})
