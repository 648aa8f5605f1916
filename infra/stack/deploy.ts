/** The project's own CDK app, deployed into an emulator by the ordinary command line. */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { type AwsAccess, toVariables } from './aws.ts'
import { emulatorAccount } from './emulator.ts'
import { type Outputs, parseOutputs } from './outputs.ts'
import { plainEnvironment, runToEnd } from './processes.ts'

const root = join(import.meta.dirname, '..', '..')

export interface DeployOptions {
  access: AwsAccess
  /** The app's context. */
  context: Record<string, string>
  /** Where the templates and outputs go. */
  folder: string
  logFile: string
}

/** Deploys the app, or what has changed of it. Throws ServerError with the end of the log. */
export async function deployApp(options: DeployOptions): Promise<Outputs> {
  const outputsFile = join(options.folder, 'outputs.json')
  await runCdk(options, ['deploy', '--all', '--require-approval', 'never', '--outputs-file', outputsFile])
  return parseOutputs(await readFile(outputsFile, 'utf8'))
}

/** Makes the bucket and roles that deployments go through, once for each emulator. */
export async function bootstrapAccount(options: DeployOptions): Promise<void> {
  // Where no app is found, none is synthesised for it.
  await runCdk(options, ['bootstrap', `aws://${emulatorAccount}/${options.access.region}`], options.folder)
}

/** Takes the app away again, as it was deployed last. */
export async function destroyApp(options: DeployOptions): Promise<void> {
  await runCdk(options, ['destroy', '--all', '--force', '--app', outputFolder(options)])
}

/** Where the synthesised app lies. */
const outputFolder = ({ folder }: DeployOptions): string => join(folder, 'cdk.out')

async function runCdk(options: DeployOptions, args: string[], cwd = root): Promise<void> {
  const { access, context, folder, logFile } = options
  const cdk = join(dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json')), 'bin', 'cdk')
  const contextArgs = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`])
  const temporary = join(folder, 'tmp')
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  await runToEnd({
    name: `cdk ${args[0]}`,
    command: process.execPath,
    args: [
      cdk,
      ...args,
      ...contextArgs,
      '--output',
      outputFolder(options),
      '--no-notices',
      '--no-version-reporting',
      '--ci',
    ],
    cwd,
    logFile,
    env: {
      ...plainEnvironment(),
      ...toVariables(access),
      // The app is run by the first Node on PATH.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      TMPDIR: temporary,
      CDK_DEFAULT_ACCOUNT: emulatorAccount,
      CDK_DEFAULT_REGION: access.region,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      AWS_EC2_METADATA_DISABLED: 'true',
      NO_COLOR: '1',
    },
  })
}
