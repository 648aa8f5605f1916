/** The command line: finds the command, runs it, and turns what goes wrong into a sentence and an exit code. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { type CommandDef, renderUsage, runCommand } from 'citty'
import { LockedError } from '../infra/local/lock.ts'
import packageJson from '../package.json' with { type: 'json' }
import { CommandError, exitCodes, UsageError } from './support/failure.ts'
import { programName } from './support/paths.ts'

// Half of what a command takes to start. Not in the system's folder for temporary files, where others could put code for us to run.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'studylake'))

const load = (name: string) => async (): Promise<CommandDef> =>
  ((await import(`./commands/${name}.ts`)) as { default: CommandDef }).default

const commands = [
  'run',
  'dev',
  'upload',
  'status',
  'show',
  'head',
  'check',
  'gate',
  'validate',
  'convert',
  'contents',
  'keys',
  'query',
  'dlq',
  'sample',
]
const subCommands = Object.fromEntries(commands.map(name => [name, load(name)]))
const main: CommandDef = {
  meta: { name: programName, version: packageJson.version, description: packageJson.description },
  subCommands,
}

/** The command that the arguments name, with the commands of a command; undefined where they name none. */
async function findCommand([name, action]: string[]): Promise<CommandDef | undefined> {
  if (name === undefined || !Object.hasOwn(subCommands, name)) return undefined
  const command = await subCommands[name]!()
  const actions = (command.subCommands ?? {}) as Record<string, CommandDef>
  return action !== undefined && Object.hasOwn(actions, action) ? actions[action] : command
}

/** Shows how a command is called, or the list of commands. */
async function describeUsage(rawArgs: string[]): Promise<string> {
  const command = await findCommand(rawArgs)
  const text = await (command ? renderUsage(command, main) : renderUsage(main))
  const lines = text.replace(/[ \t]+$/gm, '')
  return process.stdout.isTTY ? lines : stripVTControlCharacters(lines).replace(/[ \t]+$/gm, '')
}

async function runMain(rawArgs: string[]): Promise<void> {
  const [command, ...rest] = rawArgs
  const wantsHelp = ['--help', '-h'].some(flag => rawArgs.includes(flag))
  if (wantsHelp) console.log(await describeUsage(rawArgs))
  else if (rest.length === 0 && ['--version', '-v'].includes(command ?? '')) console.log(packageJson.version)
  else if (command === undefined) throw new UsageError('which command?')
  else if (!Object.hasOwn(subCommands, command)) {
    throw new UsageError(`there is no command ${JSON.stringify(command)}; there are ${commands.join(', ')}`)
  } else await runCommand(await subCommands[command]!(), { rawArgs: rest })
}

/** citty's errors are of a class that it does not export. */
const isUsage = (error: unknown): boolean =>
  error instanceof UsageError || (error instanceof Error && error.name === 'CLIError')

function explain(error: unknown, rawArgs: string[]): number {
  if (!(error instanceof Error)) {
    console.error('studylake: failed')
    return exitCodes.refused
  }
  if (isUsage(error)) {
    const known = Object.hasOwn(subCommands, rawArgs[0] ?? '') ? `${rawArgs[0]} ` : ''
    console.error(`studylake: ${stripVTControlCharacters(error.message)}\nSee ${programName} ${known}--help`)
    return exitCodes.usage
  }
  console.error(`studylake: ${error.message}`)
  if (!(error instanceof CommandError || error instanceof LockedError) && process.env.STUDYLAKE_DEBUG)
    console.error(error)
  return exitCodes.refused
}

// Who reads only the first lines of what a command says does not stop its work.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

const rawArgs = process.argv.slice(2)
try {
  await runMain(rawArgs)
} catch (error) {
  process.exitCode = explain(error, rawArgs)
}
