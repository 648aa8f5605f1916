import type { Platform } from '../../infra/local/platform.ts'
import { exitCodes } from './failure.ts'
import { onInterrupt } from './interrupt.ts'
import type { Output } from './output.ts'

/** Keeps a platform running until Ctrl-C, then ends it in order. Resolves with the exit code. */
export async function stayUp(platform: Platform, output: Output): Promise<number> {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  onInterrupt(resolve)
  await asked
  output.progress('finishing what is under way; Ctrl-C again to stop at once')
  await platform.close()
  output.clear()
  return exitCodes.done
}
