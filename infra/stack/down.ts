/** `npm run stack:down`: ends the stack of a data directory, from any terminal. */
import { parseArgs } from 'node:util'
import { exitCodes, UsageError } from '../../bin/support/failure.ts'
import { resolveFromUser, showPath } from '../../bin/support/paths.ts'
import { runScript } from './main.ts'
import { defaultFolder, endStack } from './state.ts'

await runScript(async () => {
  let data: string
  try {
    ;({ data } = parseArgs({ options: { data: { type: 'string', default: defaultFolder } } }).values)
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\. |\n/)[0]}; npm run stack:down -- [--data DIR]`)
  }
  const folder = resolveFromUser(data)
  const { stopped, leftovers } = await endStack(folder)
  if (stopped) console.log(`The stack of ${showPath(folder)} has ended.`)
  if (leftovers.length > 0) console.log(`Ended what an earlier stack had left: ${leftovers.join(', ')}.`)
  if (!stopped && leftovers.length === 0) console.log(`No stack runs in ${showPath(folder)}.`)
  return exitCodes.done
})
