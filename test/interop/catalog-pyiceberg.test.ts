import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogAddress } from '../../infra/local/buckets.ts'
import type { Platform } from '../../infra/local/platform.ts'
import type { Commit } from '../../lib/lakefs/client.ts'
import { tablePath } from '../../lib/layout.ts'
import { smallStudy } from '../support/small-study.ts'
import { listLake, makeTemporaryFolder } from '../support/test-platform.ts'
import { loadVersion, openStudyPlatform } from './committed-study.ts'
import { python, runPython } from './python.ts'

type Step = { do: string; [argument: string]: unknown }
/** What a step gave; its error's name, where it failed. */
interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what its steps give
  value?: any
  error?: string
  message?: string
}

const study = 'trial'
const columns = { name: 'string', visits: 'int32', weight: 'double' }
const rows = [
  { name: 'A', visits: 1, weight: 70.5 },
  { name: 'B', visits: 2, weight: null },
]

describe.skipIf(!python)('pyiceberg over the catalog', () => {
  let platform: Platform
  let lakefs: Platform['environment']['lakefs']
  let version: string
  const cleanUps: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    const { folder, cleanUp } = await makeTemporaryFolder()
    cleanUps.push(cleanUp)
    platform = await openStudyPlatform({ folder })
    cleanUps.push(platform.close)
    ;({ lakefs } = platform.environment)
    const files = Object.fromEntries(Object.entries(smallStudy).map(([name, text]) => [name, Buffer.from(text)]))
    version = await loadVersion(platform, { study, version: 'v1', files })
    for (const name of ['alice', 'bob']) await lakefs.createBranch(study, { name, source: 'v1' })
    await lakefs.createTag(study, { name: 'locked', ref: version })
  })
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  })

  const work = (steps: Step[], catalog: Record<string, string> = {}) =>
    runPython<Outcome[]>(
      'catalog-client.py',
      { catalog: { uri: catalogAddress(platform.settings), token: platform.settings.catalogToken, ...catalog }, steps },
      { lake: { lake: join(platform.folder, 'lake') } },
    )
  /** The same, where all goes well. */
  async function succeed(steps: Step[]): Promise<Outcome['value'][]> {
    const outcomes = await work(steps)
    expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([])
    return outcomes.map(({ value }) => value)
  }
  const headOf = async (branch: string) => (await lakefs.getBranch(study, branch))!.commitId
  /** What came to a branch after that commit, oldest first. */
  async function commitsSince(branch: string, before: string): Promise<Commit[]> {
    const commits: Commit[] = []
    for await (const commit of lakefs.log(study, branch, { firstParent: true })) {
      if (commit.id === before) return commits.reverse()
      commits.push(commit)
    }
    throw new Error(`${before} is not in the history of ${branch}`)
  }
  const table = (name: string, layer = 'work', branch = 'alice') => [`${study}@${branch}`, layer, name]

  it('sees every study at every ref, and in each the same rows at branch, tag and commit', async () => {
    const refs = ['v1', 'locked', version, version.slice(0, 12)]
    const [all, layers, tables, absent, ...read] = await succeed([
      { do: 'namespaces' },
      { do: 'namespaces', parent: [`${study}@v1`] },
      { do: 'tables', namespace: [`${study}@v1`, 'raw'] },
      { do: 'namespace_exists', namespace: [`${study}@v9`, 'raw'] },
      ...refs.map(ref => ({ do: 'read', table: table('dm', 'raw', ref), sort: 'USUBJID' })),
    ])
    expect(all).toEqual(['alice', 'bob', 'keys', 'main', 'v1', 'locked'].map(ref => [`${study}@${ref}`]))
    expect(layers.map(([, layer]: string[]) => layer)).toEqual(['base', 'keys', 'raw', 'work'])
    expect(tables).toEqual(['ae', 'dm', 'sv'])
    expect(absent).toBe(false)
    expect(read[0].rows).toEqual([
      { USUBJID: 'P1', SITEID: 'S1', AGE: 61 },
      { USUBJID: 'P2', SITEID: 'S1', AGE: null },
      { USUBJID: 'P3', SITEID: 'S2', AGE: 47 },
    ])
    for (const other of read) expect(other).toEqual(read[0])
  })

  it('makes a table, writes, evolves and reads it, each change a commit', async () => {
    const before = await headOf('alice')
    const name = table('summary')
    const [, , , , updated, , , , read] = await succeed([
      { do: 'create', table: name, columns },
      { do: 'append', table: name, rows },
      { do: 'append', table: name, rows: [{ name: 'C', visits: 3, weight: 50 }] },
      { do: 'delete', table: name, where: "name == 'A'" },
      { do: 'upsert', table: name, rows: [{ name: 'B', visits: 5, weight: 60 }, rows[0]], by: ['name'] },
      { do: 'evolve', table: name, add: { note: 'string' }, rename: { visits: 'count' }, widen: { visits: 'long' } },
      { do: 'evolve', table: name, drop: ['weight'] },
      { do: 'append', table: name, rows: [{ name: 'D', count: 2 ** 40, note: 'large' }] },
      { do: 'read', table: name, sort: 'name' },
    ])
    expect(updated).toEqual([1, 1])
    expect(read).toMatchObject({
      columns: { name: 'string', count: 'long', note: 'string' },
      rows: [
        { name: 'A', count: 1, note: null },
        { name: 'B', count: 5, note: null },
        { name: 'C', count: 3, note: null },
        { name: 'D', count: 2 ** 40, note: 'large' },
      ],
    })
    const commits = await commitsSince('alice', before)
    expect(commits.map(({ message }) => message)).toEqual([
      'Create work.summary',
      'Append to work.summary',
      'Append to work.summary',
      // pyiceberg writes the rows that stay anew.
      'Change rows of work.summary',
      expect.stringMatching(/ work\.summary$/),
      'Alter work.summary',
      'Alter work.summary',
      'Append to work.summary',
    ])
    expect(new Set(commits.map(({ metadata }) => metadata.author))).toEqual(new Set(['studylake']))
    // At each of the commits the table is as it was then.
    const [first, ...then] = await succeed(
      commits.map(({ id }) => ({ do: 'read', table: table('summary', 'work', id), sort: 'name' })),
    )
    expect(first).toMatchObject({ rows: [], columns: { name: 'string', visits: 'int', weight: 'double' } })
    expect(then.map(({ rows: found }) => found.length)).toEqual([2, 3, 2, 3, 3, 3, 4])
  })

  it('overwrites and partitions', async () => {
    const name = table('parted')
    const [, , , , , read] = await succeed([
      { do: 'create', table: name, columns },
      { do: 'append', table: name, rows },
      { do: 'partition', table: name, column: 'name' },
      { do: 'append', table: name, rows: [{ name: 'C', visits: 3, weight: 1 }] },
      { do: 'overwrite', table: name, rows: [{ name: 'B', visits: 7, weight: 2 }], where: "name in ('B', 'C')" },
      { do: 'read', table: name, sort: 'name' },
    ])
    expect(read.rows).toEqual([rows[0], { name: 'B', visits: 7, weight: 2 }])
    expect(read.files.some((file: string) => file.includes('name=B'))).toBe(true)
  })

  it('makes a table with its rows in one commit', async () => {
    const before = await headOf('alice')
    const [, read] = await succeed([
      { do: 'create_as', table: table('made'), columns, rows },
      { do: 'read', table: table('made'), sort: 'name' },
    ])
    expect(read.rows).toEqual(rows)
    expect((await commitsSince('alice', before)).map(({ message }) => message)).toEqual(['Create work.made'])
    const again = await work([
      { do: 'create', table: table('made'), columns },
      { do: 'create_as', table: table('made'), columns, rows },
    ])
    expect(again.map(({ error }) => error)).toEqual(['TableAlreadyExistsError', 'TableAlreadyExistsError'])
  })

  it('changes a delivered table on a branch of one’s own, and nowhere else', async () => {
    const of = (branch: string) => table('dm', 'raw', branch)
    const [before, , , , mine, theirs, delivered] = await succeed([
      { do: 'read', table: of('alice'), sort: 'USUBJID' },
      { do: 'append', table: of('alice'), rows: [{ USUBJID: 'P9', SITEID: 'S9', AGE: 1 }] },
      { do: 'evolve', table: of('alice'), add: { note: 'string' }, widen: { AGE: 'long' }, rename: { SITEID: 'SITE' } },
      { do: 'delete', table: of('alice'), where: "USUBJID == 'P1'" },
      { do: 'read', table: of('alice'), sort: 'USUBJID' },
      { do: 'read', table: of('bob'), sort: 'USUBJID' },
      { do: 'read', table: of('v1'), sort: 'USUBJID' },
    ])
    expect(mine.columns).toEqual({ USUBJID: 'string', SITE: 'string', AGE: 'long', note: 'string' })
    expect(mine.rows.map((row: Record<string, unknown>) => [row.USUBJID, row.SITE, row.AGE])).toEqual([
      ['P2', 'S1', null],
      ['P3', 'S2', 47],
      ['P9', 'S9', 1],
    ])
    expect(theirs).toEqual(before)
    expect(delivered).toEqual(before)
  })

  it('renames, drops, registers what was dropped, and never deletes a file', async () => {
    const [, , read] = await succeed([
      { do: 'create_as', table: table('old'), columns, rows },
      { do: 'rename', table: table('old'), to: table('fresh') },
      { do: 'read', table: table('fresh'), sort: 'name' },
    ])
    const files = [...(await listLake(platform, 'data/')), ...(await listLake(platform, 'metadata/'))]
    const [old, , fresh, , , registered, , , purged] = await succeed([
      { do: 'exists', table: table('old') },
      { do: 'drop', table: table('fresh') },
      { do: 'exists', table: table('fresh') },
      { do: 'register', table: table('back'), metadata: read.metadata },
      { do: 'append', table: table('back'), rows: [{ name: 'C', visits: 3, weight: 1 }] },
      { do: 'read', table: table('back'), sort: 'name' },
      { do: 'create_as', table: table('gone'), columns, rows },
      { do: 'purge', table: table('gone') },
      { do: 'exists', table: table('gone') },
    ])
    expect([old, fresh, purged]).toEqual([false, false, false])
    expect(registered.rows).toEqual([...rows, { name: 'C', visits: 3, weight: 1 }])
    expect(registered.files).toEqual(expect.arrayContaining(read.files))
    const left = new Set([...(await listLake(platform, 'data/')), ...(await listLake(platform, 'metadata/'))])
    expect(files.filter(file => !left.has(file))).toEqual([])
    expect([...left].some(file => file.startsWith(`data/${study}/work/gone/`))).toBe(true)
    const failed = await work([
      { do: 'drop', table: table('fresh') },
      { do: 'rename', table: table('fresh'), to: table('other') },
      { do: 'rename', table: table('back'), to: table('made') },
      { do: 'register', table: table('back'), metadata: read.metadata },
      { do: 'register', table: table('none'), metadata: 's3://lake/metadata/nothing.metadata.json' },
    ])
    expect(failed.map(({ error }) => error)).toEqual([
      'NoSuchTableError',
      'NoSuchTableError',
      'TableAlreadyExistsError',
      'TableAlreadyExistsError',
      'BadRequestError',
    ])
  })

  it('changes two tables in one commit, or neither', async () => {
    const names = [table('left'), table('right')]
    await succeed(names.map(name => ({ do: 'create', table: name, columns })))
    const before = await headOf('alice')
    const more = [{ name: 'C', visits: 3, weight: 1 }]
    const [status, left, right] = await succeed([
      { do: 'transaction', tables: names, rows },
      ...names.map(name => ({ do: 'read', table: name, sort: 'name' })),
    ])
    expect([status, left.rows, right.rows]).toEqual([204, rows, rows])
    const [commit, ...others] = await commitsSince('alice', before)
    expect([commit!.metadata.tables, others]).toEqual(['work.left, work.right', []])
    const changed = (await Array.fromAsync(lakefs.diffRefs(study, before, 'alice', { type: 'two_dot' }))).map(
      ({ path }) => path,
    )
    expect(changed).toEqual([tablePath('work', 'left'), tablePath('work', 'right')])

    const outcomes = await work([
      { do: 'transaction', tables: [names[0], names[0]], rows: more },
      ...names.map(name => ({ do: 'read', table: name, sort: 'name' })),
    ])
    // The second append does not go on from the first: their common commit is refused.
    expect(outcomes.map(({ value }) => value.rows ?? value)).toEqual([409, rows, rows])
  })

  it('is told that another writer was first, and no row is lost or doubled', async () => {
    const name = table('raced')
    await succeed([{ do: 'create', table: name, columns }])
    // Told so, pyiceberg reads the table again and appends to what it finds.
    const [race, read] = await succeed([
      { do: 'race', table: name, first: [rows[0]], second: [rows[1]] },
      { do: 'read', table: name, sort: 'name' },
    ])
    expect([race, read.rows, read.snapshots]).toEqual([null, rows, 2])
    const [, once, after] = await work([
      { do: 'set_properties', table: name, properties: { 'commit.retry.num-retries': '0' } },
      { do: 'race', table: name, first: [{ ...rows[0], name: 'C' }], second: [{ ...rows[0], name: 'D' }] },
      { do: 'read', table: name, sort: 'name' },
    ])
    expect(once!.error).toBe('CommitFailedException')
    expect(after!.value.rows).toEqual([...rows, { ...rows[0], name: 'C' }])
  })

  it('may write its own tables on a version, and nothing where the state is not its own', async () => {
    const before = await headOf('v1')
    const refused = await work([
      { do: 'append', table: table('dm', 'raw', 'v1'), rows: [{ USUBJID: 'P9', SITEID: 'S9', AGE: 1 }] },
      { do: 'drop', table: table('dm', 'base', 'v1') },
      { do: 'create', table: table('mine', 'work', 'main'), columns },
      { do: 'create', table: table('mine', 'work', 'keys'), columns },
      { do: 'create', table: table('mine', 'work', 'locked'), columns },
      { do: 'create', table: table('mine', 'work', version), columns },
    ])
    expect(refused.map(({ error }) => error)).toEqual(refused.map(() => 'ForbiddenError'))
    for (const { message } of refused) expect(message).toMatch(/by hand|as it was delivered|never changes/)
    expect(await headOf('v1')).toBe(before)
    const [, read] = await succeed([
      { do: 'create_as', table: table('mine', 'work', 'v1'), columns, rows },
      { do: 'read', table: table('mine', 'work', 'v1'), sort: 'name' },
    ])
    expect(read.rows).toEqual(rows)
  })

  it('gets no answer without a token that the catalog knows', async () => {
    for (const token of ['', 'not the token', `${platform.settings.catalogToken}x`])
      expect(await work([{ do: 'namespaces' }], { token })).toMatchObject([{ error: 'UnauthorizedError' }])
  })

  it('is refused odd names, and nothing is changed', async () => {
    const before = await headOf('alice')
    const odd = ['a\u001fb', '..', 'größe', 'x'.repeat(300), 'Summary', 'a/b', ' ', '%1F', '_hidden', "a' or 1=1"]
    const steps = odd.flatMap(name => [
      { do: 'create', table: table(name), columns },
      { do: 'read', table: table(name) },
      { do: 'read', table: [`${study}@${name}`, 'raw', 'dm'] },
      { do: 'read', table: [`${name}@v1`, 'raw', 'dm'] },
      { do: 'read', table: [`${study}@v1`, name, 'dm'] },
      { do: 'rename', table: table('raced'), to: table(name) },
      { do: 'tables', namespace: [name] },
    ])
    const errors = (await work(steps)).map(({ error }, at) => ({ ...steps[at], error }))
    const expected = /^(BadRequestError|NoSuchTableError|NoSuchNamespaceError)$/
    expect(errors).toEqual(steps.map(step => ({ ...step, error: expect.stringMatching(expected) })))
    expect(await headOf('alice')).toBe(before)
  })

  it('leaves no hidden branch behind', async () => {
    const names = await Array.fromAsync(lakefs.listBranches(study, { hidden: true }), ({ id }) => id)
    expect(names.filter(name => name.startsWith('_'))).toEqual([])
  })
})
