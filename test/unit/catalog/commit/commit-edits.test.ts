import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { commitEdits } from '../../../../lib/catalog/commit/index.ts'
import type { TableEdit } from '../../../../lib/catalog/table-edit.ts'
import type { Environment } from '../../../../lib/environment.ts'
import { parseTableMetadata } from '../../../../lib/iceberg/metadata.ts'
import { createLakefs } from '../../../../lib/lakefs/client.ts'
import { gatePath, keyOfAddress, parseSqlBranch, tablePath } from '../../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../../support/environment.ts'
import { smallStudy } from '../../../support/small-study.ts'
import { addOne, branch, create, drop, emptyTable, leave, makeStudy, readCount, study, withLakefs } from './support.ts'

let test: TestEnvironment
let lakefs: Environment['lakefs']
beforeAll(async () => {
  test = await makeEnvironment()
  ;({ lakefs } = test.environment)
})
afterAll(() => test.close())
beforeEach(() => makeStudy(test))

const author = 'Alice'
const commit = (edits: TableEdit[], environment = test.environment) =>
  commitEdits(environment, { study, branch, edits, author, purpose: 'Change', queryId: 'q-1' })
const headOf = async (name: string) => (await lakefs.getBranch(study, name))!.commitId
const hidden = async () => (await test.listBranches(study)).filter(name => name.startsWith('_'))

describe('a commit', () => {
  it('changes table, document and branch together', async () => {
    const { commit: id, tables } = await commit([create('a')])
    expect(id).toBe(await headOf(branch))
    const [{ text, metadata, location }] = tables as [(typeof tables)[number]]
    expect(metadata).toEqual(emptyTable('a'))
    expect(parseTableMetadata(text)).toEqual(metadata)
    expect((await test.readRef(study, id)).get(tablePath('work', 'a'))).toBe(text)
    expect(new TextDecoder().decode(await test.lake.get(keyOfAddress('lake', location)!))).toBe(text)
    expect(await hidden()).toEqual([])
  })

  it('is one, whatever the number of tables, and says what, who and for which query', async () => {
    const before = await headOf(branch)
    await commit(['a', 'b', 'c', 'd', 'e'].map(create))
    const commits = await Array.fromAsync(lakefs.log(study, branch, { firstParent: true, amount: 2 }))
    expect(commits[1]!.id).toBe(before)
    for (const { message, metadata } of [commits[0]!, (await lakefs.getCommit(study, commits[0]!.parents[1]!))!]) {
      expect(message).toBe('Change work.a, work.b, work.c and 2 more')
      const tables = 'work.a, work.b, work.c, work.d, work.e'
      expect(metadata).toMatchObject({ author, purpose: 'Change', queryId: 'q-1', tables })
    }
  })

  it('names no query where there was none', async () => {
    const { commit: id } = await commitEdits(test.environment, {
      study,
      branch,
      edits: [create('a')],
      author,
      purpose: 'Create',
    })
    expect((await lakefs.getCommit(study, id))!.metadata).not.toHaveProperty('queryId')
  })

  it('lets each edit see what those before it made of its table', async () => {
    const { tables } = await commit([create('a'), addOne('a'), create('b'), addOne('a'), drop('b')])
    expect(tables.map(({ table, metadata }) => [table, metadata.properties?.count])).toEqual([['a', '2']])
    expect(await readCount(test.environment, 'b')).toBeUndefined()
  })

  it('drops a table and leaves its files', async () => {
    const { tables } = await commit([create('a'), create('b')])
    expect((await commit([drop('a')])).tables).toEqual([])
    expect([...(await test.readRef(study, `${branch}@`)).keys()].filter(path => path.startsWith('tables/'))).toEqual([
      tablePath('work', 'b'),
    ])
    expect(test.lake.objects.has(keyOfAddress('lake', tables[0]!.location)!)).toBe(true)
  })

  it('that changes nothing is none, and tells what is there', async () => {
    const first = await commit([create('a')])
    const again = await commit([leave('a'), leave('b'), drop('c'), { ...leave('a'), edit: before => ({ ...before! }) }])
    expect(again).toEqual(first)
    expect(await commit([create('d'), drop('d')])).toEqual({ commit: first.commit, tables: [] })
    expect(await headOf(branch)).toBe(first.commit)
  })

  it('leaves a document as it is that somebody else wrote', async () => {
    const text = JSON.stringify(emptyTable('a'))
    await lakefs.createBranch(study, { name: '_by-hand', source: branch, hidden: true })
    const contentType = 'application/json'
    await lakefs.uploadObject(study, '_by-hand', tablePath('work', 'a'), Buffer.from(text), { contentType })
    await lakefs.commit(study, '_by-hand', { message: 'by hand' })
    await lakefs.merge(study, '_by-hand', branch)
    const { tables } = await commit([leave('a'), create('b')])
    expect(tables[0]!.text).toBe(text)
    expect((await test.readRef(study, `${branch}@`)).get(tablePath('work', 'a'))).toBe(text)
  })

  it('asks the gate twice, also where the branch has none of its own', async () => {
    const first = (await Array.fromAsync(lakefs.log(study, 'main'))).at(-1)!.id
    await lakefs.createBranch(study, { name: 'old', source: first })
    expect(await lakefs.statObject(study, 'old', gatePath)).toBeUndefined()
    test.gate.answers.length = 0
    await commitEdits(test.environment, { study, branch: 'old', edits: [create('a')], author, purpose: 'Create' })
    expect(test.gate.answers).toEqual([200, 200])
    expect(await lakefs.statObject(study, 'old', gatePath)).toBeDefined()
  })

  it('is prepared on a hidden branch that says since when it is there', async () => {
    const seen: (Date | undefined)[] = []
    const environment = withLakefs(test.environment, {
      async merge(...args) {
        for (const name of await hidden()) seen.push(parseSqlBranch(name))
        return lakefs.merge(...args)
      },
    })
    await commit([create('a')], environment)
    expect(seen).toEqual([test.clock.now()])
  })

  it('is answered though its hidden branch does not go away', async () => {
    const environment = withLakefs(test.environment, { deleteBranch: () => new Promise<never>(() => {}) })
    expect((await commit([create('a')], environment)).commit).toBe(await headOf(branch))
    expect(await hidden()).toHaveLength(1)
  })

  it('makes few calls, one after the other', async () => {
    await commit([create('a')])
    const calls: string[] = []
    let under = 0
    const counted = new Proxy(lakefs, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name)
        return typeof value !== 'function'
          ? value
          : async (...args: unknown[]) => {
              if (under++ === 0) calls.push(String(name))
              try {
                return (await value.apply(object, args)) as unknown
              } finally {
                under--
              }
            }
      },
    })
    await commit([addOne('a'), create('b'), create('c')], { ...test.environment, lakefs: counted })
    // Of those that go on at once, the first.
    expect(calls).toEqual(['getBranch', 'getObject', 'createBranch', 'uploadObject', 'commit', 'merge', 'deleteBranch'])
  })
})

