import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { contentsFile, fits, landingKey, studyFile, studyKey, studyRule, versionRule } from '../../lib/layout.ts'
import { UsageError } from './failure.ts'
import { resolveFromUser, showPath } from './paths.ts'

/** The arguments of commands that take a folder as a version of a study. */
export const folderArgs = {
  folder: { type: 'positional', required: true, description: 'The folder with contents.csv and the datasets' },
  study: { type: 'string', required: true, valueHint: 'STUDY', description: 'The study' },
  version: { type: 'string', required: true, valueHint: 'VERSION', description: 'The version' },
  options: { type: 'string', valueHint: 'FILE', description: 'Use this file as study.json' },
} as const

/** A file of a study's folder, and what it is called in the landing bucket. */
export interface StudyFile {
  name: string
  path: string
  /** Bytes. */
  size: number
}

export interface StudyFolder {
  folder: string
  /** The .csv files, in the order of their names. */
  csvs: StudyFile[]
  /** `study.json`: from --options, or in the folder. */
  options?: StudyFile
  /** Names of the other files in it: they are not loaded. */
  others: string[]
}

/** Looks at a folder that the user named. Throws UsageError where there is none, or none with a .csv file in it. */
export async function readStudyFolder(given: string, { options }: { options?: string } = {}): Promise<StudyFolder> {
  const folder = resolveFromUser(given)
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'ENOTDIR' ? 'is not a folder' : cause.code === 'ENOENT' ? 'does not exist' : cause.message
    throw new UsageError(`${showPath(folder)} ${why}; name the folder that holds the study's .csv files`, { cause })
  })
  const csvs: StudyFile[] = []
  const others: string[] = []
  for (const { name } of entries) {
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (!info?.isFile() || /^[._]/.test(name) || name === studyFile) continue
    if (!/\.csv$/i.test(name)) others.push(name)
    else csvs.push({ name: name.toLowerCase() === contentsFile ? contentsFile : name, path, size: info.size })
  }
  if (csvs.length === 0) throw new UsageError(`${showPath(folder)} holds no .csv file`)
  csvs.sort((a, b) => (a.name < b.name ? -1 : 1))
  const optionsPath = options === undefined ? join(folder, studyFile) : resolveFromUser(options)
  if (options !== undefined && !existsSync(optionsPath)) throw new UsageError(`${showPath(optionsPath)} does not exist`)
  const optionsFile = existsSync(optionsPath)
    ? { name: basename(optionsPath), path: optionsPath, size: (await stat(optionsPath)).size }
    : undefined
  return { folder, csvs, others: others.sort(), ...(optionsFile && { options: optionsFile }) }
}

/** Where the files of a folder go in the landing bucket. The options come first: what is converted depends on them. */
export function landingUploads(
  { csvs, options }: StudyFolder,
  study: string,
  version: string,
): { key: string; file: StudyFile }[] {
  return [
    ...(options ? [{ key: studyKey(study), file: options }] : []),
    ...csvs.map(file => ({ key: landingKey(study, version, file.name), file })),
  ]
}

/** Throws UsageError for a study's name that does not fit; says the rule. */
export function checkStudy(study: string): string {
  if (!fits(studyRule, study)) throw new UsageError(`study ${JSON.stringify(study)} does not fit: ${studyRule.rule}`)
  return study
}

/** Throws UsageError for a version's name that does not fit; says the rule. */
export function checkVersion(version: string): string {
  if (!fits(versionRule, version))
    throw new UsageError(`version ${JSON.stringify(version)} does not fit: ${versionRule.rule}`)
  return version
}
