/**
 * What makes an abrupt end look like a dead process from within one: after it, no store, queue or server can be reached by an
 * invocation that is still running.
 */
import type { Fetch } from '../../lib/http.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

export interface Life {
  ended: boolean
}

function requireLife({ ended }: Life): void {
  if (ended) throw new Error('the platform has ended')
}

/** The same object, whose methods throw once the life has ended. */
export function endWith<Target extends object>(target: Target, life: Life): Target {
  return new Proxy(target, {
    get(object, name, receiver) {
      const member: unknown = Reflect.get(object, name, receiver)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        requireLife(life)
        return (member as (...args: unknown[]) => unknown).apply(object, args)
      }
    },
  })
}

/** The same store; a write that is on its way when the life ends leaves nothing behind. */
export function endStoreWith(store: ObjectStore, life: Life): ObjectStore {
  async function* untilEnd(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      requireLife(life)
      yield chunk
    }
    requireLife(life)
  }
  const mortal = endWith(store, life)
  return {
    bucket: store.bucket,
    head: key => mortal.head(key),
    get: (key, options) => mortal.get(key, options),
    stream: (key, options) => mortal.stream(key, options),
    list: (prefix, options) => mortal.list(prefix, options),
    put: (key, body, options) => mortal.put(key, Symbol.asyncIterator in body ? untilEnd(body) : body, options),
    compose: (key, parts, options) => mortal.compose(key, parts, options),
    delete: key => mortal.delete(key),
  }
}

/** The same fetch; once the life has ended, every request fails, and what a request in flight answers is lost. */
export function endFetchWith(fetch: Fetch, life: Life): Fetch {
  return async (url, init) => {
    requireLife(life)
    const response = await fetch(url, init)
    requireLife(life)
    return response
  }
}
