import type { MessagePort } from 'node:worker_threads'
import { Rejection } from '../errors.ts'
import { type ConversionJob, createPartConverter, type PartConverter, type PartOutcome } from './convert-part.ts'

/** To the thread: first what to go by, then parts, whose buffers are transferred. */
export type ToWorker = { job: ConversionJob } | { bytes: Uint8Array<ArrayBuffer> }

/** Of each part, in turn: its bytes again, and what became of them; undefined where the file cannot be read on from there. */
export interface FromWorker {
  bytes: Uint8Array<ArrayBuffer>
  outcome: PartOutcome | undefined
}

/** Answers the messages of a PartWorker in this thread. What is thrown ends the thread. */
export function answerParts(port: MessagePort): void {
  let convert: PartConverter | undefined
  port.on('message', (message: ToWorker) => {
    if ('job' in message) {
      convert = createPartConverter(message.job)
      return
    }
    const { bytes } = message
    const outcome = convertAtOnce(convert!, bytes)
    const rowGroups = outcome?.rowGroups ?? []
    const answer: FromWorker = { bytes, outcome }
    port.postMessage(answer, [bytes.buffer, ...rowGroups.map(rowGroup => rowGroup.bytes.buffer)])
  })
}

function convertAtOnce(convert: PartConverter, bytes: Uint8Array): PartOutcome | undefined {
  const steps = convert(bytes)
  try {
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
    }
  } catch (error) {
    if (error instanceof Rejection) return undefined
    throw error
  }
}
