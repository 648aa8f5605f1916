/**
 * What makes an abrupt end look like a dead process from within one: after it, no store, queue or server can be reached by an
 * invocation that is still running.
 */
import type { Fetch } from '../../lib/http.ts'
import type { Queue } from '../../lib/queue/queue.ts'
import type { ObjectInfo, ObjectStore } from '../../lib/store/object-store.ts'

export interface Life {
  ended: boolean
}

function requireLife({ ended }: Life): void {
  if (ended) throw new Error('the platform has ended')
}

/** The same function; it rejects once the life has ended. */
const endCallWith =
  <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>, life: Life) =>
  async (...args: Args): Promise<Result> => {
    requireLife(life)
    return call(...args)
  }

/** The same queue, until the life ends. */
export function endQueueWith(queue: Queue, life: Life): Queue {
  return {
    name: queue.name,
    fifo: queue.fifo,
    send: endCallWith(queue.send.bind(queue), life),
    receive: endCallWith(queue.receive.bind(queue), life),
    delete: endCallWith(queue.delete.bind(queue), life),
    changeVisibility: endCallWith(queue.changeVisibility.bind(queue), life),
  }
}

/** The same store, until the life ends; a write that is on its way then leaves nothing behind. */
export function endStoreWith(store: ObjectStore, life: Life): ObjectStore {
  async function* untilEnd<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    requireLife(life)
    for await (const item of items) {
      requireLife(life)
      yield item
    }
    requireLife(life)
  }
  const put = endCallWith(store.put.bind(store), life)
  return {
    bucket: store.bucket,
    head: endCallWith(store.head.bind(store), life),
    get: endCallWith(store.get.bind(store), life),
    stream: endCallWith(store.stream.bind(store), life),
    list: (prefix, options): AsyncIterable<ObjectInfo> => untilEnd(store.list(prefix, options)),
    put: (key, body, options) => put(key, Symbol.asyncIterator in body ? untilEnd(body) : body, options),
    compose: endCallWith(store.compose.bind(store), life),
    delete: endCallWith(store.delete.bind(store), life),
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
