// Runs the interop tests: what other implementations make of our files. Python and its packages come from a folder of our own.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { PythonError, preparePython } from './python-environment.ts'

const root = join(import.meta.dirname, '..', '..')

try {
  const python = preparePython(text => console.log(`interop: ${text}`))
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'vitest', 'run', '--project', 'interop', ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, STUDYLAKE_PYTHON: python } },
  )
  process.exitCode = status ?? 1
} catch (error) {
  if (!(error instanceof PythonError)) throw error
  console.error(`interop: ${error.message}`)
  process.exitCode = 1
}
