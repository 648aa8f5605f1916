import { defineStudyCommand } from '../support/define.ts'
import { exitCodes } from '../support/failure.ts'
import { finishVersion, uploadFolder } from '../support/load-version.ts'
import { commandLine } from '../support/paths.ts'
import { adviseOn, exitCodeOf, printDeadLetters, printReport } from '../support/print-report.ts'
import { withSession } from '../support/session.ts'
import { checkStudy, checkVersion, folderArgs, readStudyFolder } from '../support/study-folder.ts'

export default defineStudyCommand({
  name: 'run',
  description: 'Load a folder of CSV files as a version of a study, wait, and say what came of it',
  args: folderArgs,
  async run({ args, data, output }) {
    const study = checkStudy(args.study)
    const version = checkVersion(args.version)
    const folder = await readStudyFolder(args.folder, { options: args.options })

    const { status, deadLetters } = await withSession({ data, command: 'run', create: true }, async session => {
      await uploadFolder(session, { folder, study, version }, output)
      return finishVersion(session, { study, version }, output)
    })

    output.document({ ...status.report, status: status.state, deadLetters })
    printReport(output, status)
    printDeadLetters(output, deadLetters, { data })
    output.line()
    output.line(adviseOn(status) ?? `Look at it: ${commandLine(`show ${study}@${version}`, { data })}`)
    return deadLetters.length > 0 ? exitCodes.refused : exitCodeOf(status)
  },
})
