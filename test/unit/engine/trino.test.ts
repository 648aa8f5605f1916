import { afterEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../../lib/engine/engine.ts'
import { createTrinoEngine } from '../../../lib/engine/trino.ts'
import { TransientError } from '../../../lib/errors.ts'
import { type FakePage, type FakeTrino, startFakeTrino } from '../../support/fake-trino.ts'

const columns = [{ name: 'table_name', type: 'varchar' }]
const finished = { stats: { state: 'FINISHED' } }

let trino: FakeTrino | undefined
afterEach(async () => {
  await trino?.close()
  trino = undefined
})

async function serve(answer: () => Iterable<FakePage>, options: { seconds?: number; password?: string } = {}) {
  trino = await startFakeTrino(answer)
  return createTrinoEngine({ url: trino.url, user: 'gate', catalog: 'hive', ...options })
}

it('has the rows of all pages, and says who asks', async () => {
  const engine = await serve(
    () => [
      { stats: { state: 'QUEUED' } },
      { columns, data: [['a']] },
      { status: 503 },
      { columns },
      { columns, data: [['b'], ['c']], ...finished },
    ],
    { password: 'word' },
  )
  expect(await engine.query('q')).toEqual([['a'], ['b'], ['c']])
  expect(trino!.queries).toMatchObject([
    { statement: 'q', headers: { 'x-trino-user': 'gate', 'x-trino-catalog': 'hive' } },
  ])
  expect(trino!.queries[0]!.headers.authorization).toBe(`Basic ${Buffer.from('gate:word').toString('base64')}`)
})

it('of which there are none', async () => {
  const engine = await serve(() => [{ columns }, { columns, ...finished }])
  expect(await engine.query('q')).toEqual([])
})

const failure = (errorName: string) => ({ error: { errorName, message: 'somebody’s value' } })

describe('whatever is no whole answer is an EngineError that passes, and quotes nothing', () => {
  it.each<[string, FakePage[], RegExp]>([
    ['a server error', [{ status: 500, body: 'somebody’s value' }], /answered 500$/],
    ['no right', [{ status: 401 }], /does not let the gate in \(401\)$/],
    ['a right that is missing', [{ status: 403 }], /does not let the gate in \(403\)$/],
    ['text', ['"data":[[somebody’s value'], /does not answer$/],
    ['another service’s JSON', [{ status: 200, body: '{"hello":"world"}' }], /does not answer as a SQL engine$/],
    ['JSON that is no object', [{ status: 200, body: '[]' }], /does not answer as a SQL engine$/],
    ['an answer that never named its columns', [{ data: [['a']], ...finished }], /does not answer as a SQL engine$/],
    ['an answer that breaks off', [{ columns, data: [['a']], stats: { state: 'RUNNING' } }], /as a SQL engine$/],
    ['a catalog that is not there', [failure('CATALOG_NOT_FOUND')], /did not list its columns: CATALOG_NOT_FOUND$/],
    ['a metastore that is not there', [{ columns }, failure('HIVE_METASTORE_ERROR')], /: HIVE_METASTORE_ERROR$/],
    ['an odd error', [failure('somebody’s value')], /did not list its columns: an error$/],
  ])('%s', async (_, pages, message) => {
    const engine = await serve(() => pages)
    const error = await engine.query('q').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EngineError)
    expect(error).toBeInstanceOf(TransientError)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('value')
  })

  it('nothing that listens', async () => {
    const engine = await serve(() => [])
    await trino!.close()
    await expect(engine.query('q')).rejects.toThrow(/^the SQL engine at 127\.0\.0\.1:\d+ does not answer$/)
    trino = undefined
  })
})

describe('ends in its time', () => {
  function* endlessly(): Generator<FakePage> {
    for (;;) yield { columns, data: [['a']], stats: { state: 'RUNNING' } }
  }
  function* overloaded(): Generator<FakePage> {
    for (;;) yield { status: 503 }
  }

  it.each([
    ['an answer without end', endlessly],
    ['a server that is never ready', overloaded],
  ])('%s', async (_, answer) => {
    const engine = await serve(answer, { seconds: 0.5 })
    const before = performance.now()
    await expect(engine.query('q')).rejects.toThrow(EngineError)
    expect(performance.now() - before).toBeLessThan(10_000)
  })

  it('a query that is late is cancelled', async () => {
    const engine = await serve(endlessly, { seconds: 0.5 })
    await expect(engine.query('q')).rejects.toThrow(/did not answer within 0\.5 s/)
    await expect.poll(() => trino!.queries[0]!.cancelledAt).toEqual(expect.any(Number))
  })

  it('a server that takes the question and is silent', async () => {
    const { createServer } = await import('node:http')
    const silent = createServer(() => {})
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const engine = createTrinoEngine({ url: `http://127.0.0.1:${port}`, user: 'gate', catalog: 'hive', seconds: 0.5 })
    try {
      await expect(engine.query('q')).rejects.toThrow(EngineError)
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })
})
