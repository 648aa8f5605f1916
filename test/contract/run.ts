/**
 * Runs the contract suites: `npm run test:contract -- [--record] [vitest's arguments]`. Where `AWS_ENDPOINT_URL` is set, S3 and SQS are
 * tested there; otherwise an AWS emulator is started for them, and without Python they are skipped. `--record` makes the tests that keep
 * exchanges with a real server record them anew.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { join } from 'node:path'
import { type Emulator, EmulatorUnavailable, startEmulator } from './aws-emulator.ts'

const root = join(import.meta.dirname, '..', '..')

async function findAws(): Promise<Emulator | undefined> {
  if (process.env.AWS_ENDPOINT_URL) return undefined
  try {
    return await startEmulator()
  } catch (error) {
    if (!(error instanceof EmulatorUnavailable)) throw error
    console.log(`no AWS emulator, S3 and SQS are skipped: ${error.message}`)
    return undefined
  }
}

let tests: ChildProcess | undefined
let interrupted: NodeJS.Signals | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal
    tests?.kill(signal)
  })
}

const given = process.argv.slice(2)
const args = given.filter(arg => arg !== '--record')
const emulator = await findAws()
let code: number | null = null
if (!interrupted) {
  tests = spawn(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'vitest', 'run', '--project', 'contract', ...args],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...emulator?.env, ...(args.length < given.length && { STUDYLAKE_RECORD: '1' }) },
    },
  )
  ;[code] = (await once(tests, 'exit')) as [number | null]
}
await emulator?.stop()
process.exitCode = interrupted ? 128 + constants.signals[interrupted] : (code ?? 1)
