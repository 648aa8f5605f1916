import type { Config } from './config.ts'
import type { Engine } from './engine/engine.ts'
import type { Lakefs } from './lakefs/client.ts'
import type { Log } from './log.ts'
import type { Queue } from './queue/queue.ts'
import type { ObjectStore } from './store/object-store.ts'

/** The queues between the functions, by what is read from them. */
export interface Queues {
  landing: Queue
  convert: Queue
  register: Queue
  keys: Queue
  addKeys: Queue
  commit: Queue
}

/** All that a step may touch. The cloud, the local stack and the embedded platform each make one. */
export interface Environment {
  config: Config
  landing: ObjectStore
  lake: ObjectStore
  lakefs: Lakefs
  queues: Queues
  /** Beside the lake, where one is configured: only who commits and who judges commits asks it. */
  engine?: Engine
  now(): Date
  log: Log
}
