// A thread that converts parts of a file; see worker.ts.
import { isMainThread, parentPort } from 'node:worker_threads'
import { answerParts } from './answer-parts.ts'

if (!isMainThread && parentPort) answerParts(parentPort)
