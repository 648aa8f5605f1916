/**
 * Runs the contract suites: `npm run test:contract -- [--record] [vitest's arguments]`. Where `AWS_ENDPOINT_URL` is set, S3 and SQS are
 * tested there; otherwise an AWS emulator is started for them, the one that `AWS_EMULATOR` names. Where none is named and none can be had,
 * their suites are skipped. `--record` makes the tests that keep exchanges with a real server record them anew.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { toVariables } from '../../infra/stack/aws.ts'
import { MissingError } from '../../infra/stack/cache.ts'
import { chooseEmulator, installEmulator, startEmulator } from '../../infra/stack/emulator.ts'
import { findFreePort } from '../../infra/stack/ports.ts'

const root = join(import.meta.dirname, '..', '..')
const tell = (text: string): void => console.log(`contract: ${text}`)

const ending = new AbortController()
let tests: ChildProcess | undefined
let interrupted: NodeJS.Signals | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal
    ending.abort()
    tests?.kill(signal)
  })
}

/** Undefined where it cannot be had and was not asked for. Throws MissingError where it was. */
async function prepareEmulator() {
  const kind = chooseEmulator()
  try {
    return { kind, commands: await installEmulator(kind, { tell }) }
  } catch (error) {
    if (process.env.AWS_EMULATOR || !(error instanceof MissingError)) throw error
    tell(`S3 and SQS are skipped. ${error.message}`)
    return undefined
  }
}

/** Calls `work` with the variables by which the tests reach S3 and SQS, which are there meanwhile. */
async function withAws(work: (variables: Record<string, string>) => Promise<void>): Promise<void> {
  const prepared = process.env.AWS_ENDPOINT_URL ? undefined : await prepareEmulator()
  if (!prepared) return work({})
  const folder = await mkdtemp(join(tmpdir(), 'studylake-aws-'))
  try {
    const emulator = await startEmulator({
      ...prepared,
      folder,
      port: await findFreePort(),
      secretAccessKey: 'contract',
      supervision: { logFile: join(folder, 'emulator.log'), signal: ending.signal },
    })
    tell(`S3 and SQS are those of ${prepared.kind}`)
    void emulator.crashed.then(({ message }) => tell(message))
    await work({ ...toVariables(emulator.access), AWS_EMULATOR: prepared.kind }).finally(emulator.stop)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const given = process.argv.slice(2)
const args = given.filter(arg => arg !== '--record')
let code: number | null = null

async function runTests(variables: Record<string, string>): Promise<void> {
  if (interrupted) return
  tests = spawn(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'vitest', 'run', '--project', 'contract', ...args],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...variables, ...(args.length < given.length && { STUDYLAKE_RECORD: '1' }) },
    },
  )
  ;[code] = (await once(tests, 'exit')) as [number | null]
}

try {
  await withAws(runTests)
} catch (error) {
  if (!interrupted && !(error instanceof MissingError)) throw error
  if (!interrupted) console.error(`contract: ${(error as Error).message}`)
}
process.exitCode = interrupted ? 128 + constants.signals[interrupted] : (code ?? 1)
