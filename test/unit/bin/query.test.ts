import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CancelledError, openQuery, type Page } from '../../../bin/support/trino.ts'
import { type FakePage, type FakeTrino, startFakeTrino } from '../../support/fake-trino.ts'

const launcher = join(import.meta.dirname, '..', '..', '..', 'bin', 'studylake.mjs')
const columns = [{ name: 'a', type: 'bigint' }]
const failure = (errorName: string, message: string, more = {}) => ({ error: { errorName, message, ...more } })

let trino: FakeTrino | undefined
afterEach(async () => {
  await trino?.close()
  trino = undefined
})

/** Pages of the protocol: those given, and the empty ones with which a real Trino begins. */
async function serve(answer: (statement: string) => Iterable<FakePage>): Promise<FakeTrino> {
  trino = await startFakeTrino(function* (statement) {
    yield { stats: { state: 'QUEUED' } }
    yield* answer(statement)
  })
  return trino
}

function* endlessly(): Generator<FakePage> {
  for (let row = 0; ; row++) yield { columns, data: [[row]] }
}

const open = (server: string, statement = 'select 1') =>
  openQuery(statement, { server, user: 'ada', catalog: 'studylake' })

async function collect(pages: AsyncIterable<Page>): Promise<unknown[][]> {
  const rows: unknown[][] = []
  for await (const { data } of pages) rows.push(...(data ?? []))
  return rows
}

describe('a query', () => {
  it('says who asks, where, and that microseconds are wanted', async () => {
    const { url, queries } = await serve(() => [{ columns, data: [[1]] }])
    expect(await collect(open(url).pages)).toEqual([[1]])
    expect(queries[0]).toMatchObject({
      statement: 'select 1',
      headers: {
        'x-trino-user': 'ada',
        'x-trino-catalog': 'studylake',
        'x-trino-source': 'studylake',
        'x-trino-client-capabilities': 'PARAMETRIC_DATETIME',
      },
    })
    const query = openQuery('select 1', { server: url, user: 'ada', password: 'word', catalog: 'other' })
    await collect(query.pages)
    expect(queries[1]!.headers.authorization).toBe(`Basic ${Buffer.from('ada:word').toString('base64')}`)
  })

  it('has integers to their last digit', async () => {
    const { url } = await serve(() => ['"data":[[9223372036854775807,[-9007199254740993],1.5,9007199254740991]]'])
    expect(await collect(open(url).pages)).toEqual([[2n ** 63n - 1n, [-(2n ** 53n) - 1n], 1.5, 2 ** 53 - 1]])
  })

  it('has all its pages, those before and after empty ones too', async () => {
    const { url, queries } = await serve(() => [{ columns }, { data: [[1]] }, {}, {}, { data: [[2]] }, { columns }])
    const seen: string[] = []
    const query = openQuery('q', { server: url, user: 'a', catalog: 'c', onPage: page => seen.push(page.id) })
    expect(await collect(query.pages)).toEqual([[1], [2]])
    expect(seen).toHaveLength(7)
    expect(queries[0]!.cancelledAt).toBeUndefined()
  })

  it('may end with its first answer', async () => {
    trino = await startFakeTrino(statement => [statement === 'good' ? { columns, data: [[1]] } : failure('X', 'no')])
    expect(await collect(open(trino.url, 'good').pages)).toEqual([[1]])
    await expect(collect(open(trino.url, 'bad').pages)).rejects.toMatchObject({ errorName: 'X', message: 'no' })
  })

  it('asks for no page before the one before it was taken', async () => {
    const { url, queries } = await serve(endlessly)
    const pages = open(url).pages[Symbol.asyncIterator]()
    for (let taken = 1; taken <= 5; taken++) {
      expect((await pages.next()).value.data).toEqual([[taken - 1]])
      expect(queries[0]!.served).toBe(taken + 1)
    }
    await pages.return!(undefined)
  })

  it('that is broken off is cancelled, at the address that came last', async () => {
    const { url, queries } = await serve(endlessly)
    for await (const { data } of open(url).pages) if (data![0]![0] === 3) break
    expect(queries).toMatchObject([{ served: 5, cancelledAt: 5 }])
  })

  it('that is cancelled never looks like one that has ended; nor does one that was not sent yet', async () => {
    const { url, queries } = await serve(endlessly)
    const query = open(url)
    let rows = 0
    const reading = async () => {
      for await (const _ of query.pages) if (++rows === 3) expect(await query.cancel()).toBe(true)
    }
    await expect(reading()).rejects.toThrow(CancelledError)
    expect([rows, queries[0]!.cancelledAt]).toEqual([3, 4])
    const unsent = open(url)
    expect(await unsent.cancel()).toBe(true)
    await expect(collect(unsent.pages)).rejects.toThrow(CancelledError)
  })

  it('that cannot be cancelled says so', async () => {
    const { url, close } = await serve(endlessly)
    const query = open(url)
    const reading = async () => {
      for await (const _ of query.pages) {
        await close()
        expect(await query.cancel()).toBe(false)
      }
    }
    await expect(reading()).rejects.toThrow(CancelledError)
    trino = undefined
  })

  it('goes on after an answer that the protocol says to ask for again', async () => {
    const { url } = await serve(() => [
      { status: 503 },
      { data: [[1]] },
      { status: 502 },
      { status: 429 },
      { data: [[2]] },
    ])
    expect(await collect(open(url).pages)).toEqual([[1], [2]])
  })

  it.each([
    [{ status: 401, body: 'Unauthorized' }, /does not let us in \(401\): TRINO_USER/],
    [{ status: 404 }, /answered 404/],
    ['"data":[[', /is not Trino/],
    [failure('DIVISION_BY_ZERO', 'Division by zero'), /^Division by zero$/],
    [failure('X', 'no', { errorLocation: { lineNumber: 2, columnNumber: 7 } }), /^line 2:7: no$/],
    [failure('X', 'line 2:7: no', { errorLocation: { lineNumber: 2, columnNumber: 7 } }), /^line 2:7: no$/],
  ])('of which %j is answered fails with a sentence', async (page, message) => {
    const { url } = await serve(() => [{ data: [[1]] }, page])
    await expect(collect(open(url).pages)).rejects.toThrow(message)
  })

  it('fails with a sentence where nothing answers', async () => {
    const { url, close } = await startFakeTrino(() => [])
    await close()
    await expect(collect(open(url).pages)).rejects.toThrow(/does not answer \(ECONNREFUSED\).*TRINO_URL/)
  })
})

