import { PreconditionError } from '../errors.ts'
import type { ObjectStore } from './object-store.ts'

/**
 * Writes an object unless it is there already: its key names its bytes, or what they say, so that another attempt's is as good. A streamed
 * body is read to its end in any case, because its reader has more to learn from it than the bytes. Resolves with whether it was written now.
 */
export async function putOnce(
  store: ObjectStore,
  key: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  { contentType }: { contentType?: string } = {},
): Promise<boolean> {
  if (body instanceof Uint8Array) {
    try {
      await store.put(key, body, { ifAbsent: true, contentType })
      return true
    } catch (error) {
      if (!(error instanceof PreconditionError)) throw error
      return false
    }
  }
  const chunks = body[Symbol.asyncIterator]()
  // Without a `return` method, a store that gives up early leaves the source open for the rest.
  const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) }
  try {
    await store.put(key, rest, { ifAbsent: true, contentType })
    return true
  } catch (error) {
    if (!(error instanceof PreconditionError)) {
      await chunks.return?.()
      throw error
    }
    for await (const _ of rest);
    return false
  }
}
