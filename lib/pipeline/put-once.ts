import { PreconditionError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'

/**
 * Writes an object whose key names its bytes: one that is there already, from another attempt, is as good. A streamed body is read to its
 * end in any case, because its reader has more to learn from it than the bytes.
 */
export async function putOnce(
  store: ObjectStore,
  key: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  if (body instanceof Uint8Array) {
    try {
      await store.put(key, body, { ifAbsent: true })
    } catch (error) {
      if (!(error instanceof PreconditionError)) throw error
    }
    return
  }
  const chunks = body[Symbol.asyncIterator]()
  // Without a `return` method, a store that gives up early leaves the source open for the rest.
  const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) }
  try {
    await store.put(key, rest, { ifAbsent: true })
  } catch (error) {
    if (!(error instanceof PreconditionError)) {
      await chunks.return?.()
      throw error
    }
    for await (const _ of rest);
  }
}
