import { join } from 'node:path'
import { openPlatform } from '../../infra/local/platform.ts'
import { inspectVersion, type VersionStatus } from '../../lib/pipeline/status.ts'
import { defineStudyCommand } from '../support/define.ts'
import { describeCatalog } from '../support/describe-catalog.ts'
import { exitCodes } from '../support/failure.ts'
import { finishVersion, uploadFolder } from '../support/load-version.ts'
import { formatCount, type Output } from '../support/output.ts'
import { commandLine, sampleFolder, showPath } from '../support/paths.ts'
import { formatProblems, printReport, shortCommit } from '../support/print-report.ts'
import { type Session, withSession } from '../support/session.ts'
import { stayUp } from '../support/stay-up.ts'
import { readStudyFolder } from '../support/study-folder.ts'
import { type Tampering, tamperWithSchema } from '../support/tamper.ts'

const study = 'ilms'
const versions = [
  { version: 'v1', remark: 'fewer datasets' },
  { version: 'v2', remark: 'fewer columns' },
  { version: 'v3', remark: 'fewer rows' },
  { version: 'v4', remark: 'all of it' },
]
const broken = 'v5'
const tampering = { study, version: 'v4', dataset: 'lab_results', column: 'RESULT', type: 'string' }

const columns: { title: string; width: number; right?: boolean }[] = [
  { title: 'version', width: 7 },
  { title: '', width: 14 },
  { title: 'commit', width: 16 },
  { title: 'datasets', width: 8, right: true },
  { title: 'rows in', width: 7, right: true },
  { title: 'out', width: 5, right: true },
  { title: 'rejected', width: 8, right: true },
  { title: 'keys new', width: 8, right: true },
  { title: 'known', width: 5, right: true },
  { title: 'seconds', width: 13, right: true },
]

/** One line at a time, so that each version shows when it is there. */
const formatLine = (cells: string[]): string =>
  `  ${columns.map(({ width, right }, index) => (right ? cells[index]!.padStart(width) : cells[index]!.padEnd(width))).join('  ')}`.trimEnd()

function formatVersion({ report }: VersionStatus, { remark, loaded }: { remark: string; loaded: boolean }): string {
  const sum = (values: number[]): string => formatCount(values.reduce((total, value) => total + value, 0))
  const { datasets, entities } = report
  return formatLine([
    report.version,
    remark,
    report.commit ? shortCommit(report.commit) : report.status,
    formatCount(datasets.length),
    sum(datasets.map(({ rowsIn }) => rowsIn)),
    sum(datasets.map(({ rowsOut }) => rowsOut)),
    sum(datasets.map(({ rowsRejected }) => rowsRejected)),
    sum(entities.map(entity => entity.new)),
    sum(entities.map(entity => entity.distinct - entity.new)),
    loaded ? (report.seconds ?? 0).toFixed(1) : 'there already',
  ])
}

/** Loads a version of the sample, unless what became of it is known: a second start finds everything there. */
async function loadOnce(
  session: Session,
  { folder, version }: { folder: string; version: string },
  output: Output,
): Promise<{ status: VersionStatus; loaded: boolean }> {
  const known = await inspectVersion(session.environment, study, version)
  if (known.state === 'committed' || known.state === 'rejected') return { status: known, loaded: false }
  await uploadFolder(session, { folder: await readStudyFolder(folder), study, version }, output)
  const { status } = await finishVersion(session, { study, version }, output)
  return { status, loaded: true }
}

async function loadVersions(session: Session, output: Output): Promise<VersionStatus[]> {
  output.line(`A clinical study comes as a folder of CSV files, again and again, and never quite the same.`)
  output.line(`The sample "${study}" comes in four versions: v4 is all of it, the others lack something.`)
  output.line('Each becomes one commit on a branch of its own: typed tables, their schema, and surrogate keys')
  output.line('that are the same in all versions (keys known = patients, visits and sites seen before).')
  output.line()
  output.line(formatLine(columns.map(({ title }) => title)))
  const statuses: VersionStatus[] = []
  for (const { version, remark } of versions) {
    const { status, loaded } = await loadOnce(session, { folder: join(sampleFolder, study, version), version }, output)
    output.line(formatVersion(status, { remark, loaded }))
    statuses.push(status)
  }
  for (const status of statuses.filter(({ state }) => state !== 'committed')) printReport(output, status)
  return statuses
}

async function loadBroken(session: Session, output: Output): Promise<VersionStatus> {
  const folder = join(sampleFolder, `${study}-broken`, broken)
  const { status } = await loadOnce(session, { folder, version: broken }, output)
  output.line()
  output.line(
    `A fifth upload, ${broken}, is v4 with one wrong value: a decimal comma. It is ${status.state}, nothing of it`,
  )
  output.line('is committed, and the report says where and why:')
  output.line()
  for (const line of formatProblems(status.report.problems)) output.line(line)
  return status
}

async function tamper({ environment }: Session, output: Output): Promise<Tampering> {
  const result = await tamperWithSchema(environment, tampering)
  output.line()
  const { column, dataset, version } = tampering
  output.line(
    `Then somebody changes a type by hand, on a branch of ${version}: ${column} of raw.${dataset} is to be text,`,
  )
  output.line('and the data still holds numbers. lakeFS asks the gate before every commit and every merge.')
  output.line(
    result.status === undefined
      ? 'The commit was taken. That must not be.'
      : `The commit is refused (HTTP ${result.status}), because schema and data would no longer agree:`,
  )
  output.line()
  for (const line of formatProblems(result.problems)) output.line(line)
  return result
}

function printNext(output: Output, data: string, staysUp: boolean): void {
  const next = [
    `show ${study}@v4`,
    `head ${study}@v4 base.patients`,
    `check ${study}@v4`,
    `status ${study}`,
    'run FOLDER --study STUDY --version VERSION',
  ]
  output.line()
  output.line(staysUp ? 'Look around, from another terminal:' : 'Look around:')
  output.line()
  for (const command of next) output.line(`  ${commandLine(command, { data })}`)
  output.line()
  output.line(`Everything lies in ${showPath(data)}; delete the folder to begin anew.`)
  if (staysUp) output.line('The platform keeps running: Ctrl-C stops it.')
}

export default defineStudyCommand({
  name: 'sample',
  description: 'Load the bundled sample study and show what comes of it (npm start)',
  args: { exit: { type: 'boolean', default: false, description: 'End when all is shown, instead of staying up' } },
  async run({ args, data, output }) {
    const options = { data, command: 'sample', create: true, settleSeconds: 0 }
    const { attached, ...result } = await withSession(options, async session => ({
      attached: session.attached,
      loaded: await loadVersions(session, output),
      rejected: await loadBroken(session, output),
      refused: await tamper(session, output),
    }))
    const staysUp = !args.exit && !attached
    output.document({
      versions: result.loaded.map(({ state, report }) => ({ ...report, status: state })),
      rejected: { ...result.rejected.report, status: result.rejected.state },
      refused: result.refused,
    })
    printNext(output, data, staysUp)
    const asMeant =
      result.loaded.every(({ state }) => state === 'committed') &&
      result.rejected.state === 'rejected' &&
      result.refused.status === 412
    // Here the versions were known to be whole when they were announced; what people copy in from now on has to settle first.
    if (staysUp) {
      const platform = await openPlatform({ folder: data, command: 'sample' })
      output.line()
      for (const line of describeCatalog(platform, data)) output.line(line)
      await stayUp(platform, output)
    }
    return asMeant ? exitCodes.done : exitCodes.refused
  },
})
