import { beforeEach, describe, expect, it } from 'vitest'
import type { Changes } from '../../../lib/gate/changes.ts'
import type { Profile } from '../../../lib/gate/profile.ts'
import { type Comparison, findScope, listRef, listScope } from '../../../lib/gate/scope.ts'
import type { Lakefs } from '../../../lib/lakefs/client.ts'
import { contentsPath, gatePath, tablePath, versionPath } from '../../../lib/layout.ts'
import { bedStudy, type GateBed, makeGateBed } from '../../support/gate-bed.ts'
import { type MemoryLakefs, memoryLakefs, type Tree } from '../../support/memory-lakefs.ts'

let bed: GateBed
let repository: MemoryLakefs
beforeEach(async () => {
  bed = await makeGateBed()
  repository = memoryLakefs(bedStudy)
})

const environment = () => ({ lakefs: repository.lakefs, lake: bed.store })
type Document = { datasets: Record<string, unknown>[]; entities?: unknown[] }
/** A document of the version, changed. */
const edited = (path: string, change: (document: Document) => unknown): Tree => {
  const document = JSON.parse(bed.tree[path]!) as Document
  change(document)
  return { [path]: JSON.stringify(document) }
}
/** The version, and a commit that has these objects in place of its own; `changes` are those where they are not given. */
function compare(change: Tree, { changes, before = {} }: { changes?: Changes; before?: Tree } = {}): Comparison {
  const parentRef = repository.commit({ ...bed.tree, ...before })
  const ref = repository.commit({ ...bed.tree, ...change })
  const paths = Object.keys(change).map(path => [path, 'changed'] as const)
  return { study: bedStudy, ref, parentRef, changes: changes ?? new Map(paths) }
}
const scopeOf = async (comparison: Comparison, profile: Profile = 'full') => {
  const scope = await findScope(environment(), comparison, profile)
  return scope && [...scope].sort()
}
const both = (dataset: string) => [tablePath('base', dataset), tablePath('raw', dataset)]

it('a listing tells the objects of a ref by what names their content', async () => {
  const ref = repository.commit({ a: 'text', b: '' })
  const listing = await listRef(environment(), bedStudy, ref)
  expect([...listing.keys()]).toEqual(['a', 'b'])
  expect(listing.get('a')).toMatch(/^[0-9a-f]{32} 4$/)
  async function* listObjects() {
    yield { type: 'common_prefix', path: 'folder/' }
  }
  const folders = { lakefs: { listObjects } as unknown as Lakefs }
  expect(await listRef(folders, bedStudy, ref)).toEqual(new Map())
})

