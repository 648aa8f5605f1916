/** `npm run stack`: starts the local stack, says where everything is, and stays until Ctrl-C. */
import { parseArgs } from 'node:util'
import { CommandError, exitCodes, UsageError } from '../../bin/support/failure.ts'
import { onInterrupt } from '../../bin/support/interrupt.ts'
import { createOutput, type Output } from '../../bin/support/output.ts'
import { resolveFromUser, showPath } from '../../bin/support/paths.ts'
import { LockedError, readHolder } from '../local/lock.ts'
import { MissingError } from './cache.ts'
import { ServerError } from './processes.ts'
import { loadSample } from './sample.ts'
import type { Landing } from './servers.ts'
import { createStackSession } from './session.ts'
import { buckets, catalogName, type Stack, startStack } from './stack.ts'
import { defaultFolder, endLeftovers } from './state.ts'

const usage = `npm run stack -- [OPTION …]

  --landing s3|minio    Where studies arrive: MinIO (the default), or the AWS emulator's S3. Also $LANDING
  --data DIR            The data directory; ${defaultFolder} by default
  --no-sql              Leave Trino out
  --sample              Load the bundled sample study through the stack, and stay up
  --exit-after-sample   Load it, and end
  --json                Print one JSON document instead of text

$AWS_EMULATOR chooses the emulator (ministack, or localstack with Docker), $LAKEFS_ENDPOINT a lakeFS of your own,
$STUDYLAKE_CACHE where downloads are kept.`

function readArguments(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      allowNegative: true,
      options: {
        landing: { type: 'string', default: process.env.LANDING || 'minio' },
        data: { type: 'string', default: defaultFolder },
        sql: { type: 'boolean', default: true },
        sample: { type: 'boolean', default: false },
        'exit-after-sample': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.landing !== 's3' && values.landing !== 'minio') {
      throw new UsageError(`--landing is ${JSON.stringify(values.landing)}, expected s3 or minio`)
    }
    const exit = values['exit-after-sample']
    return { ...values, landing: values.landing as Landing, exit, sample: values.sample || exit }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError((error as Error).message.split(/\. |\n/)[0]!, { cause: error })
  }
}

function printStack(output: Output, { endpoints, settings, environment, folder, landing }: Stack): void {
  const { accessKeyId, secretAccessKey } = environment.config.lakefs
  output.line('The stack is up:')
  output.line()
  for (const [name, endpoint] of Object.entries(endpoints)) output.line(`  ${name.padEnd(10)} ${endpoint}`)
  output.line()
  output.line('Keys, for this machine only:')
  output.line()
  output.line(`  lakeFS     ${accessKeyId} ${secretAccessKey}`)
  output.line(`  S3, SQS    000000000000 ${settings.secretAccessKey} (region us-east-1)`)
  output.line(`  catalog    ${settings.catalogToken} (Iceberg REST, bearer; Trino has it as "${catalogName}")`)
  output.line()
  const store = endpoints.minio ?? endpoints.emulator
  output.line('Upload a study, and see what comes of it:')
  output.line()
  output.line(
    `  export AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=${settings.secretAccessKey} AWS_REGION=us-east-1`,
  )
  output.line(`  aws --endpoint-url ${store} s3 cp --recursive FOLDER s3://${buckets.landing}/STUDY/VERSION/`)
  output.line(`  aws --endpoint-url ${store} s3 cp s3://${buckets.landing}/STUDY/VERSION/_report.json -`)
  output.line()
  output.line(
    landing === 'minio'
      ? `What is uploaded and committed lies in ${showPath(folder)}, and is there again at the next start.`
      : 'What is uploaded and committed is gone when the stack ends: the emulator keeps it in memory.',
  )
  output.line(`Logs lie in ${showPath(folder)}/logs.`)
  output.line()
}

async function run(args: string[]): Promise<number> {
  const options = readArguments(args)
  if (options.help) {
    console.log(usage)
    return exitCodes.done
  }
  const output = createOutput(options)
  const started = performance.now()
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s`
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<'interrupted'>()
  onInterrupt(() => interrupt('interrupted'))
  const folder = resolveFromUser(options.data)
  const starting = startStack({
    folder,
    landing: options.landing,
    sql: options.sql,
    // The sample's versions are whole when they are announced.
    settleSeconds: options.sample ? 0 : 5,
    tell: text => {
      if (!options.json) console.error(`${seconds()}  ${text}`)
    },
  })
  const stack = await Promise.race([starting, interrupted])
  if (stack === 'interrupted') {
    // Not waited for: what was started so far is written down.
    if (readHolder(folder)?.pid === process.pid) endLeftovers(folder)
    return exitCodes.interrupted
  }
  try {
    printStack(output, stack)
    const { endpoints, outputs } = stack
    let loaded = {}
    if (options.sample) {
      const sample = await Promise.race([loadSample(createStackSession(stack), output), interrupted, stack.crashed])
      if (sample === 'interrupted') return exitCodes.interrupted
      if (sample instanceof ServerError) throw sample
      const versions = sample.versions.map(({ state, report }) => ({ ...report, status: state }))
      loaded = { versions, refused: sample.refused }
      if (options.exit || !sample.asMeant) {
        output.document({ endpoints, outputs, ...loaded })
        return sample.asMeant ? exitCodes.done : exitCodes.refused
      }
      output.line()
    }
    output.document({ endpoints, outputs, ...loaded })
    output.line('Ctrl-C ends all of it; so does "npm run stack:down", from another terminal.')
    const end = await Promise.race([interrupted, stack.crashed])
    if (end instanceof ServerError) throw end
    return exitCodes.done
  } finally {
    output.progress('ending the servers; Ctrl-C again to stop at once')
    await stack.close()
    output.clear()
  }
}

/** Runs a script's work and ends the process with its exit code. */
export async function runScript(work: () => Promise<number>): Promise<never> {
  let code: number
  try {
    code = await work()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    console.error(`studylake: ${message}`)
    const meant = [MissingError, ServerError, LockedError, CommandError, UsageError].some(type => error instanceof type)
    if (!meant && process.env.STUDYLAKE_DEBUG) console.error(error)
    code = error instanceof UsageError ? exitCodes.usage : exitCodes.refused
  }
  process.exit(code)
}

if (import.meta.main) await runScript(() => run(process.argv.slice(2)))
