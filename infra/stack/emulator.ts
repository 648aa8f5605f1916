/** The AWS emulators, each from PyPI in an environment of its own: one that runs the functions too, and one for S3 and SQS alone. */
import { mkdir, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { type AwsAccess, toVariables } from './aws.ts'
import { installOnce, MissingError, runProgram } from './cache.ts'
import { loopback } from './ports.ts'
import { answersOk, plainEnvironment, type Server, type Supervision, startServer } from './processes.ts'
import { findPython } from './tools.ts'

export type EmulatorKind = 'ministack' | 'localstack'

/** The emulator that `$AWS_EMULATOR` names; by default the one that runs functions as processes. Throws MissingError for another word. */
export function chooseEmulator(variables: Record<string, string | undefined> = process.env): EmulatorKind {
  const name = variables.AWS_EMULATOR || 'ministack'
  if (name === 'ministack' || name === 'localstack') return name
  throw new MissingError(`AWS_EMULATOR is ${JSON.stringify(name)}, expected ministack or localstack`)
}

interface Kind {
  /** Pinned together: which emulator works depends on the libraries beside it. */
  packages: string[]
  /** Of the folder in the cache. */
  name: string
  /** Of Python 3. */
  pythonMinor: number
  /** Deploys and runs functions without a container engine. */
  runsFunctions: boolean
  command: string[]
  health: string
  /** Its own settings. */
  variables(options: { port: number; folder: string }): Record<string, string>
}

const kinds: Record<EmulatorKind, Kind> = {
  ministack: {
    name: 'ministack-1.5.33-boto3-1.43.106',
    packages: ['ministack==1.5.33', 'boto3==1.43.106'],
    pythonMinor: 10,
    runsFunctions: true,
    command: ['ministack'],
    health: '/_ministack/health',
    variables: ({ port }) => ({
      BIND_HOST: loopback,
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: loopback,
      LAMBDA_EXECUTOR: 'local',
      IOT_MTLS_ENABLED: '0',
    }),
  },
  localstack: {
    name: 'localstack-2026.3.0',
    packages: ['localstack-core[runtime]==2026.3.0', 'cbor2<6', 'pyOpenSSL<26', 'cryptography<47', 'service-identity'],
    // It says 3.10, and imports what came with 3.13.
    pythonMinor: 13,
    runsFunctions: false,
    command: ['python', '-m', 'localstack.runtime.main'],
    health: '/_localstack/health',
    variables: ({ port, folder }) => ({
      GATEWAY_LISTEN: `${loopback}:${port}`,
      LOCALSTACK_HOST: `${loopback}:${port}`,
      // Its own host names are looked up in the internet.
      SQS_ENDPOINT_STRATEGY: 'path',
      SERVICES: 's3,sqs',
      EAGER_SERVICE_LOADING: '1',
      DISABLE_EVENTS: '1',
      DNS_ADDRESS: '0',
      SKIP_SSL_CERT_DOWNLOAD: '1',
      FILESYSTEM_ROOT: join(folder, 'filesystem'),
    }),
  },
}

/** True where the emulator runs functions without a container engine, so that the stack can be deployed into it. */
export const runsFunctions = (kind: EmulatorKind): boolean => kinds[kind].runsFunctions

/** The folder of the emulator's programs, installed at the first call. Throws MissingError where there is no Python for it, or no PyPI. */
export async function installEmulator(
  kind: EmulatorKind,
  { cache, tell }: { cache?: string; tell?: (text: string) => void } = {},
): Promise<string> {
  const { name, packages, pythonMinor } = kinds[kind]
  const folder = await installOnce({
    name,
    cache,
    tell,
    async build(target) {
      const python = await findPython({ minor: pythonMinor, for: `The AWS emulator ${kind}` })
      await runProgram(python, ['-m', 'venv', '--clear', target])
      const own = join(target, commandsFolder, 'python')
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
      await runProgram(own, install).catch(error => {
        const { message } = error as Error
        throw new MissingError(`The AWS emulator ${kind} could not be installed from PyPI: ${message}`, {
          cause: error,
        })
      })
    },
  })
  return join(folder, commandsFolder)
}

const commandsFolder = process.platform === 'win32' ? 'Scripts' : 'bin'

export interface EmulatorOptions {
  kind: EmulatorKind
  /** Of `installEmulator`. */
  commands: string
  /** Where its files lie. What it holds is in memory, and gone when it ends. */
  folder: string
  port: number
  /** What the functions will have; the emulator itself takes any. */
  secretAccessKey: string
  supervision: Supervision
}

export interface Emulator extends Server {
  access: AwsAccess
}

export const emulatorRegion = 'us-east-1'
/** The account's number, which is also the access key that functions see. */
export const emulatorAccount = '000000000000'

/** Starts an emulator. Throws ServerError. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { kind, commands, folder, port, secretAccessKey, supervision } = options
  const { command, health, variables } = kinds[kind]
  const endpoint = `http://${loopback}:${port}`
  const access: AwsAccess = { endpoint, region: emulatorRegion, accessKeyId: emulatorAccount, secretAccessKey }
  const temporary = join(folder, 'tmp')
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  const server = await startServer({
    name: `the AWS emulator ${kind}`,
    command: join(commands, command[0]!),
    args: command.slice(1),
    cwd: folder,
    ...supervision,
    env: {
      ...plainEnvironment(),
      ...toVariables(access),
      ...variables({ port, folder }),
      // Functions run on the first Node on PATH; it has to be this one.
      PATH: [dirname(process.execPath), commands, process.env.PATH].join(delimiter),
      TMPDIR: temporary,
      VIRTUAL_ENV: dirname(commands),
    },
    isUp: () => answersOk(`${endpoint}${health}`),
    startSeconds: 120,
  })
  return { ...server, access }
}
