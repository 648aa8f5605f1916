import { defineStudyCommand } from '../support/define.ts'
import { exitCodes } from '../support/failure.ts'
import { finishVersion, uploadFolder } from '../support/load-version.ts'
import { count } from '../support/output.ts'
import { commandLine } from '../support/paths.ts'
import { adviseOn, exitCodeOf, printDeadLetters, printReport } from '../support/print-report.ts'
import { withSession } from '../support/session.ts'
import { checkStudy, checkVersion, folderArgs, readStudyFolder } from '../support/study-folder.ts'

export default defineStudyCommand({
  name: 'upload',
  description: 'Put a folder of CSV files into the landing bucket, for a running "dev" or the next one',
  args: {
    ...folderArgs,
    folder: { ...folderArgs.folder, description: 'The folder with the files; any part of a version' },
    wait: { type: 'boolean', default: false, description: 'Wait until it is loaded, and say what came of it' },
  },
  async run({ args, data, output }) {
    const study = checkStudy(args.study)
    const version = checkVersion(args.version)
    const folder = await readStudyFolder(args.folder, { options: args.options })

    return withSession({ data, command: 'upload', create: true }, async session => {
      const files = await uploadFolder(session, { folder, study, version }, output)
      if (!args.wait) {
        output.document({ study, version, files, running: session.attached })
        output.line(`${count(files, 'file')} uploaded to ${study} ${version}.`)
        output.line(
          session.attached
            ? `See what becomes of it: ${commandLine(`status ${study} ${version}`, { data })}`
            : `Nothing is running: the version is loaded by the next ${commandLine('dev', { data })}`,
        )
        return exitCodes.done
      }
      const { status, deadLetters } = await finishVersion(session, { study, version }, output)
      output.document({ ...status.report, status: status.state, deadLetters })
      printReport(output, status)
      printDeadLetters(output, deadLetters, { data })
      const advice = adviseOn(status)
      if (advice) output.line(`\n${advice}`)
      return deadLetters.length > 0 ? exitCodes.refused : exitCodeOf(status)
    })
  },
})
