import { homedir } from 'node:os'
import { join, relative, resolve } from 'node:path'

const projectFolder = resolve(import.meta.dirname, '..', '..')

/** Where the user stands. npm runs scripts in the project's folder and says in INIT_CWD where it was called. */
export function userFolder(): string {
  const called = process.env.INIT_CWD
  return called && process.cwd() === projectFolder ? called : process.cwd()
}

/** A path as the user means it. */
export function resolveFromUser(path: string): string {
  return resolve(userFolder(), path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path)
}

/** A path as the user would write it: relative where that is shorter. */
export function showPath(path: string): string {
  const short = relative(userFolder(), path)
  return short === '' ? '.' : short.startsWith('..') || short.length > path.length ? path : short
}

/** The bundled sample. */
export const sampleFolder = join(projectFolder, 'sample')

/** How the user called the program, for help. */
export const programName = process.env.npm_lifecycle_event === 'studylake' ? 'npm run -s studylake --' : 'studylake'

/** A command line to copy; options that the user gave and that matter go with it. */
export function commandLine(command: string, { data }: { data: string }): string {
  const short = showPath(data)
  const option = short === '.studylake' ? '' : ` --data ${/[^\w./-]/.test(short) ? JSON.stringify(short) : short}`
  return `npm run -s studylake -- ${command}${option}`
}
