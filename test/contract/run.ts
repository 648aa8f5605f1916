/**
 * Runs the contract suites and, where there is a real lakeFS, the gate's catalogue over it as well:
 * `npm run test:contract -- [--record] [vitest's arguments]`. The real lakeFS is the one at `LAKEFS_ENDPOINT` or, of the program that `LAKEFS_BINARY`
 * names, one that is started over MinIO, which then is the S3 of the tests. Where `AWS_ENDPOINT_URL` is set, S3 and SQS are
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
import { installMinio } from '../../infra/stack/minio.ts'
import { findFreePort } from '../../infra/stack/ports.ts'
import { startLakefsOverMinio } from './real-lakefs.ts'

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

/** Calls `work` with the variables by which the tests reach a real lakeFS too, where its program is given. */
async function withLakefs(
  aws: Record<string, string>,
  work: (variables: Record<string, string>) => Promise<void>,
): Promise<void> {
  const { LAKEFS_BINARY: lakefs, LAKEFS_ENDPOINT: given } = process.env
  if (!lakefs || given) return work(aws)
  const minio = await installMinio({ tell })
  const folder = await mkdtemp(join(tmpdir(), 'studylake-lakefs-'))
  try {
    // S3 and SQS are reached with one pair of keys.
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = { ...process.env, ...aws }
    const real = await startLakefsOverMinio({
      programs: { lakefs, minio },
      folder,
      credentials: {
        accessKeyId: AWS_ACCESS_KEY_ID ?? 'contract',
        secretAccessKey: AWS_SECRET_ACCESS_KEY ?? 'contract-secret',
      },
      signal: ending.signal,
    })
    tell('lakeFS and S3 are real ones: the given program, and MinIO')
    void real.crashed.then(({ message }) => tell(message))
    await work({ ...aws, ...real.variables }).finally(real.stop)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runTests(variables: Record<string, string>): Promise<void> {
  if (interrupted) return
  const isReal = Boolean(variables.LAKEFS_ENDPOINT ?? process.env.LAKEFS_ENDPOINT)
  const selected = args.some(arg => !arg.startsWith('-')) ? [] : ['test/contract/', 'test/e2e/gate-catalogue']
  const projects = ['--project', 'contract', ...(isReal ? ['--project', 'e2e'] : [])]
  tests = spawn(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'vitest', 'run', ...projects, ...args, ...selected],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...variables, ...(args.length < given.length && { STUDYLAKE_RECORD: '1' }) },
    },
  )
  ;[code] = (await once(tests, 'exit')) as [number | null]
}

try {
  await withAws(variables => withLakefs(variables, runTests))
} catch (error) {
  if (!interrupted && !(error instanceof MissingError)) throw error
  if (!interrupted) console.error(`contract: ${(error as Error).message}`)
}
process.exitCode = interrupted ? 128 + constants.signals[interrupted] : (code ?? 1)
