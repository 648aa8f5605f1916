import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { draftContents } from '../../lib/contents/draft.ts'
import { Rejection } from '../../lib/errors.ts'
import { contentsFile, datasetRule, fits } from '../../lib/layout.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, exitCodes, UsageError } from '../support/failure.ts'
import { count } from '../support/output.ts'
import { resolveFromUser, showPath } from '../support/paths.ts'
import { formatProblems } from '../support/print-report.ts'
import { readStudyFolder } from '../support/study-folder.ts'

/** Writes a new file. Throws CommandError where there is one: a declaration is nothing to replace by a guess. */
async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST')
      throw new CommandError(`${showPath(path)} cannot be written: ${cause.message}`, { cause })
    throw new CommandError(`${showPath(path)} is there already; remove it, or choose another name with --out`, {
      cause,
    })
  })
}

export default defineStudyCommand({
  name: 'contents',
  description: 'Draft a contents file for a folder of CSV files that has none',
  args: {
    folder: { type: 'positional', required: true, description: 'The folder with the datasets' },
    out: { type: 'string', valueHint: 'FILE', description: 'Write it to this file instead of the terminal' },
  },
  async run({ args, output }) {
    const { folder, csvs } = await readStudyFolder(args.folder)
    const datasets = csvs.filter(({ name }) => name !== contentsFile)
    if (datasets.length === 0) throw new UsageError(`${showPath(folder)} holds no dataset`)
    const named = datasets.map(({ name, path }) => ({ dataset: name.slice(0, -4).toLowerCase(), path }))
    for (const { dataset, path } of named)
      if (!fits(datasetRule, dataset)) throw new CommandError(`${showPath(path)} does not fit: ${datasetRule.rule}`)

    output.progress(`reading ${count(named.length, 'file')} …`)
    let text: string
    try {
      text = await draftContents(named.map(({ dataset, path }) => ({ dataset, body: createReadStream(path) })))
    } catch (error) {
      if (!(error instanceof Rejection)) throw error
      output.document({ problems: error.problems })
      output.line('The files cannot be read as they are:')
      for (const line of formatProblems(error.problems)) output.line(line)
      return exitCodes.refused
    }

    const out = args.out === undefined ? undefined : resolveFromUser(args.out)
    if (out) await writeNew(out, text)
    output.document({ contents: text, ...(out && { file: out }) })
    if (!out) output.line(text.trimEnd())
    else {
      output.line(`${showPath(out)}: a draft for ${count(named.length, 'dataset')}.`)
      output.line('The types are guessed from these files. Read them and correct them before you declare them.')
    }
    return exitCodes.done
  },
})
