import { parseArgs } from 'node:util'
import { type ArgsDef, type CommandDef, defineCommand, type ParsedArgs } from 'citty'
import { UsageError } from './failure.ts'
import { createOutput, type Output } from './output.ts'
import { resolveFromUser } from './paths.ts'

const commonArgs = {
  data: { type: 'string', valueHint: 'DIR', default: '.studylake', description: 'The data directory' },
  json: { type: 'boolean', default: false, description: 'Print one JSON document instead of text' },
} as const satisfies ArgsDef

export interface CommandContext<Args extends ArgsDef> {
  args: ParsedArgs<Args>
  /** Absolute. */
  data: string
  output: Output
}

/**
 * A command with the options that all have, `--data` and `--json`. `run` resolves with the exit code, 0 where it is left out. Throws
 * UsageError for an option that the command does not know, an option without its value, and arguments that are too many.
 */
export function defineStudyCommand<const Args extends ArgsDef>({
  name,
  description,
  args,
  run,
}: {
  name: string
  description: string
  args: Args
  run: (context: CommandContext<Args>) => Promise<number | undefined>
}): CommandDef<ArgsDef> {
  // A command may have its own default of a common option.
  const all: ArgsDef = { ...args, ...commonArgs, ...args }
  return defineCommand<ArgsDef>({
    meta: { name, description },
    args: all,
    setup: ({ rawArgs }) => checkUsage(name, rawArgs, all),
    async run({ args: parsed }) {
      const code = await run({
        args: parsed as unknown as ParsedArgs<Args>,
        data: resolveFromUser(String(parsed.data)),
        output: createOutput({ json: parsed.json === true }),
      })
      process.exitCode = code ?? 0
    },
  })
}

/** citty takes anything; a mistyped option must not be taken for none. */
function checkUsage(command: string, rawArgs: string[], args: ArgsDef): void {
  const options = Object.fromEntries(
    Object.entries(args)
      .filter(([, { type }]) => type !== 'positional')
      .map(([option, { type }]) => [option, { type: type === 'boolean' ? ('boolean' as const) : ('string' as const) }]),
  )
  const most = Object.values(args).filter(({ type }) => type === 'positional').length
  let positionals: string[]
  try {
    const parsed = parseArgs({ args: rawArgs, options, allowPositionals: true, strict: true })
    positionals = parsed.positionals
  } catch (error) {
    // Node's messages are of several sentences; the first says what is wrong.
    throw new UsageError(`${command}: ${(error as Error).message.split(/\. |\n/)[0]}`, { cause: error })
  }
  if (positionals.length > most)
    throw new UsageError(`${command}: ${JSON.stringify(positionals[most])} is one argument too many`)
}
