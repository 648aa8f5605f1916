/** The Python packages of a list of requirements, in a virtual environment of our own. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const ownRequirements = join(import.meta.dirname, 'requirements.txt')
const cache = process.env.STUDYLAKE_CACHE ?? join(homedir(), '.cache', 'studylake', 'interop')

/** There is no Python, or its packages cannot be had. */
export class PythonError extends Error {
  override name = 'PythonError'
}

function findPython(): { command: string; version: string } {
  for (const command of ['python3', 'python']) {
    const { status, stdout } = spawnSync(command, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
    if (status !== 0) continue
    const version = stdout.toString().trim()
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major === 3 && minor >= 10) return { command, version }
  }
  throw new PythonError(
    'needs Python 3.10 or newer with its venv module, and found none. Install python3, then run it again.',
  )
}

function step(what: string, command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new PythonError(`${what} failed${error ? `: ${error.message}` : ''}`)
}

/**
 * The Python of a virtual environment that holds exactly the required packages; made once for each list of requirements. For STUDYLAKE_PYTHON. Throws
 * PythonError.
 */
export function preparePython(tell: (text: string) => void, requirements = ownRequirements): string {
  const { command, version } = findPython()
  const digest = createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 16)
  const folder = join(cache, digest)
  const python = process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
  const ready = join(folder, 'ready')
  if (existsSync(ready)) return python
  // An installation that was cut short must not be taken for a whole one.
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  tell(`installing the Python packages into ${folder}`)
  step('making the virtual environment', command, ['-m', 'venv', folder])
  step('installing the packages', python, [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
    ...['--requirement', requirements],
  ])
  writeFileSync(ready, '')
  return python
}