describe('studylake query', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'query-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function start(args: string[], variables: Record<string, string> = {}) {
    const { INIT_CWD: _, ...inherited } = process.env
    const env = { ...inherited, ...(trino && { TRINO_URL: trino.url }), ...variables }
    const child = spawn(process.execPath, [launcher, 'query', ...args], { cwd: folder, env })
    const output = { stdout: '', stderr: '' }
    child.stdout.on('data', chunk => (output.stdout += chunk))
    child.stderr.on('data', chunk => (output.stderr += chunk))
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }))
    return { child, output, ended }
  }

  const run = (args: string[], variables?: Record<string, string>, input = '') => {
    const { child, ended } = start(args, variables)
    child.stdin.end(input)
    return ended
  }

  it('takes the statement as an argument, from a file, or from standard input', async () => {
    await serve(() => [{ columns, data: [[1], [2]] }])
    await writeFile(join(folder, 'q.sql'), 'select 2;\n')
    const outcomes = [
      await run(['select 1'], { TRINO_USER: 'ada' }),
      await run(['--file', 'q.sql', '--csv', '--user', 'eve', '--catalog', 'lake']),
      await run(['-', '--json'], {}, 'select 3 -- last'),
    ]
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(outcomes.map(() => [0, '']))
    expect(outcomes.map(({ stdout }) => stdout)).toEqual([
      '  a\n  1\n  2\n\n2 rows\n',
      'a\n1\n2\n',
      '[\n{"a":1},\n{"a":2}\n]\n',
    ])
    expect(trino!.queries.map(({ statement, headers }) => [statement, headers['x-trino-catalog']])).toEqual([
      ['select 1', 'studylake'],
      ['select 2', 'lake'],
      ['select 3 -- last', 'studylake'],
    ])
    expect(trino!.queries.slice(0, 2).map(({ headers }) => headers['x-trino-user'])).toEqual(['ada', 'eve'])
  })

  it('says what a statement has done that is no query', async () => {
    const rows = [{ name: 'rows', type: 'bigint' }]
    await serve(statement =>
      statement === 'insert'
        ? [
            { columns: rows, updateType: 'INSERT' },
            { columns: rows, data: [[3]], updateType: 'INSERT', updateCount: 3 },
          ]
        : [{ columns: [], updateType: 'CREATE TABLE' }],
    )
    expect(await run(['insert'])).toMatchObject({ code: 0, stdout: 'INSERT: 3 rows\n' })
    expect(await run(['insert', '--json'])).toMatchObject({ code: 0, stdout: '[\n{"rows":3}\n]\n' })
    expect(await run(['create'])).toMatchObject({ code: 0, stdout: 'CREATE TABLE\n' })
    expect(await run(['create', '--csv'])).toMatchObject({ code: 0, stdout: '' })
    expect(await run(['create', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' })
  })

  it.each([
    [['select 1', '--csv', '--json'], /--csv or --json, not both/],
    [[], /the statement is an argument/],
    [['select 1', '--file', 'q.sql'], /the statement is an argument/],
    [['select 1; select 2'], /more than one statement/],
    [['select', '1'], /one argument too many/],
  ])('%j is wrong usage', async (args, message) => {
    await serve(() => [])
    expect(await run(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) })
    expect(trino!.queries).toEqual([])
  })

  it('says where Trino is looked for', async () => {
    const { code, stderr } = await run(['select 1'], { TRINO_URL: '' })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/TRINO_URL.*npm run stack/)])
  })

  it('finds the Trino of the local stack that runs', async () => {
    const { url } = await serve(() => [{ columns, data: [[1]] }])
    const data = await mkdtemp(join(folder, 'stack-'))
    await writeFile(join(data, 'stack.json'), JSON.stringify({ endpoints: { trino: url }, processes: {} }))
    expect(await run(['select 1', '--data', data, '--csv'], { TRINO_URL: '' })).toMatchObject({
      code: 0,
      stdout: 'a\n1\n',
    })
  })

  it('shows an error of Trino, without a stack trace, and what came before it', async () => {
    await serve(() => [{ columns, data: [[1]] }, failure('DIVISION_BY_ZERO', 'Division by zero')])
    expect(await run(['select 1', '--csv'])).toEqual({
      code: 1,
      signal: null,
      stdout: 'a\n1\n',
      stderr: 'studylake: Division by zero\n',
    })
  })

  it('cancels the query on Ctrl-C', async () => {
    await serve(endlessly)
    const { child, output, ended } = start(['select 1', '--json'])
    while (!output.stdout.includes('{"a":5}')) await once(child.stdout, 'data')
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect([code, stderr]).toEqual([130, ''])
    expect(stdout).not.toContain(']')
    expect(trino!.queries).toMatchObject([{ cancelledAt: expect.any(Number) }])
  })

  it('cancels the query when nobody reads on', async () => {
    await serve(endlessly)
    const { child, ended } = start(['select 1', '--json'])
    child.stdout.once('data', () => child.stdout.destroy())
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(trino!.queries).toMatchObject([{ cancelledAt: expect.any(Number) }])
  })

  describe('where Trino has no such catalog', () => {
    const variables = {
      CATALOG_URL: 'http://catalog.example/',
      CATALOG_TOKEN: 'the token',
      OBJECT_STORE_ENDPOINT: 'http://minio.example:9000',
      OBJECT_STORE_ACCESS_KEY_ID: 'key',
      OBJECT_STORE_SECRET_ACCESS_KEY: 'the secret',
    }
    const missing = failure('CATALOG_NOT_FOUND', "line 1:15: Catalog 'studylake' not found")
    const serveCatalog = (creation: FakePage) => {
      let made = false
      return serve(statement => {
        if (statement.startsWith('CREATE CATALOG')) {
          made = !Object.hasOwn(creation as object, 'error')
          return [creation]
        }
        return made ? [{ columns, data: [[1]] }] : [missing]
      })
    }

    it('makes it, and asks again', async () => {
      await serveCatalog({ columns: [], updateType: 'CREATE CATALOG' })
      expect(await run(['select 1', '--csv'], variables)).toMatchObject({ code: 0, stdout: 'a\n1\n', stderr: '' })
      const [, { statement }] = trino!.queries as [unknown, { statement: string }]
      expect(statement).toContain('CREATE CATALOG IF NOT EXISTS "studylake" USING iceberg')
      for (const value of Object.values(variables)) expect(statement).toContain(`'${value}'`)
    })

    it.each([
      ['is not told where it is', {}, /Set CATALOG_URL and CATALOG_TOKEN.*studylake\.properties/],
      [
        'may not make it',
        variables,
        /does not take CREATE CATALOG \(no\).*catalog\.management=dynamic.*studylake\.properties/,
      ],
    ])('says what to put into its file where it %s, and shows no secret', async (_, given, message) => {
      await serveCatalog(failure('NOT_SUPPORTED', 'no'))
      const { code, stdout, stderr } = await run(['select 1'], given)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(message)
      expect(stderr).toContain('connector.name=iceberg\n')
      expect(stderr).toContain(`iceberg.rest-catalog.oauth2.token=\${ENV:CATALOG_TOKEN}\n`)
      expect(stderr).not.toMatch(/the (?:token|secret)/)
    })

    it('leaves other catalogs alone', async () => {
      await serve(() => [failure('CATALOG_NOT_FOUND', "line 1:15: Catalog 'other' not found")])
      expect(await run(['select 1'], variables)).toMatchObject({ code: 1, stderr: expect.stringContaining("'other'") })
      expect(trino!.queries).toHaveLength(1)
    })
  })
})