describe('a commit is refused, and nothing is changed,', () => {
  async function expectRefusal(work: () => Promise<unknown>, expected: Record<string, unknown>): Promise<void> {
    const before = await headOf(branch)
    await expect(work()).rejects.toMatchObject({ name: 'CatalogError', ...expected })
    expect((await lakefs.getBranch(study, branch))?.commitId ?? before).toBe(before)
    expect(await hidden()).toEqual([])
  }
  const broken = (table: string): TableEdit => ({
    layer: 'work',
    table,
    edit: () => ({
      ...emptyTable(table),
      'current-snapshot-id': 7,
      snapshots: [
        {
          'snapshot-id': 7,
          'sequence-number': 1,
          'timestamp-ms': 1,
          'manifest-list': 's3://lake/metadata/nowhere.avro',
        },
      ],
    }),
  })

  it('where the branch is not there', async () => {
    const there = () =>
      commitEdits(test.environment, { study, branch: 'bob', edits: [create('a')], author, purpose: 'Create' })
    await expectRefusal(there, { type: 'NoSuchNamespaceException', message: 'edited has no branch bob' })
    const gone = withLakefs(test.environment, {
      async merge(...args) {
        await lakefs.deleteBranch(study, branch)
        return lakefs.merge(...args)
      },
    })
    await expectRefusal(() => commit([create('a')], gone), { type: 'NoSuchNamespaceException' })
  })

  it('where an edit says so', async () => {
    await commit([create('a')])
    await expectRefusal(() => commit([create('b'), create('a')]), { type: 'AlreadyExistsException' })
    expect(await readCount(test.environment, 'b')).toBeUndefined()
  })

  it('by the gate before the commit, with its list', async () => {
    await expectRefusal(() => commit([create('a'), broken('b')]), {
      type: 'BadRequestException',
      message: expect.stringContaining('work.b: '),
      problems: [expect.objectContaining({ table: 'work.b' })],
    })
  })

  it('by the gate before the merge, with its list', async () => {
    await test.upload({ study: 'loaded', version: 'v1', files: smallStudy })
    await test.drain()
    const before = (await lakefs.getBranch('loaded', 'v1'))!.commitId
    const edits: TableEdit[] = [{ layer: 'raw', table: 'dm', edit: () => undefined }]
    const work = commitEdits(test.environment, { study: 'loaded', branch: 'v1', edits, author, purpose: 'Drop' })
    await expect(work).rejects.toMatchObject({
      type: 'BadRequestException',
      problems: expect.arrayContaining([expect.objectContaining({ code: 'contents-table-missing' })]),
    })
    expect((await lakefs.getBranch('loaded', 'v1'))!.commitId).toBe(before)
  })

  it.each(['commit', 'merge'] as const)('where the gate does not answer before the %s', async call => {
    const environment = withLakefs(test.environment, {
      [call]: (...args: never[]) => {
        test.gate.broken = true
        return (lakefs[call] as (...args: never[]) => unknown)(...args)
      },
    })
    await expectRefusal(() => commit([create('a')], environment), {
      type: 'ServiceUnavailableException',
      message: expect.stringContaining('nothing was changed, try again'),
    })
    test.gate.broken = false
    await commit([create('a')])
  })

  it('where lakeFS is not there when it comes to the merge', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise(resolve => server.close(resolve))
    const { merge, findMergeBase } = createLakefs({
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: 'id',
      secretAccessKey: 'secret',
    })
    const environment = withLakefs(test.environment, { merge, findMergeBase })
    await expectRefusal(() => commit([create('a')], environment), { type: 'ServiceUnavailableException' })
  })

  it('where its hidden branch is taken away', async () => {
    const sweep = (call: 'commit' | 'merge') =>
      withLakefs(test.environment, {
        [call]: async (...args: never[]) => {
          for (const name of await hidden()) await lakefs.deleteBranch(study, name)
          return (lakefs[call] as (...args: never[]) => unknown)(...args)
        },
      })
    await expectRefusal(() => commit([create('a')], sweep('commit')), { type: 'ServiceUnavailableException' })
    await expectRefusal(() => commit([create('a')], sweep('merge')), { type: 'ServiceUnavailableException' })
  })

  it('with its own error where it does not pass by itself', async () => {
    const environment = withLakefs(test.environment, {
      uploadObject: () => Promise.reject(new RangeError('too large')),
    })
    await expect(commit([create('a')], environment)).rejects.toThrow(RangeError)
    expect(await hidden()).toEqual([])
  })
})
