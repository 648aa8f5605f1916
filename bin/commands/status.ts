import type { Problem } from '../../lib/errors.ts'
import { inspectVersion, listVersions, type VersionStatus } from '../../lib/pipeline/status.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, exitCodes } from '../support/failure.ts'
import { count, formatCount, formatTable } from '../support/output.ts'
import { commandLine } from '../support/paths.ts'
import { adviseOn, exitCodeOf, printReport, shortCommit } from '../support/print-report.ts'
import { findUnattested, judgeUnattested, printUnattested } from '../support/print-unattested.ts'
import { withSession } from '../support/session.ts'
import { checkStudy, checkVersion } from '../support/study-folder.ts'

const adviseUnattested =
  'Load the version again, or merge into it what puts it right; the gate is asked where "studylake gate install" has put its action.'

/** A report that says committed is of what was there before where the head is unattested. */
const describe = ({ state, report, unattested }: VersionStatus & { unattested: Problem[] | undefined }) =>
  unattested ? { ...report, status: 'unattested', unattested } : { ...report, status: state }

export default defineStudyCommand({
  name: 'status',
  description: 'Say where versions stand: one, those of a study, or all',
  args: {
    study: { type: 'positional', required: false, description: 'The study; all without' },
    version: { type: 'positional', required: false, description: 'The version; all without' },
  },
  async run({ args, data, output }) {
    const study = args.study === undefined ? undefined : checkStudy(args.study)
    const version = args.version === undefined ? undefined : checkVersion(args.version)
    return withSession({ data, command: 'status', create: false }, async ({ environment, attached }) => {
      const names = (await listVersions(environment, study)).filter(name => !version || name.version === version)
      if (names.length === 0) {
        const what = [study, version].filter(name => name).join(' ')
        throw new CommandError(
          `no version${what ? ` of ${what}` : ''} was ever uploaded; load one with "${commandLine('run FOLDER --study S --version V', { data })}"`,
        )
      }
      const found = await Promise.all(
        names.map(async name => ({
          ...(await inspectVersion(environment, name.study, name.version)),
          unattested: await (version ? judgeUnattested : findUnattested)(environment, name),
        })),
      )
      if (version) {
        const [status] = found as [(typeof found)[number]]
        const { unattested } = status
        output.document(describe(status))
        printReport(output, status)
        if (unattested) printUnattested(output, unattested)
        const idle = status.state === 'processing' && !attached
        if (unattested) output.line(`\n${adviseUnattested}`)
        const advice = idle ? `Nothing is running: it goes on with ${commandLine('dev', { data })}` : adviseOn(status)
        if (advice) output.line(`\n${advice}`)
        return unattested ? exitCodes.refused : exitCodeOf(status)
      }
      output.document(found.map(describe))
      const lines = formatTable(
        [
          { title: 'study' },
          { title: 'version' },
          { title: 'state' },
          { title: 'datasets', align: 'right' },
          { title: 'rows', align: 'right' },
          { title: 'commit' },
          { title: 'remarks' },
        ],
        found.map(({ state, report, unattested }) => [
          report.study,
          report.version,
          state,
          formatCount(report.datasets.length),
          formatCount(report.datasets.reduce((sum, { rowsOut }) => sum + rowsOut, 0)),
          report.commit ? shortCommit(report.commit) : '',
          [
            unattested && 'UNATTESTED',
            report.problems.length > 0 && count(report.problems.length, 'problem'),
            state === 'waiting' && `waits for ${count(report.waitingFor.length, 'file')}`,
            report.promoted && 'on main',
          ]
            .filter(remark => remark)
            .join(', '),
        ]),
      )
      for (const line of lines) output.line(line)
      return exitCodes.done
    })
  },
})
