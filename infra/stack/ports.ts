import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

export const loopback = '127.0.0.1'

/** True where nothing listens on the port of the loopback interface. */
export function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(port, loopback, () => server.close(() => resolve(true)))
  return promise
}

/**
 * A port of the loopback interface that nothing listens on. From below the range that systems hand out for outgoing connections, where a
 * port that is kept for the next start would sooner or later be somebody's.
 */
export async function findFreePort(except: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const candidate = randomInt(20_000, 32_000)
    if (!except.includes(candidate) && (await isFree(candidate))) return candidate
  }
  throw new Error(`no free port found between 20000 and 32000 on ${loopback}`)
}
