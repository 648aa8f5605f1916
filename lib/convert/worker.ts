import { Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './answer-parts.ts'
import type { ConversionJob, PartOutcome } from './convert-part.ts'

/** Starts the thread that answers; a conversion can be given another. */
export type StartThread = () => Worker

/** MiB of objects. Values and bytes lie outside of it, and the young generation is what the engine otherwise lets grow first. */
const resourceLimits = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 }

const startThread: StartThread = () => new Worker(new URL('./part-worker.ts', import.meta.url), { resourceLimits })

/** Another thread that converts parts, one after the other. */
export interface PartWorker {
  /** Parts that were given to it and are not done. */
  waiting(): number
  /** Converts a part, whose buffer is away until then. Throws what ended the thread. */
  convert(part: Uint8Array<ArrayBuffer>): Promise<{ bytes: Uint8Array<ArrayBuffer>; outcome: PartOutcome | undefined }>
  /** Ends the thread, whatever it does. */
  end(): Promise<void>
}

/** `job` is asked for when the first part is given. */
export function startPartWorker({
  job,
  start = startThread,
}: {
  job: () => ConversionJob
  start?: StartThread | undefined
}): PartWorker {
  const thread = start()
  const asked: { resolve(answer: FromWorker): void; reject(error: Error): void }[] = []
  let failure: Error | undefined
  let begun = false
  const fail = (why: string, cause?: unknown): void => {
    failure ??= new Error(`a thread of the conversion ${why}`, { cause })
    for (const { reject } of asked.splice(0)) reject(failure)
  }
  thread.on('message', (answer: FromWorker) => asked.shift()?.resolve(answer))
  thread.on('messageerror', error => fail(`gave an answer that cannot be read: ${error.message}`, error))
  thread.on('error', error => fail(`failed: ${error instanceof Error ? error.message : 'unknown error'}`, error))
  thread.on('exit', code => fail(`ended by itself, with exit code ${code}`))
  const post = (message: ToWorker, transfer: ArrayBuffer[] = []): void => thread.postMessage(message, transfer)

  return {
    waiting: () => asked.length,
    convert: bytes =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure)
        if (!begun) post({ job: job() })
        begun = true
        asked.push({ resolve, reject })
        post({ bytes }, [bytes.buffer])
      }),
    async end() {
      await thread.terminate()
    },
  }
}
