import type { Environment } from '../lib/environment.ts'
import { createAddKeys } from './add-keys.ts'
import { createAssignKeys } from './assign-keys.ts'
import { type CheckHandler, createCheck } from './check.ts'
import { createCommit } from './commit.ts'
import { createConvert } from './convert.ts'
import type { QueueHandler } from './middleware/queue-function.ts'
import { createReceive } from './receive.ts'
import { createRegister } from './register.ts'

/** All functions over one environment: what an embedded platform runs. */
export interface Handlers {
  receive: QueueHandler
  convert: QueueHandler
  register: QueueHandler
  assignKeys: QueueHandler
  addKeys: QueueHandler
  commit: QueueHandler
  check: CheckHandler
}

export function createHandlers(environment: Environment): Handlers {
  return {
    receive: createReceive(environment),
    convert: createConvert(environment),
    register: createRegister(environment),
    assignKeys: createAssignKeys(environment),
    addKeys: createAddKeys(environment),
    commit: createCommit(environment),
    check: createCheck(environment),
  }
}