describe('what is judged', () => {
  it('is nothing where nothing changed', async () => {
    expect(await scopeOf(compare({}))).toEqual([])
    expect(await scopeOf(compare({}), 'structure')).toEqual([])
  })

  it('is what changed and, of a version, its counterpart', async () => {
    for (const layer of ['raw', 'base'] as const) {
      const comparison = compare({ [tablePath(layer, 'dm')]: '{}' })
      expect(await scopeOf(comparison)).toEqual(both('dm'))
      expect(await scopeOf(comparison, 'structure')).toEqual([tablePath(layer, 'dm')])
    }
    const own = compare({ [tablePath('work', 'notes')]: '{}', 'notes.md': 'x' })
    expect(await scopeOf(own)).toEqual(['notes.md', tablePath('work', 'notes')])
  })

  it('is of which contents or record say something else', async () => {
    const contents = edited(contentsPath, ({ datasets }) => Object.assign(datasets[0]!, { fields: [] }))
    expect(await scopeOf(compare(contents))).toEqual([contentsPath, ...both('dm')].sort())
    expect(await scopeOf(compare(contents), 'structure')).toEqual([contentsPath])
    const record = edited(versionPath, ({ datasets }) => Object.assign(datasets[1]!, { rowsIn: 9 }))
    expect(await scopeOf(compare(record))).toEqual([versionPath, ...both('ae')].sort())
    const fewer = edited(versionPath, ({ datasets }) => datasets.shift())
    expect(await scopeOf(compare(fewer))).toEqual([versionPath, ...both('dm')].sort())
    const more = edited(versionPath, ({ datasets }) => datasets.push({ dataset: 'lb' }))
    expect(await scopeOf(compare(more))).toEqual([...both('lb'), versionPath].sort())
    const reordered = edited(versionPath, ({ datasets }) => datasets.reverse())
    expect(await scopeOf(compare(reordered))).toEqual([versionPath])
    const two = compare({ ...contents, ...record })
    expect(await scopeOf(two)).toEqual([contentsPath, versionPath, ...both('dm'), ...both('ae')].sort())
  })

  it.each<[string, Tree | ((change: typeof edited) => Tree)]>([
    ['entities are others', change => change(versionPath, document => document.entities!.pop())],
    ['entities are none', change => change(versionPath, document => delete document.entities)],
    ['the record cannot be read', { [versionPath]: '{' }],
    ['the record has no datasets', { [versionPath]: '{}' }],
    ['contents cannot be read', { [contentsPath]: '{' }],
  ])('is all where %s', async (_what, change) => {
    const tree = typeof change === 'function' ? change(edited) : change
    expect(await scopeOf(compare(tree))).toBeUndefined()
    expect(
      await scopeOf(compare({ [Object.keys(tree)[0]!]: bed.tree[Object.keys(tree)[0]!]! }, { before: tree })),
    ).toBeUndefined()
  })

  it('is all where contents or record come or go', async () => {
    for (const path of [contentsPath, versionPath]) {
      const parentRef = repository.commit(bed.tree)
      const { [path]: _, ...rest } = bed.tree
      const ref = repository.commit(rest)
      const changes: Changes = new Map([[path, 'removed']])
      expect(await scopeOf({ study: bedStudy, ref, parentRef, changes })).toBeUndefined()
      expect(await scopeOf({ study: bedStudy, ref: parentRef, parentRef: ref, changes })).toBeUndefined()
    }
  })
})

describe('key tables', () => {
  const site = tablePath('keys', 'site')
  const patient = tablePath('keys', 'patient')

  it('that go on ask for nothing but themselves', async () => {
    const same = compare({ [site]: bed.tree[site]! })
    expect(await scopeOf(same)).toEqual([site])
    const { [site]: _, ...before } = bed.tree
    const added: Changes = new Map([[site, 'added']])
    const parentRef = repository.commit(before)
    const ref = repository.commit(bed.tree)
    expect(await scopeOf({ study: bedStudy, ref, parentRef, changes: added })).toEqual([site])
    // Of people's branches nothing hangs on them.
    expect(await scopeOf({ study: bedStudy, ref: parentRef, parentRef: ref, changes: added }, 'structure')).toEqual([
      site,
    ])
  })

  it('that do not ask for all', async () => {
    // The other's file is not the one that was there.
    expect(await scopeOf(compare({ [site]: bed.tree[patient]! }))).toBeUndefined()
    const { [site]: _, ...rest } = bed.tree
    const parentRef = repository.commit(bed.tree)
    const changes: Changes = new Map([[site, 'removed']])
    expect(await scopeOf({ study: bedStudy, ref: repository.commit(rest), parentRef, changes })).toBeUndefined()
    expect(await scopeOf(compare({ [site]: '{' }))).toBeUndefined()
  })

  it('are not read where none of them changed', async () => {
    await scopeOf(compare({ [tablePath('raw', 'dm')]: '{}' }))
    expect(repository.calls.filter(call => call.startsWith('listObjects'))).toEqual([])
  })

  it('fail where a server does, or where the good parent’s cannot be read', async () => {
    const comparison = compare({ [site]: '{}' })
    const failure = new TypeError('terminated')
    const { lakefs } = repository
    const getObject: Lakefs['getObject'] = (study, ref, path) =>
      ref === comparison.ref ? Promise.reject(failure) : lakefs.getObject(study, ref, path)
    const failing = { ...environment(), lakefs: { ...lakefs, getObject } }
    await expect(findScope(failing, comparison, 'full')).rejects.toBe(failure)
    await expect(scopeOf(compare({ [site]: bed.tree[site]! }, { before: { [site]: '{' } }))).rejects.toThrow(site)
  })
})

