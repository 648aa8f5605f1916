import type { Platform } from '../../infra/local/platform.ts'
import { exitCodes } from './failure.ts'
import type { Output } from './output.ts'

/** Keeps a platform running until Ctrl-C, then ends it in order; a second Ctrl-C ends it at once. Resolves with the exit code. */
export async function stayUp(platform: Platform, output: Output): Promise<number> {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let times = 0
  const ask = (): void => {
    if (++times > 1) process.exit(exitCodes.interrupted)
    resolve()
  }
  for (const signal of signals) process.on(signal, ask)
  await asked
  output.progress('finishing what is under way; Ctrl-C again to stop at once')
  await platform.close()
  output.clear()
  for (const signal of signals) process.off(signal, ask)
  return exitCodes.done
}
