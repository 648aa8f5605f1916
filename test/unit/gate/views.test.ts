import { beforeEach, describe, expect, it } from 'vitest'
import { NotFoundError, PreconditionError, TransientError } from '../../../lib/errors.ts'
import {
  countRows,
  findTable,
  hasTable,
  isDataFault,
  readStudyView,
  readVersionView,
  type VersionView,
} from '../../../lib/gate/view.ts'
import { IcebergError } from '../../../lib/iceberg/error.ts'
import { JsonError } from '../../../lib/json.ts'
import { contentsPath, tablePath, versionPath } from '../../../lib/layout.ts'
import { bedStudy, type GateBed, makeGateBed } from '../../support/gate-bed.ts'
import { type MemoryLakefs, memoryLakefs, type Tree } from '../../support/memory-lakefs.ts'

let bed: GateBed
let repository: MemoryLakefs
beforeEach(async () => {
  bed = await makeGateBed()
  repository = memoryLakefs(bedStudy)
})

const environment = () => ({ lakefs: repository.lakefs, lake: bed.store })
/** Reads the version with these objects in place of its own. */
async function read(change: Tree = {}, { scope, isVersion = true }: { scope?: Set<string>; isVersion?: boolean } = {}) {
  const tree = { ...bed.tree, ...change }
  const ref = repository.commit(tree)
  const listing = new Map(Object.keys(tree).map(path => [path, undefined]))
  const view = await readStudyView(environment(), { study: bedStudy, ref, listing, scope, isVersion })
  return { view, version: await readVersionView(environment(), view, ref) }
}
const all = ['base.ae', 'base.dm', 'base.tv', 'keys.patient', 'keys.site', 'raw.ae', 'raw.dm', 'raw.tv']
const names = ({ tables }: { tables: { name: string }[] }) => tables.map(({ name }) => name).sort()