describe('single looks', () => {
  const scope = (...paths: string[]) => new Set(paths)
  const look = (
    comparison: Comparison,
    {
      paths = [...comparison.changes.keys()],
      profile = 'full',
      isPromotion = false,
    }: { paths?: string[]; profile?: Profile; isPromotion?: boolean } = {},
  ) => {
    repository.calls.length = 0
    return listScope(environment(), comparison, { scope: scope(...paths), profile, isPromotion })
  }
  const stats = () => repository.calls.filter(call => call.startsWith('statObject')).map(call => call.split(' ')[2])
  const keys = [tablePath('keys', 'patient'), tablePath('keys', 'site')]
  const [base, raw] = both('dm') as [string, string]

  it('tell what is there of a scope: what changed, what is found, and key tables', async () => {
    const comparison = compare({ [raw]: '{}' })
    const listing = (await look(comparison, { paths: [raw, base, tablePath('raw', 'lb'), keys[0]!] }))!
    expect([...listing.keys()].sort()).toEqual([gatePath, base, raw, ...keys].sort())
    expect(new Set(listing.values())).toEqual(new Set([undefined]))
    expect(stats()).toEqual([gatePath, base, tablePath('raw', 'lb')])
    expect(repository.calls.filter(call => call.startsWith('listObjects'))).toEqual([
      `listObjects ${comparison.ref} tables/keys/`,
    ])
  })

  it('ask for no key tables where structure is judged', async () => {
    const comparison = compare({ 'notes.md': 'x' })
    expect([...(await look(comparison, { profile: 'structure' }))!.keys()]).toEqual([gatePath, 'notes.md'])
  })

  it('hold nothing that went', async () => {
    const changes: Changes = new Map([
      [raw, 'removed'],
      [base, 'changed'],
      ['notes.md', 'added'],
    ])
    const listing = (await look(compare({}, { changes })))!
    expect([...listing.keys()].sort()).toEqual([gatePath, 'notes.md', base, ...keys].sort())
  })

  it('are not taken where the gate’s action is not there', async () => {
    const { [gatePath]: _, ...rest } = bed.tree
    const comparison = { ...compare({ [raw]: '{}' }), ref: repository.commit(rest) }
    expect(await look(comparison)).toBeUndefined()
    const changes: Changes = new Map([[gatePath, 'removed']])
    expect(await look(compare({}, { changes }))).toBeUndefined()
    expect(stats()).toEqual([])
    expect(await look(compare({}, { changes: new Map([[gatePath, 'changed']]) }))).toBeDefined()
  })

  it('are at most fifty', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => tablePath('raw', `d${at}`))
    const comparison = compare({ [raw]: '{}' })
    expect(await look(comparison, { paths: [raw, ...keys, ...many(50)] })).toBeDefined()
    expect(await look(comparison, { paths: [raw, ...keys, ...many(51)] })).toBeUndefined()
    expect(repository.calls).toEqual([])
  })

  it.each<[string, string, 'added' | 'removed' | 'changed', Profile, boolean, boolean]>([
    ['a table that comes', raw, 'added', 'full', false, false],
    ['a table that comes on a branch of people', tablePath('work', 'a'), 'added', 'structure', false, false],
    ['a delivered table of a version', raw, 'changed', 'full', false, true],
    ['a delivered table in a promotion', raw, 'changed', 'full', true, true],
    ['a delivered table on a branch of people', raw, 'changed', 'structure', false, false],
    ['a table of people', tablePath('work', 'a'), 'changed', 'structure', false, true],
    ['a table of people in a version', tablePath('work', 'a'), 'changed', 'full', false, true],
    ['a table of people in a promotion', tablePath('work', 'a'), 'changed', 'full', true, false],
    ['a table that goes', raw, 'removed', 'structure', false, true],
    ['an object that is no table', 'notes.md', 'added', 'full', false, true],
  ])('of %s: %s %s, %s, promotion %s: enough %s', async (_what, path, type, profile, isPromotion, enough) => {
    const changes: Changes = new Map([
      ['notes.txt', 'changed'],
      [path, type],
    ])
    const listing = await look(compare({}, { changes }), { profile, isPromotion })
    expect(listing !== undefined).toBe(enough)
  })
})
