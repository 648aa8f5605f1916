/**
 * Runs the suite of the deployed stack: `npm run test:stack -- [vitest's arguments]`. Installs the servers that it needs first, where that may
 * take its time. `LANDING=s3` or `LANDING=minio` runs it over one object store; without it, over one after the other.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { join } from 'node:path'
import { MissingError } from '../../infra/stack/cache.ts'
import { chooseEmulator, installEmulator, runsFunctions } from '../../infra/stack/emulator.ts'
import { installMinio } from '../../infra/stack/minio.ts'
import { installTrino } from '../../infra/stack/trino.ts'
import { PythonError, preparePython } from '../interop/python-environment.ts'
import { chooseLandings } from './landings.ts'

const root = join(import.meta.dirname, '..', '..')
const tell = (text: string): void => console.log(`stack: ${text}`)

/** Resolves with further variables of the tests. Throws MissingError and PythonError, which say what to install. */
async function prepare(): Promise<Record<string, string>> {
  const landings = chooseLandings()
  const emulator = chooseEmulator()
  if (!runsFunctions(emulator)) throw new MissingError(`${emulator} runs no functions here: set AWS_EMULATOR=ministack`)
  await installEmulator(emulator, { tell })
  if (!landings.includes('minio')) return {}
  await installMinio({ tell })
  // For SQL, which runs over MinIO alone.
  await installTrino({ tell })
  return { STUDYLAKE_PYTHON: preparePython(tell) }
}

let tests: ReturnType<typeof spawn> | undefined
let interrupted: NodeJS.Signals | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal
    tests?.kill(signal)
  })
}

try {
  const variables = await prepare()
  tests = spawn(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'vitest', 'run', '--project', 'stack', ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...variables } },
  )
  const [code] = (await once(tests, 'exit')) as [number | null]
  process.exitCode = interrupted ? 128 + constants.signals[interrupted] : (code ?? 1)
} catch (error) {
  if (!(error instanceof MissingError || error instanceof PythonError)) throw error
  console.error(`stack: ${error.message}`)
  process.exitCode = 1
}