describe('what a ref holds', () => {
  it('is read as it stands', async () => {
    const { view, version } = await read()
    expect(view).toMatchObject({ study: 'bed', bucket: 'lake', problems: [], scope: undefined })
    expect(names(view)).toEqual(all)
    const expected = bed.view()
    const facts = ({ tables }: VersionView) =>
      tables
        .map(({ files, columns, ...table }) => ({ ...table, files: files.map(({ address }) => address) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    expect(facts(version)).toEqual(facts(expected))
    expect(version.contents).toEqual(expected.contents)
    expect(version.record).toEqual(expected.record)
    expect(version).toMatchObject({ study: 'bed', bucket: 'lake', problems: [], scope: undefined })
    expect(version.listing).toBe(view.listing)
  })

  it('is, with a scope, what lies there and, of a version, its key tables', async () => {
    const scope = new Set([tablePath('raw', 'dm'), 'notes.md'])
    const structure = await read({}, { scope, isVersion: false })
    expect(names(structure.view)).toEqual(['raw.dm'])
    expect(structure.view.scope).toBe(scope)
    expect(structure.version.scope).toBe(scope)
    expect(names((await read({}, { scope })).view)).toEqual(['keys.patient', 'keys.site', 'raw.dm'])
  })

  it('of a table that cannot be read is a problem, and of the others all the same', async () => {
    const { view } = await read({ [tablePath('raw', 'dm')]: '{' })
    expect(view.problems).toEqual([
      { code: 'table-unreadable', table: 'raw.dm', message: expect.stringContaining('tables/raw/dm.json') },
    ])
    expect(names(view)).toEqual(all.filter(name => name !== 'raw.dm'))
  })

  it('of a table whose parts disagree is told with its name', async () => {
    const text = bed.tree[tablePath('raw', 'dm')]!
    const { view } = await read({
      [tablePath('raw', 'dm')]: text.replace('"total-records": "3"', '"total-records": "4"'),
    })
    expect(view.problems).toMatchObject([{ code: 'snapshot-totals', table: 'raw.dm', expected: '4', found: '3' }])
    expect(names(view)).toEqual(all)
  })

  it('cannot be told where a server fails, or a table goes meanwhile', async () => {
    const failure = new TypeError('terminated')
    bed.store.get = () => Promise.reject(failure)
    await expect(read()).rejects.toBe(failure)
    const ref = repository.commit({})
    const listing = new Map([[tablePath('raw', 'dm'), undefined]])
    const gone = readStudyView(environment(), { study: bedStudy, ref, listing, isVersion: true })
    await expect(gone).rejects.toThrow(`tables/raw/dm.json was listed at ${ref} of bed and is not there`)
    await expect(gone).rejects.toThrow(TransientError)
  })
})

describe('what a version declares', () => {
  const unreadable = (path: string) => [{ code: 'declaration-unreadable', message: `${path} cannot be read` }]

  it('may be missing, which is for the rules to judge', async () => {
    const { [contentsPath]: _contents, [versionPath]: _record, ...rest } = bed.tree
    bed.tree = rest
    const { version } = await read()
    expect([version.contents, version.record, version.problems]).toEqual([undefined, undefined, []])
  })

  it('can be read, each by itself', async () => {
    const { version: withoutContents } = await read({ [contentsPath]: '{}' })
    expect(withoutContents.problems).toEqual(unreadable(contentsPath))
    expect(withoutContents.record).toBeDefined()
    expect(withoutContents.contents).toBeUndefined()
    const { version: withoutRecord } = await read({ [versionPath]: '{}' })
    expect(withoutRecord.problems).toEqual(unreadable(versionPath))
    expect(withoutRecord.contents).toBeDefined()
    expect(withoutRecord.record).toBeUndefined()
  })

  it('holds no tables of people', async () => {
    const { version } = await read({ [tablePath('work', 'notes')]: bed.tree[tablePath('raw', 'dm')]! })
    expect(names(version)).toEqual(all)
  })

  it('has columns of types that can be declared', async () => {
    const text = bed.tree[tablePath('raw', 'dm')]!
    const { version, view } = await read({ [tablePath('raw', 'dm')]: text.replace('"type": "int"', '"type": "uuid"') })
    expect(names(view)).toEqual(all)
    expect(version.problems).toEqual([{ code: 'table-type', table: 'raw.dm', message: expect.stringContaining('AGE') }])
    expect(names(version)).toEqual(all.filter(name => name !== 'raw.dm'))
  })
})

describe('tables of a view', () => {
  it('are found by layer and dataset', () => {
    const view = bed.view()
    expect(findTable(view, 'base', 'dm')?.name).toBe('base.dm')
    expect(findTable(view, 'keys', 'dm')).toBeUndefined()
    expect(findTable(view, 'base', 'site')).toBeUndefined()
  })

  it('are there where they are listed or, but for key tables, not looked at', () => {
    const listing = new Map([[tablePath('raw', 'dm'), undefined]])
    expect(hasTable({ listing }, 'raw', 'dm')).toBe(true)
    expect(hasTable({ listing }, 'base', 'dm')).toBe(false)
    const scope = new Set([tablePath('base', 'dm')])
    expect(hasTable({ listing, scope }, 'raw', 'dm')).toBe(true)
    expect(hasTable({ listing, scope }, 'base', 'dm')).toBe(false)
    expect(hasTable({ listing, scope }, 'raw', 'ae')).toBe(true)
    expect(hasTable({ listing, scope }, 'keys', 'site')).toBe(false)
  })

  it('have the rows of all their files', () => {
    const [table] = bed.view().tables
    table!.files = [2, 5].map(rows => ({ ...table!.files[0]!, rows }))
    expect(countRows(table!)).toBe(7)
    expect(countRows({ ...table!, files: [] })).toBe(0)
  })
})

it.each<[string, unknown, boolean]>([
  ['a plain error of a reader', new Error('x'), true],
  ['an Iceberg error', new IcebergError('x'), true],
  ['text that is no JSON', new JsonError('x'), true],
  ['a file that is not there', new NotFoundError('x'), true],
  ['a document of another shape', Object.assign(new Error('x'), { name: 'ZodError' }), true],
  ['a server that does not answer', new TransientError('x'), false],
  ['a condition that does not hold', new PreconditionError('x'), false],
  ['a network', new TypeError('terminated'), false],
  ['no error at all', { name: 'Error' }, false],
])('%s: a fault of data is %s', (_what, error, expected) => {
  expect(isDataFault(error)).toBe(expected)
})
