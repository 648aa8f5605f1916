import type { Environment } from '../../lib/environment.ts'
import { TransientError } from '../../lib/errors.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

/** How the n-th I/O call of an environment goes wrong. */
export type Fault =
  /** The process dies after the n-th call was done (0 = before the first): its answer is lost and nothing else is reached. */
  | { kind: 'death'; at: number }
  /** The n-th call fails and does nothing; those after it go well. */
  | { kind: 'failure'; at: number }
  /** The n-th call is done and its answer is lost; those after it go well. */
  | { kind: 'lost-answer'; at: number }

/** Counts an environment's calls and makes one go wrong. */
export interface Injector {
  environment: Environment
  /** Calls until now. */
  calls(): number
  /** What was called, in order: `lakefs.merge`. */
  names: string[]
  /** Nothing goes wrong from here on: the process has been started again. */
  revive(): void
}

const isIterable = (name: string): boolean => name === 'list' || name === 'log' || /^list[A-Z]|^diff/.test(name)

/** Wraps everything that an environment reaches: stores, lakeFS, queues. Without a fault it only counts. */
export function injectFault(environment: Environment, fault?: Fault): Injector {
  const names: string[] = []
  let active = fault
  const lost = (name: string) => new TransientError(`${name} did not answer`)

  function enter(name: string): { after(): void } {
    names.push(name)
    const at = names.length
    const now = active
    if (!now) return { after() {} }
    if (now.kind === 'death') {
      if (at > now.at) throw lost(name)
      return { after: () => (at === now.at ? fail(name) : undefined) }
    }
    if (at !== now.at) return { after() {} }
    if (now.kind === 'failure') throw lost(name)
    return { after: () => fail(name) }
  }
  const fail = (name: string): never => {
    throw lost(name)
  }

  async function* iterate(name: string, call: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    // A listing changes nothing, so it makes no difference whether it is not made or not heard.
    enter(name).after()
    yield* call()
  }

  function wrap<Target extends object>(target: Target, subject: string): Target {
    return new Proxy(target, {
      get(object, member) {
        const value: unknown = Reflect.get(object, member)
        if (typeof value !== 'function') return value
        const name = `${subject}.${String(member)}`
        if (isIterable(String(member))) return (...args: unknown[]) => iterate(name, () => value.apply(object, args))
        return async (...args: unknown[]) => {
          const { after } = enter(name)
          // A refusal is an answer too, and can be lost.
          const [outcome] = await Promise.allSettled([(async () => value.apply(object, args) as unknown)()])
          after()
          if (outcome.status === 'rejected') throw outcome.reason
          return outcome.value
        }
      },
    })
  }

  /** A body's chunks are reads of their own. */
  function wrapStore(store: ObjectStore, subject: string): ObjectStore {
    const wrapped = wrap(store, subject)
    return new Proxy(wrapped, {
      get(object, member) {
        if (member !== 'stream') return Reflect.get(object, member) as unknown
        return async (...args: Parameters<ObjectStore['stream']>) => {
          const { info, body } = await object.stream(...args)
          return { info, body: iterate(`${subject}.read`, () => body) }
        }
      },
    })
  }

  const { queues } = environment
  return {
    environment: {
      ...environment,
      landing: wrapStore(environment.landing, 'landing'),
      lake: wrapStore(environment.lake, 'lake'),
      lakefs: wrap(environment.lakefs, 'lakefs'),
      queues: {
        landing: wrap(queues.landing, 'landing queue'),
        convert: wrap(queues.convert, 'convert queue'),
        register: wrap(queues.register, 'register queue'),
        keys: wrap(queues.keys, 'keys queue'),
        addKeys: wrap(queues.addKeys, 'add-keys queue'),
        commit: wrap(queues.commit, 'commit queue'),
      },
    },
    names,
    calls: () => names.length,
    revive() {
      active = undefined
    },
  }
}
