/**
 * What `npm run build` makes one file of: the commands that work on files alone, without a platform. Each is evaluated when it is called for; in a
 * thread of its own the same file is what converts.
 */
import { isMainThread, parentPort } from 'node:worker_threads'

type Run = (rawArgs: string[]) => Promise<void>

const commands: Record<string, () => Promise<Run>> = {
  convert: async () => runner((await import('./commands/convert.ts')).default),
  keys: async () => runner((await import('./commands/keys.ts')).default),
}

async function runner(command: import('citty').CommandDef): Promise<Run> {
  const { renderUsage, runCommand } = await import('citty')
  return async rawArgs => {
    if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
      const { stripVTControlCharacters } = await import('node:util')
      console.log(stripVTControlCharacters(await renderUsage(command)).replace(/[ \t]+$/gm, ''))
    } else await runCommand(command, { rawArgs })
  }
}

async function main([name, ...rawArgs]: string[]): Promise<void> {
  const list = Object.keys(commands).join(', ')
  try {
    if (name !== undefined && Object.hasOwn(commands, name)) await (await commands[name]())(rawArgs)
    else if (name === '--help' || name === '-h')
      console.log(`usage: studylake ${Object.keys(commands).join('|')} --help`)
    else
      throw Object.assign(
        new Error(
          name ? `there is no command ${JSON.stringify(name)}; there are ${list}` : `which command? There are ${list}`,
        ),
        { name: 'UsageError' },
      )
  } catch (error) {
    process.exitCode = explain(error)
  }
}

/** As bin/studylake.ts does. */
function explain(error: unknown): number {
  const { name, message } = error as Error
  const isUsage = name === 'UsageError' || name === 'CLIError'
  console.error(`studylake: ${message}`)
  return isUsage ? 2 : 1
}

if (isMainThread) await main(process.argv.slice(2))
else (await import('../lib/convert/answer-parts.ts')).answerParts(parentPort!)
