import { setImmediate } from 'node:timers/promises'
import { Rejection } from '../errors.ts'
import { type ConversionJob, createPartConverter, type PartConverter, type PartOutcome } from './convert-part.ts'
import type { Part } from './cut-parts.ts'
import { type PartWorker, type StartThread, startPartWorker } from './worker.ts'

/** A part that was given to a thread. */
export interface PartTask {
  part: Part
  /** Its bytes again, which may be away meanwhile; without outcome the file cannot be read on from there. Throws what ended the thread. */
  done: Promise<{ bytes: Uint8Array<ArrayBuffer>; outcome: PartOutcome | undefined }>
  isDone(): boolean
}

/**
 * Shares parts among threads. Of two this one is the second: it works while the other has a part, and one more to go on with. Of more it only
 * hands out. Other threads are started for the first part that is not the file's last, or when more than one is expected.
 */
export function shareParts({
  job,
  threads,
  startThread,
}: {
  /** Asked for when the first part is given. */
  job: () => ConversionJob
  threads: number
  startThread?: StartThread | undefined
}) {
  const others = threads > 2 ? threads : threads - 1
  const workers: PartWorker[] = []
  let convertHere: PartConverter | undefined

  function startAll(): void {
    while (workers.length < others) workers.push(startPartWorker({ job, start: startThread }))
  }

  /** The worker with the least to do, where one shall have more. */
  function findWorker({ kind }: Part): PartWorker | undefined {
    if (kind !== 'last') startAll()
    const waiting = workers.reduce((sum, worker) => sum + worker.waiting(), 0)
    const [idlest] = workers.toSorted((a, b) => a.waiting() - b.waiting())
    return waiting < threads || threads > 2 ? idlest : undefined
  }

  async function convertInSteps(bytes: Uint8Array): Promise<PartOutcome | undefined> {
    convertHere ??= createPartConverter(job())
    const steps = convertHere(bytes)
    try {
      for (;;) {
        const step = steps.next()
        if (step.done) return step.value
        // What other threads answer, what is read and written, and who wants to stop has its turn.
        await setImmediate()
      }
    } catch (error) {
      if (error instanceof Rejection) return undefined
      throw error
    }
  }

  function track(part: Part, done: PartTask['done']): PartTask {
    let isDone = false
    const end = (): void => {
      isDone = true
    }
    // Whoever waits for it has the error.
    done.then(end, end)
    return { part, done, isDone: () => isDone }
  }

  return {
    /** There will be more than one part. */
    expectMany: startAll,
    /** Resolves when the next part may be given. */
    async give(part: Part): Promise<PartTask> {
      const worker = findWorker(part)
      if (worker) return track(part, worker.convert(part.bytes))
      const outcome = await convertInSteps(part.bytes)
      return track(part, Promise.resolve({ bytes: part.bytes, outcome }))
    },
    /** Ends the other threads, whatever they do. */
    async end(): Promise<void> {
      await Promise.all(workers.map(worker => worker.end()))
    },
  }
}
